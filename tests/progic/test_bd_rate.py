"""Bjontegaard's mean difference, where it is known beforehand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from progic.bd_rate import Point, bd_percent, curve_of, is_curve

ANCHOR = [Point(60.0 * minute, 0.7 + 0.1 * math.sqrt(minute)) for minute in range(1, 6)]


def scaled(factor: float) -> list[Point]:
    return [Point(point.cost * factor, point.quality) for point in ANCHOR]


@pytest.mark.parametrize(("factor", "percent"), [(1, 0), (2, 100), (0.5, -50), (1.25, 25)])
def test_a_curve_at_another_cost_differs_by_just_that(factor: float, percent: float) -> None:
    assert bd_percent(scaled(factor), ANCHOR) == pytest.approx(percent, abs=1e-9)


@given(st.data())
def test_only_the_qualities_that_both_reach_count(data: st.DataObject) -> None:
    """Straight over log cost, through any points: the ratio of costs amid the qualities in common, closed."""
    lines = []
    for _ in range(2):
        qualities = sorted(data.draw(st.sets(st.integers(0, 1000), min_size=2, max_size=6)))
        slope, begin = data.draw(st.floats(0.1, 3)), data.draw(st.floats(-2, 4))
        lines.append([Point(10 ** (begin + slope * each / 1000), each / 1000) for each in qualities])
    low, high = max(line[0].quality for line in lines), min(line[-1].quality for line in lines)
    if low >= high:  # they touch, at most
        assert bd_percent(*lines) is None
        return
    middle = (low + high) / 2
    ours, theirs = (math.log(line[0].cost) + slope_of(line) * (middle - line[0].quality) for line in lines)
    assert bd_percent(*lines) == pytest.approx(100 * math.expm1(ours - theirs), rel=1e-6, abs=1e-6)


def slope_of(line: list[Point]) -> float:
    """Return that of the log cost."""
    return math.log(line[-1].cost / line[0].cost) / (line[-1].quality - line[0].quality)


def test_what_is_no_curve_gives_none() -> None:
    assert bd_percent(ANCHOR[:1], ANCHOR) is bd_percent(ANCHOR, []) is None
    dented = [ANCHOR[0], ANCHOR[2], ANCHOR[1], *ANCHOR[3:]]
    assert bd_percent(dented, ANCHOR) is bd_percent(ANCHOR, dented) is None
    assert not is_curve([Point(1, 0.2), Point(2, 0.2)]) and not is_curve(ANCHOR[:1])
    assert bd_percent(ANCHOR[:2], ANCHOR[1:]) is bd_percent(ANCHOR[1:], ANCHOR[:2]) is None, "they touch"
    assert bd_percent(ANCHOR[:3], ANCHOR, 4) is bd_percent(ANCHOR, ANCHOR[:3], 4) is None
    assert bd_percent(ANCHOR[:4], ANCHOR[:4], 4) == pytest.approx(0, abs=1e-9)


def test_a_point_that_is_no_better_is_left_out() -> None:
    with_dent = curve_of([(1, 0.5), (2, 0.4), (3, 0.41), (4, 0.4), (5, 0.3)])
    assert [point.cost for point in with_dent] == [1, 2, 5]
    assert bd_percent(with_dent, curve_of([(2, 0.5), (4, 0.4), (10, 0.3)])) == pytest.approx(-50)
