"""Windows that touch are one."""

import math
from collections.abc import Callable
from itertools import islice

import pytest

from satsim.rundir import Run
from satsim.window_settings import Schedule, Window
from satsim.windows import visibility_of


def schedule(*spans: tuple[float, float], repeat_s: float | None = None) -> Schedule:
    return Schedule(open=tuple(Window(from_s=a, to_s=b) for a, b in spans), repeat_s=repeat_s)


def test_windows_that_touch_are_one() -> None:
    there = visibility_of(schedule((0, 90), (90, 200), (300, 400)))
    assert list(there.after(0)) == [(0, 200), (300, 400)]
    assert there.next_start_s(70, 60) == 70


def test_the_last_window_of_a_turn_and_the_first_of_the_next_are_one() -> None:
    there = visibility_of(schedule((0, 50), (80, 100), repeat_s=100))
    assert list(islice(there.after(0), 3)) == [(0, 50), (80, 150), (180, 250)]
    assert (there.longest_s, there.next_start_s(0, 70), there.next_start_s(100, 50)) == (70, 80, 100)


def test_a_window_that_repeats_at_its_end_never_closes() -> None:
    there = visibility_of(schedule((0, 60), repeat_s=60))
    assert (there.longest_s, there.next_start_s(10, 61)) == (math.inf, 10)
    assert list(there.after(1e6)) == [(0, math.inf)]


@pytest.mark.parametrize("third", [1 / 3, 2 / 3])
def test_turns_that_are_no_whole_microseconds_touch_in_every_turn(third: float) -> None:
    there = visibility_of(schedule((0, 50), (100, 166 + third), repeat_s=166 + third))
    assert [round(to_s - from_s, 3) for from_s, to_s in islice(there.after(0), 1, 9)] == [
        round(116 + third, 3)
    ] * 8


def test_a_run_keeps_windows_however_late_they_are(run_toy: Callable[..., Run]) -> None:
    run = run_toy("link.windows={open: [{from_s: 0, to_s: 70}], repeat_s: 31449600}")
    assert run.windows[1] == (31449600, 31449670)
    assert run.closed(31449700) == [(70, 31449600), (31449670, 31449700)]


def test_a_run_whose_window_never_closes_is_never_shaded(run_toy: Callable[..., Run]) -> None:
    run = run_toy("link.windows={open: [{from_s: 0, to_s: 60}], repeat_s: 60}")
    assert run.windows == ((0, 31449600),)
    assert run.closed(10_000) == []
