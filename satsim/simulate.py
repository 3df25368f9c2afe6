"""One scheme's packets over one link: the simulated world, in which only bytes move."""

from collections import Counter
from collections.abc import Sequence

import simpy

from satsim.channel import Channel, Perfect, channel_of
from satsim.feedback import Feedback
from satsim.link import Link
from satsim.packets import Packet, pack
from satsim.reassemble import Reassembler
from satsim.receiver import Receiver
from satsim.records import EventLog, Frame, SchemeRun
from satsim.repair_settings import ArqRound, Repair
from satsim.scenario import LinkSettings
from satsim.sender import Sender
from satsim.windows import visibility_of


def simulate(
    scheme: str,
    packets: Sequence[Packet],
    link: LinkSettings,
    repair: Repair,
    encode_s: float,
    seed: int,
) -> SchemeRun:
    """Send the packets of one image and return all that happened and what was held from when on.

    The link is free at 0 s and the handset has encoded at `encode_s`. Every scheme of a run is given the same
    seed and so meets the same channel: its k-th slot is lost for all of them or for none. Raises TraceError.
    """
    back = channel_of(repair.return_link.loss, seed, child=1) if isinstance(repair, ArqRound) else Perfect()
    return simulate_on(channel_of(link.loss, seed), scheme, packets, link, repair, encode_s, back)


def simulate_on(
    channel: Channel,
    scheme: str,
    packets: Sequence[Packet],
    link: LinkSettings,
    repair: Repair,
    encode_s: float,
    back: Channel | None = None,
) -> SchemeRun:
    """Do as `simulate` does, on channels of the caller's; `back`, perfect if not given, is the way back."""
    env = simpy.Environment()
    log = EventLog(scheme)
    gathering = Reassembler(packets[0].image if packets else None)
    receiver = Receiver(env, log, gathering)
    there = None if link.windows is None else visibility_of(link.windows)
    carrier = Link(env, channel, log, receiver, link.interval_s, link.latency.total_s, visibility=there)
    reports = None
    if isinstance(repair, ArqRound) and packets:
        back = back or Perfect()
        reports = Feedback(env, log, packets[0].image, gathering, carrier, back, repair.return_link, there)
    sender = Sender(env, log, carrier, encode_s, repair, reports)
    env.process(sender.send([_frame(number, packet) for number, packet in enumerate(packets, 1)]))
    env.run()
    happened = Counter(event.event for event in log.events)
    return SchemeRun(
        scheme=scheme,
        events=tuple(log.events),
        holdings=gathering.holdings,
        packets_sent=happened["sent"],
        packets_lost=happened["lost"],
        bytes_sent=sum(event.bytes for event in log.events if event.event == "sent"),
    )


def _frame(number: int, packet: Packet) -> Frame:
    last = packet.first_stage + packet.stage_count - 1
    stage = f"{packet.first_stage}" if packet.stage_count == 1 else f"{packet.first_stage}-{last}"
    return Frame(number, f"parity {stage}" if packet.is_parity else stage, 0, pack(packet))
