"""ARQ at the end of the round: reports over a return link of its own, slot by slot."""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satsim.channel import Channel, Independent
from satsim.errors import PacketError
from satsim.header import REPORT, ImageTag, packed
from satsim.loss_settings import IndependentLoss
from satsim.packetize import packetize
from satsim.packets import Report, pack, pack_report, parse, parse_report
from satsim.reassemble import Reassembler
from satsim.records import Delivery, SchemeRun
from satsim.repair_settings import ArqRound, ReturnLink
from satsim.sender_settings import Encoding
from satsim.settings import LatencySettings, LinkSettings
from satsim.simulate import _channels_of, simulate, simulate_on

LINK = LinkSettings(payload_bytes=360, interval_s=60, latency=LatencySettings(propagation_s=2))
BACK = ReturnLink(payload_bytes=270, interval_s=20, latency_s=10)
TAG = ImageTag(7, 5, 10, 16, 256, 256, 0xBEEF, 0)
PACKETS = packetize([bytes([number]) * 320 for number in range(5)], TAG, 360)


class Scripted:
    """Loses the slots that it is told to, counted from 1."""

    def __init__(self, lost: Sequence[int] = ()) -> None:
        self._lost, self._slots = lost, itertools.count(1)

    def loses(self, start_s: float, end_s: float) -> bool:
        return next(self._slots) in self._lost


def sent_on(channel: Channel, back: Channel, max_rounds: int = 50) -> SchemeRun:
    repair = ArqRound(kind="arq_round", max_rounds=max_rounds, return_link=BACK)
    return simulate_on(channel, "p", PACKETS, LINK, repair, Encoding(0), back)


def told(run: SchemeRun) -> list[str]:
    """Who and when, without the encoding and queueing at 0 s."""
    return [f"{each.time_s:g} {each.event} {each.packet}.{each.attempt}" for each in run.events[6:]]


def test_what_a_report_calls_missing_is_sent_again() -> None:
    assert told(sent_on(Scripted([2, 4]), Scripted())) == [
        *("0 sent 1.1", "60 sent 2.1", "62 received 1.1"),
        *("120 lost 2.1", "120 sent 3.1", "180 sent 4.1", "182 received 3.1"),
        *("240 lost 4.1", "240 sent 5.1", "302 received 5.1"),
        *("302 report_sent 0.1", "332 report_received 0.1"),  # 20 s of slot, 10 s of way
        *("332 sent 2.2", "392 sent 4.2", "394 received 2.2", "454 received 4.2", "454 complete 0.0"),
        *("454 report_sent 0.2", "484 report_received 0.2"),
    ]


def test_after_a_lost_report_all_is_sent_again() -> None:
    run = sent_on(Scripted([3]), Scripted([1]))
    assert told(run)[10:] == [
        *("302 report_sent 0.1", "322 report_lost 0.1"),
        *("332 sent 1.2", "392 sent 2.2", "394 duplicate 1.2", "452 sent 3.2", "454 duplicate 2.2"),
        *("512 sent 4.2", "514 received 3.2", "514 complete 0.0", "572 sent 5.2", "574 duplicate 4.2"),
        *("634 duplicate 5.2", "634 report_sent 0.2", "664 report_received 0.2"),
    ]


def test_who_has_heard_nothing_reports_nothing() -> None:
    run = sent_on(Scripted([1, 2, 3, 4, 5]), Scripted())
    assert [line for line in told(run) if "report" in line or "sent 1" in line] == [
        *("0 sent 1.1", "332 sent 1.2", "634 report_sent 0.2", "664 report_received 0.2"),
    ]


def test_what_the_last_report_leaves_open_is_given_up() -> None:
    run = sent_on(Scripted([2, 4, 6]), Scripted(), max_rounds=2)
    assert told(run)[-2:] == ["484 report_received 0.2", "484 gave_up 2.2"]
    assert run.holdings[-1].stages == (0, 2, 3, 4)


def test_the_mean_number_of_packets_sent() -> None:
    """At loss p and report loss q; within 4 standard errors of the closed form.

    A packet is sent until a report after its first success gets through: 1 / (1 - p) rounds to get through
    and then q / (1 - q) more. A round without a report leaves the others as they are, so this holds for each.
    The case that nothing at all was heard, 0.2^5, changes the mean by less than a thousandth.
    """
    generator, p, q = np.random.default_rng(3), 0.2, 0.3
    runs = [sent_on(Independent(p, generator), Independent(q, generator)) for _ in range(1000)]
    sent = np.array([run.packets_sent for run in runs]) / len(PACKETS)
    assert abs(sent.mean() - (1 / (1 - p) + q / (1 - q))) < 4 * sent.std(ddof=1) / math.sqrt(len(runs)) + 1e-3


def test_the_way_back_does_not_change_what_the_way_there_loses() -> None:
    lossy = LinkSettings.model_validate({"payload_bytes": 360, "interval_s": 60, "loss": {"rate": 0.5}})

    def first_round(rate: float) -> list[int]:
        back = ReturnLink.model_validate({**BACK.model_dump(exclude={"loss"}), "loss": {"rate": rate}})
        run = simulate("p", PACKETS, lossy, ArqRound(kind="arq_round", return_link=back), Encoding(0), seed=5)
        return [each.packet for each in run.events if each.event == "lost" and each.attempt == 1]

    assert first_round(0) == first_round(0.9) != []


def test_the_way_back_is_not_drawn_as_the_way_there() -> None:
    half = IndependentLoss(rate=0.5)
    link, back = LINK.model_copy(update={"loss": half}), BACK.model_copy(update={"loss": half})
    ways = _channels_of(0, link, ArqRound(kind="arq_round", return_link=back), seed=5)
    there, home = (
        [way.loses(60 * slot, 60 * slot + 60) for slot in range(64)] for way in (ways.there, ways.back)
    )
    assert there != home
    assert set(there) == set(home) == {True, False}


@given(st.integers(1, 64).flatmap(lambda n: st.tuples(st.just(n), st.frozensets(st.integers(0, n - 1)))))
def test_a_report_is_read_as_it_was_packed(drawn: tuple[int, frozenset[int]]) -> None:
    n_stages, held = drawn
    report = Report(ImageTag(7, n_stages, 10, 16, 256, 256, 0xBEEF, 0), held)
    data = pack_report(report)
    assert parse_report(data) == report
    assert len(data) == 20 + math.ceil(n_stages / 8)


def test_a_worked_report() -> None:
    data = pack_report(Report(TAG, frozenset({0, 2, 3})))
    assert (data[15] & 7, data[20:]) == (2, bytes([0b10110000]))
    with pytest.raises(PacketError, match=r"^filler of the report is 1; allowed: 0$"):
        parse_report(packed(TAG, 0, 5, REPORT, bytes([0b10110001])))


def test_neither_end_takes_the_other_s_packets() -> None:
    report = pack_report(Report(TAG, frozenset({0})))
    verdict = Reassembler(TAG).accept(Delivery(0, report))
    assert verdict == ("rejected", "BadField: kind is 2; allowed: 0, 1 or 3")
    with pytest.raises(PacketError, match="kind is 0; allowed: 2$"):
        parse_report(pack(PACKETS[0]))
    assert parse(pack(PACKETS[0])) == PACKETS[0]
