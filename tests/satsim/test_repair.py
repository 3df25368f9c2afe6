"""What each repair sends, slot by slot, and what arrives of it."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satsim.channel import Channel, Independent, Perfect
from satsim.fec import parity_stages, recover
from satsim.header import ImageTag
from satsim.packetize import packetize, packetize_parity
from satsim.packets import Packet, pack, parse
from satsim.records import SchemeRun
from satsim.repair_settings import Carousel, Erasure, NoRepair, Repair, Repeat, Unequal
from satsim.sender_settings import Encoding
from satsim.settings import LinkSettings
from satsim.simulate import simulate_on

LINK = LinkSettings(payload_bytes=360, interval_s=60)
STAGES = [bytes([number]) * 320 for number in range(5)]
TAG = ImageTag(7, 5, 10, 16, 256, 256, 0xBEEF, 0)
CAROUSEL = Carousel(kind="carousel", rounds=2)


class Scripted:
    """Loses the slots that it is told to, counted from 1."""

    def __init__(self, lost: Sequence[int]) -> None:
        self._lost, self._slot = lost, 0

    def loses(self, start_s: float, end_s: float) -> bool:
        self._slot += 1
        return self._slot in self._lost


def sent_on(channel: Channel, repair: Repair, payload_bytes: int = 360) -> SchemeRun:
    packets = packetize(STAGES, TAG, payload_bytes)
    if isinstance(repair, Erasure):
        packets += packetize_parity(parity_stages(STAGES, repair.parity_stages), TAG, payload_bytes)
    return simulate_on(channel, "p", packets, LINK, repair, Encoding(0))


def order(repair: Repair, payload_bytes: int = 360) -> str:
    run = sent_on(Perfect(), repair, payload_bytes)
    return " ".join(f"{each.packet}.{each.attempt}" for each in run.events if each.event == "sent")


@pytest.mark.parametrize(
    ("repair", "sent"),
    [
        (NoRepair(kind="none"), "1.1 2.1 3.1 4.1 5.1"),
        (Repeat(kind="repeat", times=2), "1.1 1.2 2.1 2.2 3.1 3.2 4.1 4.2 5.1 5.2"),
        (CAROUSEL, "1.1 2.1 3.1 4.1 5.1 1.2 2.2 3.2 4.2 5.2"),
        (Unequal(kind="unequal", copies=(3, 2, 1)), "1.1 2.1 3.1 4.1 5.1 1.2 2.2 1.3"),
        (Erasure(kind="erasure", parity_stages=2), "1.1 2.1 3.1 4.1 5.1 6.1 7.1"),
    ],
)
def test_what_goes_into_each_slot(repair: Repair, sent: str) -> None:
    assert order(repair) == sent


@pytest.mark.parametrize("copies", [(3, 3, 3, 1), (3, 2, 1)])
def test_a_packet_of_several_stages_is_owed_what_its_first_is(copies: tuple[int, ...]) -> None:
    """Of 1000 bytes a packet holds three stages: the second begins with stage 4, which has one copy."""
    assert order(Unequal(kind="unequal", copies=copies), payload_bytes=1000) == "1.1 2.1 1.2 1.3"


def test_a_carousel_fills_the_gaps_of_its_first_round() -> None:
    run = sent_on(Scripted([1, 4, 6]), CAROUSEL)
    assert [(each.time_s, each.stages) for each in run.holdings] == [
        (120, (1,)),
        (180, (1, 2)),
        (300, (1, 2, 4)),
        (540, (1, 2, 3, 4)),  # stage 0 is lost in the second round too
    ]
    gone = [(each.time_s, each.packet) for each in run.events if each.event == "gave_up"]
    assert gone == [(360, 1)]
    assert [each.event for each in run.events].count("duplicate") == 3


def test_a_packet_that_got_through_once_is_not_given_up() -> None:
    run = sent_on(Scripted([7, 8, 3]), CAROUSEL)
    assert [each.packet for each in run.events if each.event == "lost"] == [3, 2, 3]
    assert [each.packet for each in run.events if each.event == "gave_up"] == [3]


def test_any_five_of_seven_give_back_all() -> None:
    run = sent_on(Scripted([1, 3]), Erasure(kind="erasure", parity_stages=2))
    assert [(each.time_s, each.stages) for each in run.holdings] == [
        (120, (1,)),
        (240, (1, 3)),
        (300, (1, 3, 4)),
        (420, (0, 1, 2, 3, 4)),
    ]
    said = [each.detail for each in run.events if each.event == "received"]
    assert said == ["", "", "", "", "2 stages recovered"]
    assert run.holdings[-1].packets == 5
    assert run.events[-1].event == "complete"


def test_parity_alone_shows_nothing() -> None:
    run = sent_on(Scripted([1, 2, 3, 4]), Erasure(kind="erasure", parity_stages=5))
    assert [(each.time_s, each.stages, each.packets) for each in run.holdings] == [
        (300, (4,), 1),
        (540, (0, 1, 2, 3, 4), 5),
    ]
    run = sent_on(Scripted([1, 2, 3, 4, 5]), Erasure(kind="erasure", parity_stages=4))
    assert run.holdings == ()


def test_fewer_than_five_of_seven_show_what_there_is() -> None:
    run = sent_on(Scripted([1, 3, 6]), Erasure(kind="erasure", parity_stages=2))
    assert run.holdings[-1].stages == (1, 3, 4)


@given(st.data())
def test_any_k_stages_and_parity_give_back_all(data: st.DataObject) -> None:
    stages = data.draw(st.lists(st.binary(min_size=8, max_size=8), min_size=1, max_size=64))
    n = len(stages)
    parity = parity_stages(stages, data.draw(st.integers(1, 64)))
    numbers = st.integers(0, n + len(parity) - 1)
    kept = data.draw(st.lists(numbers, min_size=n, max_size=n, unique=True))
    held = {number: stages[number] for number in kept if number < n}
    known = {number - n: parity[number - n] for number in kept if number >= n}
    assert recover(n, held, known) == dict(enumerate(stages))
    if known:
        known.popitem()
        assert recover(n, held, known) == {}


def test_a_short_last_stage_comes_back_padded() -> None:
    (parity,) = parity_stages([b"abcd", b"ef"], 1)
    assert recover(2, {0: b"abcd"}, {0: parity}) == {0: b"abcd", 1: b"ef\0\0"}
    assert recover(2, {1: b"ef"}, {0: parity}) == {0: b"abcd", 1: b"ef"}


def test_a_parity_packet_is_read_as_what_it_is() -> None:
    (packet,) = packetize_parity(parity_stages(STAGES, 3), TAG, 1000)
    assert (packet.first_stage, packet.stage_count, packet.is_parity) == (0, 3, True)
    assert parse(pack(packet)) == packet
    assert pack(packet)[15] & 7 == 1
    assert pack(Packet(TAG, 0, 1, bytes(320)))[15] & 7 == 0


@pytest.mark.parametrize(
    ("repair", "share"),
    [
        (NoRepair(kind="none"), 0.7**5),
        (Repeat(kind="repeat", times=3), (1 - 0.3**3) ** 5),
        (Carousel(kind="carousel", rounds=3), (1 - 0.3**3) ** 5),
        (Unequal(kind="unequal", copies=(3, 2, 1)), (1 - 0.3**3) * (1 - 0.3**2) * 0.7**3),
        (
            Erasure(kind="erasure", parity_stages=3),
            sum(math.comb(8, lost) * 0.3**lost * 0.7 ** (8 - lost) for lost in range(4)),
        ),
    ],
    ids=["none", "repeat", "carousel", "unequal", "erasure"],
)
def test_the_share_of_whole_pictures(repair: Repair, share: float) -> None:
    """At 30 % independent loss; within 4 standard errors of the closed form."""
    generator = np.random.default_rng(8)
    runs = [sent_on(Independent(0.3, generator), repair) for _ in range(1000)]
    whole = [bool(run.holdings) and len(run.holdings[-1].stages) == 5 for run in runs]
    assert abs(np.mean(whole) - share) < 4 * math.sqrt(share * (1 - share) / len(runs))
