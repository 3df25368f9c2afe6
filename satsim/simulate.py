"""One scheme's packets over one link: the simulated world, in which only bytes move."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import simpy

from satsim.channel import Channel, Perfect, channel_of
from satsim.delay import Delay, delay_of
from satsim.feedback import Feedback
from satsim.fleet_settings import FleetSettings
from satsim.link import Link, Seat
from satsim.medium import medium_of
from satsim.packetize import frames_of
from satsim.packets import AnyPacket
from satsim.reassemble import Reassembler
from satsim.receiver import Receiver
from satsim.records import EventLog, SchemeRun
from satsim.repair_settings import ArqRound, Repair
from satsim.sender import Sender
from satsim.sender_settings import Encoding
from satsim.settings import LinkSettings
from satsim.units import logged_time_s
from satsim.windows import visibility_of

SHARED = 2**32 - 1  # the seed's child for what handsets share; theirs are 0, 1 and on


class _Channels(NamedTuple):
    """A handset's way there and its way back, drawn from the seed."""

    there: Channel
    back: Channel
    delay: Delay  # of the way there


def simulate(
    scheme: str,
    packets: Sequence[AnyPacket],
    link: LinkSettings,
    repair: Repair,
    encoding: Encoding,
    seed: int,
) -> SchemeRun:
    """Send the packets of one image and return all that happened and what was held from when on.

    The link is free at 0 s and the handset has encoded as `encoding` says. Every scheme of a run is given the
    same seed and so meets the same channel: its k-th slot is lost for all of them or for none. Raises
    TraceError.
    """
    there, back, delay = _channels_of(0, link, repair, seed)
    return simulate_on(there, scheme, packets, link, repair, encoding, back, delay)


def simulate_on(
    channel: Channel,
    scheme: str,
    packets: Sequence[AnyPacket],
    link: LinkSettings,
    repair: Repair,
    encoding: Encoding,
    back: Channel | None = None,
    delay: Delay | None = None,
) -> SchemeRun:
    """Do as `simulate` does, on channels of the caller's; `back`, perfect if not given, is the way back.

    `delay` is the link's least latency if not given.
    """
    env = simpy.Environment()
    delay = delay or Delay(link.latency.total_s)
    handset = _Handset(
        env, scheme, packets, link, repair, encoding, _Channels(channel, back or Perfect(), delay)
    )
    env.run()
    return handset.run()


def simulate_fleet(
    scheme: str,
    packets: Sequence[AnyPacket],
    link: LinkSettings,
    repair: Repair,
    encoding: Encoding,
    seed: int,
    fleet: FleetSettings,
) -> list[SchemeRun]:
    """Send the packets from every handset of a fleet, each over its own losses; times count from its photo.

    With `within_s` each takes its photo at a random moment, drawn evenly; otherwise all at 0 s. Losses that
    follow the clock (blockage, a trace) follow that of the fleet, from 0 s on; of others the first handset's
    are, slot by slot, those of `simulate`.
    """
    if fleet.is_alone:
        return [simulate(scheme, packets, link, repair, encoding, seed)]
    generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(SHARED,)))
    photos_s = generator.uniform(0, fleet.within_s, fleet.handsets).tolist()
    env = simpy.Environment()
    medium = medium_of(fleet, link.interval_s, encoding.encode_s, generator)
    handsets = [
        _Handset(
            env,
            scheme,
            packets,
            link,
            repair,
            encoding,
            _channels_of(number, link, repair, seed),
            Seat(medium, number),
            photo_s,
        )
        for number, photo_s in enumerate(photos_s)
    ]
    env.run()
    return [handset.run() for handset in handsets]


class _Handset:
    """A sender, its link and its receiver in one world, and the log of what happened to them."""

    def __init__(
        self,
        env: simpy.Environment,
        scheme: str,
        packets: Sequence[AnyPacket],
        link: LinkSettings,
        repair: Repair,
        encoding: Encoding,
        channels: _Channels,
        seat: Seat | None = None,
        photo_s: float = 0.0,
    ) -> None:
        """`photo_s`: when the photo is taken, from which the run's times count."""
        self._log, self._photo_s = EventLog(scheme), photo_s
        self._gathering = Reassembler(packets[0].image if packets else None)
        receiver = Receiver(env, self._log, self._gathering)
        there = None if link.windows is None else visibility_of(link.windows)
        carrier = Link(
            env,
            channels.there,
            self._log,
            receiver,
            link.interval_s,
            channels.delay,
            visibility=there,
            seat=seat,
        )
        reports = None
        if isinstance(repair, ArqRound) and packets:
            image, back = packets[0].image, channels.back
            reports = Feedback(
                env, self._log, image, self._gathering, carrier, back, repair.return_link, there
            )
        late_s = {number: encoding.refine_s * each.last_stage for number, each in enumerate(packets, 1)}
        encoded_s = photo_s + encoding.encode_s
        sender = Sender(env, self._log, carrier, encoded_s, repair, reports, late_s)
        env.process(sender.send(frames_of(packets)))

    def run(self) -> SchemeRun:
        """Return what happened, once the world has come to its end."""
        photo_s, events, holdings = self._photo_s, self._log.events, self._gathering.holdings
        if photo_s:
            events = [each._replace(time_s=logged_time_s(each.time_s - photo_s)) for each in events]
            holdings = tuple(each._replace(time_s=logged_time_s(each.time_s - photo_s)) for each in holdings)
        happened = Counter(event.event for event in events)
        return SchemeRun(
            scheme=self._log.scheme,
            events=tuple(events),
            holdings=holdings,
            packets_sent=happened["sent"],
            packets_lost=happened["lost"],
            bytes_sent=sum(event.bytes for event in events if event.event == "sent"),
        )


def _channels_of(handset: int, link: LinkSettings, repair: Repair, seed: int) -> _Channels:
    back_loss = repair.return_link.loss if isinstance(repair, ArqRound) else None
    there = channel_of(link.loss, seed, child=2 * handset)
    back = Perfect() if back_loss is None else channel_of(back_loss, seed, child=2 * handset + 1)
    return _Channels(there, back, delay_of(link.latency, seed, child=2 * handset))
