"""Who and when: whole logs, exact, against lists worked by hand."""

import math
from collections import Counter

import numpy as np
import pytest
import simpy
from hypothesis import given
from hypothesis import strategies as st

from satsim.channel import Perfect
from satsim.delay import Delay
from satsim.header import ImageTag
from satsim.link import Link
from satsim.loss_settings import IndependentLoss
from satsim.packetize import packetize, packetize_parity
from satsim.packets import Packet, pack
from satsim.reassemble import Reassembler
from satsim.receiver import Receiver
from satsim.records import Event, EventLog, Frame, Holding, SchemeRun
from satsim.repair_settings import ArqNextSlot, NoRepair, Repair
from satsim.sender_settings import Encoding
from satsim.settings import LatencySettings, LinkSettings
from satsim.simulate import simulate, simulate_on

ENCODE_S = 0.56
ARQ = ArqNextSlot()
NONE = NoRepair(kind="none")


class Scripted:
    """Loses the slots that it is told to, counted from 1."""

    def __init__(self, *lost: int) -> None:
        self._lost = lost
        self._slot = 0

    def loses(self, start_s: float, end_s: float) -> bool:
        self._slot += 1
        return self._slot in self._lost


def tag(n_stages: int) -> ImageTag:
    return ImageTag(7, n_stages, 8, 1, 256, 256, 0xBEEF, 0)  # of a file, whose pieces have any length


def five(payload_bytes: int = 360) -> tuple[Packet, ...]:
    return packetize([bytes([number]) * 320 for number in range(5)], tag(5), payload_bytes)


def paper_link(rate: float = 0, propagation_s: float = 0, processing_s: float = 0) -> LinkSettings:
    return LinkSettings(
        payload_bytes=360,
        interval_s=60,
        latency=LatencySettings(propagation_s=propagation_s, processing_s=processing_s),
        loss=IndependentLoss(rate=rate),
    )


PAPER_LINK = paper_link()
FIVE = five()


def on_script(
    *lost: int,
    packets: tuple[Packet, ...] = FIVE,
    link: LinkSettings = PAPER_LINK,
    repair: Repair = ARQ,
) -> SchemeRun:
    return simulate_on(Scripted(*lost), "p", packets, link, repair, Encoding(ENCODE_S))


def on_seed(rate: float, seed: int, encode_s: float = ENCODE_S, n_packets: int = 5) -> SchemeRun:
    packets = packetize([b"x"] * n_packets, tag(n_packets), 21)
    return simulate("p", packets, paper_link(rate), ARQ, Encoding(encode_s), seed)


def when(run: SchemeRun, event: str) -> list[tuple[float, int, int]]:
    return [(each.time_s, each.packet, each.attempt) for each in run.events if each.event == event]


def short(run: SchemeRun) -> list[tuple[float, str, int, int]]:
    return [(each.time_s, each.event, each.packet, each.attempt) for each in run.events]


def test_lossless_log_is_the_hand_worked_one() -> None:
    run = on_script()
    queued = [Event(0.56, "p", "queued", number, str(number - 1), 0, 340, "") for number in range(1, 6)]
    slots = []
    for number, starts_s, ends_s in [
        (1, 0.56, 60.56),
        (2, 60.56, 120.56),
        (3, 120.56, 180.56),
        (4, 180.56, 240.56),
        (5, 240.56, 300.56),
    ]:
        slots.append(Event(starts_s, "p", "sent", number, str(number - 1), 1, 340, ""))
        slots.append(Event(ends_s, "p", "received", number, str(number - 1), 1, 340, ""))
    assert run.events == (
        Event(0.56, "p", "encoded", 0, "", 0, 1700, ""),
        *queued,
        *slots,
        Event(300.56, "p", "complete", 0, "", 0, 1700, "5 stages in 5 packets"),
    )
    assert run.holdings == (
        Holding(60.56, (0,), 1, 340),
        Holding(120.56, (0, 1), 2, 680),
        Holding(180.56, (0, 1, 2), 3, 1020),
        Holding(240.56, (0, 1, 2, 3), 4, 1360),
        Holding(300.56, (0, 1, 2, 3, 4), 5, 1700),
    )
    assert (run.packets_sent, run.packets_lost, run.bytes_sent) == (5, 0, 1700)


def test_a_packet_is_queued_as_its_last_stage_is_found_and_parity_as_all_are() -> None:
    stages = [bytes([number]) * 320 for number in range(5)]
    packets = five(660) + packetize_parity(stages[:1], tag(5), 660)  # stages 0-1, 2-3, 4, parity 0
    run = simulate("p", packets, paper_link(), NONE, Encoding(7, refine_s=100), seed=1)
    assert when(run, "queued") == [(107, 1, 0), (307, 2, 0), (407, 3, 0), (407, 4, 0)]
    assert when(run, "sent") == [(107, 1, 1), (307, 2, 1), (407, 3, 1), (467, 4, 1)]


def test_lost_slots_are_repeated_in_the_next() -> None:
    run = on_script(2, 3)
    assert short(run)[6:] == [
        (0.56, "sent", 1, 1),
        (60.56, "received", 1, 1),
        (60.56, "sent", 2, 1),
        (120.56, "lost", 2, 1),
        (120.56, "sent", 2, 2),
        (180.56, "lost", 2, 2),
        (180.56, "sent", 2, 3),
        (240.56, "received", 2, 3),
        (240.56, "sent", 3, 1),
        (300.56, "received", 3, 1),
        (300.56, "sent", 4, 1),
        (360.56, "received", 4, 1),
        (360.56, "sent", 5, 1),
        (420.56, "received", 5, 1),
        (420.56, "complete", 0, 0),
    ]
    assert (run.packets_sent, run.packets_lost, run.bytes_sent) == (7, 2, 7 * 340)


def test_latency_moves_arrivals_and_no_slot() -> None:
    run = on_script(2, link=paper_link(propagation_s=0.25, processing_s=1.5))
    assert short(run)[6:12] == [
        (0.56, "sent", 1, 1),
        (60.56, "sent", 2, 1),
        (62.31, "received", 1, 1),
        (120.56, "lost", 2, 1),
        (120.56, "sent", 2, 2),
        (180.56, "sent", 3, 1),
    ]
    assert when(run, "received")[-1] == (362.31, 5, 1)


def test_latency_of_many_slots_delivers_in_order() -> None:
    run = on_script(link=paper_link(propagation_s=600))
    assert when(run, "received") == [(660.56 + 60 * k, k + 1, 1) for k in range(5)]


def test_a_packet_is_given_up_and_the_next_goes_on() -> None:
    run = on_script(1, 2, repair=ArqNextSlot(max_attempts=2), packets=five()[:3])
    assert short(run)[4:] == [
        (0.56, "sent", 1, 1),
        (60.56, "lost", 1, 1),
        (60.56, "sent", 1, 2),
        (120.56, "lost", 1, 2),
        (120.56, "gave_up", 1, 2),
        (120.56, "sent", 2, 1),
        (180.56, "received", 2, 1),
        (180.56, "sent", 3, 1),
        (240.56, "received", 3, 1),
    ]
    assert [holding.stages for holding in run.holdings] == [(1,), (1, 2)]


def test_no_repair_sends_each_once() -> None:
    run = on_script(1, 5, repair=NONE)
    assert when(run, "sent") == [(0.56 + 60 * k, k + 1, 1) for k in range(5)]
    assert when(run, "gave_up") == [(60.56, 1, 1), (300.56, 5, 1)]
    assert run.holdings[-1] == Holding(240.56, (1, 2, 3), 3, 1020)


def test_a_large_payload_takes_three_stages_at_once() -> None:
    run = on_script(packets=five(1200))
    assert [(each.stage, each.bytes) for each in run.events if each.event == "received"] == [
        ("0-2", 980),
        ("3-4", 660),
    ]
    assert run.holdings == (Holding(60.56, (0, 1, 2), 1, 980), Holding(120.56, (0, 1, 2, 3, 4), 2, 1640))


def test_nothing_to_send_is_an_empty_run() -> None:
    run = on_script(packets=())
    assert short(run) == [(0.56, "encoded", 0, 0)]
    assert run.holdings == ()


def test_a_perfect_link_is_rate_zero() -> None:
    perfect = simulate_on(Perfect(), "p", five(), paper_link(), ARQ, Encoding(ENCODE_S))
    assert simulate("p", five(), paper_link(rate=0), ARQ, Encoding(ENCODE_S), seed=5) == perfect


def test_rate_one_gives_every_packet_up() -> None:
    run = simulate("p", five(), paper_link(rate=1), ArqNextSlot(max_attempts=3), Encoding(ENCODE_S), seed=1)
    assert when(run, "gave_up") == [(180.56 + 180 * k, k + 1, 3) for k in range(5)]
    assert (run.holdings, run.packets_sent, run.packets_lost) == ((), 15, 15)


def test_same_seed_same_run_other_seed_another() -> None:
    assert on_seed(0.3, seed=1) == on_seed(0.3, seed=1)
    assert len({on_seed(0.3, seed) for seed in range(8)}) == 8


def test_schemes_of_one_seed_lose_the_same_slots() -> None:
    def lost_slots(run: SchemeRun) -> set[int]:
        fates = [each.event for each in run.events if each.event in ("lost", "received")]
        return {slot for slot, fate in enumerate(fates[:20]) if fate == "lost"}

    long = on_seed(0.3, seed=4, n_packets=40)
    slow = on_seed(0.3, seed=4, n_packets=30, encode_s=7.5)
    assert lost_slots(long) == lost_slots(slow) != set()


@pytest.mark.parametrize("rate", [0.1, 0.2, 0.5])
def test_attempts_are_geometric(rate: float) -> None:
    """Mean attempts are 1 / (1 - p), with variance p / (1 - p)^2; lost are p of all slots."""
    runs = [on_seed(rate, seed, n_packets=64) for seed in range(60)]
    attempts = [attempt for run in runs for _, _, attempt in when(run, "received")]
    standard_error = math.sqrt(rate) / (1 - rate) / math.sqrt(len(attempts))
    assert len(attempts) == 60 * 64
    assert abs(np.mean(attempts) - 1 / (1 - rate)) < 4 * standard_error
    sent, lost = sum(run.packets_sent for run in runs), sum(run.packets_lost for run in runs)
    assert abs(lost / sent - rate) < 4 * math.sqrt(rate * (1 - rate) / sent)


@given(
    lost=st.sets(st.integers(1, 40)),
    max_attempts=st.integers(1, 5),
    n_packets=st.integers(1, 8),
    propagation_s=st.sampled_from([0, 0.25, 60, 100]),
)
def test_every_log_adds_up(lost: set[int], max_attempts: int, n_packets: int, propagation_s: float) -> None:
    packets = packetize([b"x"] * n_packets, tag(n_packets), 21)
    link = paper_link(propagation_s=propagation_s)
    run = on_script(*lost, packets=packets, link=link, repair=ArqNextSlot(max_attempts=max_attempts))
    count = Counter(each.event for each in run.events)
    assert count["sent"] == count["lost"] + count["received"] == run.packets_sent
    assert count["queued"] == count["received"] + count["gave_up"] == n_packets
    assert count["complete"] == (count["gave_up"] == 0)
    times = [each.time_s for each in run.events]
    assert times == sorted(times)
    starts = [time_s for time_s, _, _ in when(run, "sent")]
    assert starts == [round(ENCODE_S + 60 * slot, 6) for slot in range(len(starts))]
    assert count["lost"] == len([slot for slot in lost if slot <= len(starts)])


def test_damaged_bytes_are_logged_and_stop_nothing() -> None:
    env = simpy.Environment()
    log = EventLog("p")
    receiver = Receiver(env, log, Reassembler())
    whole = pack(five()[0])
    for data in (whole[:-1], b"", whole, whole):
        receiver.put(Frame(0, "", 0, data))
    assert [(each.event, each.bytes, each.detail.partition(":")[0]) for each in log.events] == [
        ("rejected", 339, "BadCrc"),
        ("rejected", 0, "ShortPacket"),
        ("received", 340, ""),
        ("duplicate", 340, ""),
    ]


def test_a_busy_link_refuses_a_second_frame() -> None:
    env = simpy.Environment()
    log = EventLog("p")
    link = Link(env, Perfect(), log, Receiver(env, log, Reassembler()), 60, Delay(0))
    frame = Frame(1, "0", 1, pack(five()[0]))
    link.put(frame)
    with pytest.raises(RuntimeError, match=r"^the link is busy until 60 s; it is 0 s$"):
        link.put(frame)
