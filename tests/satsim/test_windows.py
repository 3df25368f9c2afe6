"""Windows: slots lie whole in them, at the hand-worked times."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satsim.header import ImageTag
from satsim.packetize import packetize
from satsim.records import SchemeRun
from satsim.repair_settings import ArqNextSlot, ArqRound, Carousel, Repair, ReturnLink
from satsim.rundir import Run
from satsim.scenario import load_scenario
from satsim.sender_settings import Encoding
from satsim.settings import LatencySettings, LinkSettings
from satsim.simulate import simulate
from satsim.window_settings import Schedule, Window
from satsim.windows import Span, Visibility

TAG = ImageTag(7, 5, 10, 16, 256, 256, 0xBEEF, 0)
PACKETS = packetize([bytes([number]) * 320 for number in range(5)], TAG, 360)


def schedule(*spans: tuple[float, float], repeat_s: float | None = None) -> Schedule:
    return Schedule(open=tuple(Window(from_s=a, to_s=b) for a, b in spans), repeat_s=repeat_s)


def sent_in(windows: Schedule, repair: Repair | None = None, latency_s: float = 2) -> SchemeRun:
    latency = LatencySettings(propagation_s=latency_s)
    link = LinkSettings(payload_bytes=360, interval_s=60, latency=latency, windows=windows)
    return simulate("p", PACKETS, link, repair or ArqNextSlot(), Encoding(10), 1)


def told(run: SchemeRun) -> list[str]:
    """Who and when, without the encoding and queueing at 10 s."""
    return [f"{each.time_s:g} {each.event} {each.packet}.{each.attempt}" for each in run.events[6:]]


def test_a_slot_waits_for_a_window_that_holds_it_whole() -> None:
    run = sent_in(schedule((0, 135), (140, 199), (300, 420), (500, 560)))
    assert told(run) == [
        *("10 sent 1.1", "70 sent 2.1", "72 received 1.1", "132 received 2.1"),
        *("300 sent 3.1", "360 sent 4.1", "362 received 3.1", "422 received 4.1"),
        *("500 sent 5.1", "562 received 5.1", "562 complete 0.0"),
    ]


def test_what_no_window_holds_any_more_is_never_sent() -> None:
    run = sent_in(
        schedule(
            (0, 130),
        )
    )
    assert told(run) == [
        "10 sent 1.1",
        "70 sent 2.1",
        "72 received 1.1",
        "130 closed 0.0",
        "132 received 2.1",
    ]
    assert run.events[-2].detail == "no window is left that has room for a slot"


def test_reports_wait_for_a_window_too() -> None:
    back = ReturnLink(payload_bytes=270, interval_s=20, latency_s=10)
    repair = ArqRound(kind="arq_round", return_link=back)
    run = sent_in(schedule((0, 315), (1000, 1300)), repair)
    assert told(run)[-3:] == ["312 complete 0.0", "1000 report_sent 0.1", "1030 report_received 0.1"]


def test_without_a_window_for_its_report_the_sender_goes_on_and_stops() -> None:
    back = ReturnLink(payload_bytes=270, interval_s=20, latency_s=10)
    run = sent_in(schedule((0, 315)), ArqRound(kind="arq_round", return_link=back))
    assert told(run)[-3:] == ["312 received 5.1", "312 complete 0.0", "312 closed 0.0"]


@given(
    st.lists(st.tuples(st.integers(1, 200), st.integers(1, 200)), min_size=1, max_size=6),
    st.integers(0, 500),
    st.integers(1, 60),
)
def test_a_repeated_schedule_carries_the_slots_that_its_windows_hold(
    pauses_and_lengths: list[tuple[int, int]], rest_s: int, slot_s: int
) -> None:
    edges = np.cumsum(pauses_and_lengths).tolist()
    spans = [Span(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    repeat_s = spans[-1].to_s + rest_s
    there = Visibility(spans, repeat_s)
    starts, now_s = [], 0.0
    while (start_s := there.next_start_s(now_s, slot_s)) is not None and start_s < 3 * repeat_s:
        starts.append(start_s)
        now_s = start_s + slot_s
    assert len(starts) == 3 * sum(int(to_s - from_s) // slot_s for from_s, to_s in spans)
    for start_s in starts:
        turn_s = start_s % repeat_s
        assert any(from_s <= turn_s and turn_s + slot_s <= to_s for from_s, to_s in spans)


def test_a_window_as_long_as_the_slot_holds_it_whatever_floats_make_of_its_length() -> None:
    for tenths in range(1, 60):  # 1.4 - 1.1 is a little less than 0.3, 0.9 - 0.3 a little more than 0.6
        for length in range(1, 20):
            there = Visibility([Span(tenths / 10, (tenths + length) / 10)])
            assert there.next_start_s(0, length / 10) == tenths / 10
            assert there.next_start_s(0, length / 10 + 2e-6) is None


def test_availability_is_the_share_of_open_time() -> None:
    run = sent_in(schedule((120, 420), repeat_s=900), Carousel(kind="carousel", rounds=1000))
    last_s = max(event.time_s for event in run.events if event.event == "sent")
    assert run.packets_sent * 60 / last_s == pytest.approx(300 / 900, rel=0.001)


def test_the_run_folder_says_when_the_link_was_there_and_runs_again(run_toy: Callable[..., Run]) -> None:
    run = run_toy("link.windows={open: [{from_s: 100, to_s: 170}], repeat_s: 1000}", drawn=True)
    assert run.windows[:3] == (Span(100, 170), Span(1100, 1170), Span(2100, 2170))
    assert run.windows[-1].from_s < max(event.time_s for event in run.events)
    assert [row.time_s for row in run.rows_of("progressive")] == [160, 1160, 2160]
    assert load_scenario(run.folder / "scenario.yaml").link.windows == run.scenario.link.windows
    assert "there in windows, again every 1000 s" in (run.folder / "timeline.svg").read_text("utf-8")


def test_windows_are_told_as_far_as_the_figure_waits_for_what_was_lost(run_toy: Callable[..., Run]) -> None:
    keys = ["link.loss.rate=1", "repair={kind: none}", "link.latency={propagation_s: 600, jitter_s: 300}"]
    run = run_toy(*keys, "link.windows={open: [{from_s: 0, to_s: 330}], repeat_s: 400}")
    last_s = max(event.time_s for event in run.events)
    assert run.closed(last_s + 900) == [
        Span(end_s, min(end_s + 70, last_s + 900)) for end_s in range(330, int(last_s) + 900, 400)
    ]


@pytest.mark.parametrize(("to_s", "note"), [(250, None), (130, "no window was left for all packets")])
def test_repeats_without_a_window_are_no_lack_where_all_is_there(
    run_toy: Callable[..., Run], to_s: int, note: str | None
) -> None:
    windows = f"link.windows={{open: [{{from_s: 0, to_s: {to_s}}}]}}"
    run = run_toy(windows, "repair={kind: carousel, rounds: 3}")
    assert any(event.event == "closed" for event in run.events)
    assert run.summary["progressive"].note == note
