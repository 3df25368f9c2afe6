"""Quality over time: steps, worked by hand."""

import pytest

from satsim.levels import end_of, level_rows, minutes_until
from satsim.records import SchemeSummary
from satsim.trial import Picture, Trial


def trial(*pictures: tuple[float, float], usable_at: float | None = None) -> Trial:
    summary = SchemeSummary(None, usable_at, None, None, None, None, 0, 0, 0)
    return Trial(summary, tuple(Picture(time_s, 0, score) for time_s, score in pictures))


def test_a_score_holds_until_the_next_picture_and_counts_from_the_first() -> None:
    photos = [
        [trial((60, 0.4), (150, 0.2), usable_at=150)],
        [trial((120, 0.3), usable_at=120)],
        [trial()],
    ]
    rows = level_rows("a", photos, [59, 60, 120, 149, 150], has_marks=True)
    assert [(row.photos_shown, row.mean, row.median) for row in rows] == [
        (0, None, None),
        (1, 0.4, 0.4),
        (2, pytest.approx(0.35), pytest.approx(0.35)),
        (2, pytest.approx(0.35), pytest.approx(0.35)),
        (2, 0.25, 0.25),
    ]
    assert [row.share_usable for row in rows] == pytest.approx([0, 0, 1 / 3, 1 / 3, 2 / 3])
    assert (rows[1].mean_ci95, rows[1].share_shown) == (None, pytest.approx(1 / 3))
    assert rows[2].mean_ci95 == pytest.approx(
        12.706 * 0.1 / 2, rel=1e-4
    )  # deviation 0.1 / sqrt(2), over sqrt(2)
    assert (rows[4].p25, rows[4].p75) == pytest.approx((0.225, 0.275))


def test_a_photos_runs_are_averaged_first_over_those_that_show_something() -> None:
    photos = [[trial((60, 0.4)), trial((120, 0.2))], [trial((60, 0.6)), trial((60, 0.6))]]
    first, second = level_rows("a", photos, [60, 120], has_marks=False)
    assert (first.mean, first.share_shown, first.photos_shown) == (0.5, 0.75, 2)
    assert second.mean == pytest.approx(0.45)
    assert second.share_usable is None
    single = level_rows("a", photos[:1], [60, 120], has_marks=True)
    assert [row.photos_shown for row in single] == [1, 2], "of a single photo the runs count"


def test_rows_are_minutes_apart_or_slots_where_all_is_soon_over() -> None:
    assert minutes_until(301, 60) == [60, 120, 180, 240, 300, 360]
    assert minutes_until(600, 20) == [60 * minute for minute in range(1, 11)]
    assert minutes_until(45, 20) == [20, 40, 60]
    assert minutes_until(0, 20) == []
    for tenths in range(1, 500):  # of a second: six slots, whatever floats make of it
        ends_s = [tenths * number / 10 for number in range(1, 7)]
        assert minutes_until(ends_s[-1], tenths / 10) == ends_s
    week = minutes_until(604_800, 60)
    assert len(week) <= 1000 and week[0] % 60 == 0 and week[-1] >= 604_800


def test_all_is_over_with_the_last_picture_of_any() -> None:
    early, late = trial((30, 0.1)), trial((60, 0.1), (90, 0.1), (120, 0.1))
    assert end_of([early, late, trial()]) == end_of([late, early]) == 120
    assert end_of([trial()]) == 0
