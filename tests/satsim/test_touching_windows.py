"""Windows that touch are one."""

import math
from itertools import islice

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
