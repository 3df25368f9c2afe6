"""Bjontegaard's mean difference, where it is known beforehand."""

import math

import pytest

from progic.bd_rate import Point, bd_percent, curve_of, is_curve

ANCHOR = [Point(60.0 * minute, 0.7 + 0.1 * math.sqrt(minute)) for minute in range(1, 6)]


def scaled(factor: float) -> list[Point]:
    return [Point(point.cost * factor, point.quality) for point in ANCHOR]


@pytest.mark.parametrize(("factor", "percent"), [(1, 0), (2, 100), (0.5, -50), (1.25, 25)])
def test_a_curve_at_another_cost_differs_by_just_that(factor: float, percent: float) -> None:
    assert bd_percent(scaled(factor), ANCHOR) == pytest.approx(percent, abs=1e-9)


def test_only_the_qualities_that_both_reach_count() -> None:
    """Straight lines over log cost: on the common half of the qualities one takes three times as long."""
    anchor = [Point(1, 0.0), Point(100, 1.0)]
    curve = [Point(3 * 10, 0.5), Point(3 * 1000, 1.5)]
    assert bd_percent(curve, anchor) == pytest.approx(200)
    assert bd_percent(anchor, curve) == pytest.approx(-200 / 3)


def test_what_is_no_curve_or_has_nothing_in_common_gives_none() -> None:
    low, high = [Point(1, 0.1), Point(2, 0.2)], [Point(1, 0.2), Point(2, 0.3)]
    assert bd_percent(low, high) is bd_percent(high, low) is None  # they touch, no more
    assert bd_percent(ANCHOR[:1], ANCHOR) is bd_percent(ANCHOR, []) is None
    assert bd_percent(ANCHOR, ANCHOR[::-1]) is None
    assert not is_curve([Point(1, 0.2), Point(2, 0.2)])


def test_a_point_that_is_no_better_is_left_out() -> None:
    with_dent = curve_of([(1, 0.5), (2, 0.4), (3, 0.41), (4, 0.4), (5, 0.3)])
    assert [point.cost for point in with_dent] == [1, 2, 5]
    assert bd_percent(with_dent, curve_of([(2, 0.5), (4, 0.4), (10, 0.3)])) == pytest.approx(-50)
