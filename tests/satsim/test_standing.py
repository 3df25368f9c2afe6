"""How competitors stand, worked by hand."""

import math

import pytest

from satsim.records import SchemeSummary
from satsim.standing import curve_of, figures_of, standing_of, win
from satsim.trial import Picture, Trial, trial_of

NOTHING = Trial(SchemeSummary(None, None, None, None, None, None, 0, 0, 0), ())


def trial(*pictures: tuple[float, float | None], usable_at: float | None = None, stretch: float = 1) -> Trial:
    """Pictures as (time_s, DISTS), 340 bytes each."""
    seen = tuple(
        Picture(time_s * stretch, 340 * (place + 1), dists) for place, (time_s, dists) in enumerate(pictures)
    )
    times = [picture.time_s for picture in seen]
    n_bytes = seen[-1].bytes
    summary = SchemeSummary(times[0], usable_at, None, times[-1], None, None, n_bytes, len(seen), 0)
    return Trial(summary, seen)


STEPS = ((60, 0.4), (120, 0.3), (180, 0.25))


@pytest.mark.parametrize(
    ("one", "other", "share"),
    [(60, 120, 1), (120, 60, 0), (60, 60, 0.5), (60, None, 1), (None, 60, 0), (None, None, 0.5)],
)
def test_earlier_wins_ties_are_half_and_never_comes_last(
    one: float | None, other: float | None, share: float
) -> None:
    assert win(one, other) == share


def test_bd_time_is_the_waiting_time_at_equal_dists() -> None:
    anchor = trial(*STEPS)
    for stretch, percent in ((1, 0), (2, 100), (0.5, -50)):
        found = figures_of(trial(*STEPS, stretch=stretch), anchor, "dists")
        assert found["bd_time_percent"] == pytest.approx(percent, abs=1e-9)
        assert found["bd_rate_percent"] == pytest.approx(0, abs=1e-9), "the bytes are the same"


def test_a_curve_keeps_the_best_so_far() -> None:
    worse_between = trial((60, 0.4), (120, 0.45), (180, 0.4), (240, 0.3))
    assert curve_of(worse_between, "dists", "time_s") == ((60, pytest.approx(0.6)), (240, pytest.approx(0.7)))
    assert curve_of(worse_between, "dists", "bytes")[1].cost == 4 * 340
    psnr_db = trial((30, None), (60, 20.0), (120, 25.0), (180, math.inf))
    assert curve_of(psnr_db, "psnr_db", "time_s") == ((60, 20.0), (120, 25.0))


def test_figures_against_the_anchor() -> None:
    found = figures_of(trial(*STEPS, usable_at=60), trial((60, 0.4), (300, 0.2), usable_at=300), "dists")
    assert found["usable_earlier_s"] == 240
    assert (found["usable_win_rate"], found["dists_final_win_rate"]) == (1, 0)
    assert (found["dists_first"], found["dists_final"], found["bytes"]) == (0.4, 0.25, 1020)
    nothing = figures_of(NOTHING, trial(*STEPS, usable_at=60), "dists")
    assert (nothing["usable_win_rate"], nothing["dists_final_win_rate"]) == (0, 0)
    assert nothing["usable_earlier_s"] is nothing["dists_final"] is nothing["bd_time_percent"] is None
    without_dists = figures_of(trial((60, 20.0)), trial((60, 25.0)), "psnr_db")
    assert without_dists["usable_win_rate"] is None
    assert without_dists["psnr_db_final_win_rate"] == 0, "a higher PSNR is nearer"


def test_intervals_are_over_photos_whose_runs_are_averaged_first() -> None:
    usable_s = [[60, 120], [180, 180], [240, None]]  # three photos, two runs each
    trials = [[trial(*STEPS, usable_at=each) for each in runs] for runs in usable_s]
    found = standing_of(trials, trials, "dists")
    means = [90, 180, 240]
    deviation = math.sqrt(sum((each - 170) ** 2 for each in means) / 2)
    spread = found.spreads["t_usable_s"]
    assert (spread.mean, spread.median, spread.share) == (pytest.approx(170), 180, 1)
    assert spread.mean_ci95 == pytest.approx(4.3027 * deviation / math.sqrt(3), rel=1e-4)
    assert found.spreads["usable_share"].mean == pytest.approx((1 + 1 + 0.5) / 3)
    assert found.spreads["usable_win_rate"].mean == 0.5
    assert (found.photos_usable, standing_of(trials, trials, "psnr_db").photos_usable) == (3, None)


def test_intervals_of_a_single_photo_are_over_its_runs_and_one_run_has_none() -> None:
    runs = [trial(*STEPS, usable_at=each) for each in (60, 120, 180)]
    found = standing_of([runs], [runs], "dists").spreads["t_usable_s"]
    assert (found.mean, found.mean_ci95) == (120, pytest.approx(4.3027 * 60 / math.sqrt(3), rel=1e-4))
    assert standing_of([runs[:1]], [runs[:1]], "dists").spreads["t_usable_s"].mean_ci95 is None


def test_photos_without_a_bd_time_are_left_out_and_said() -> None:
    anchor = [[trial(*STEPS)], [trial(*STEPS)]]
    apart = [[trial(*STEPS, stretch=2)], [trial((60, 0.9), (120, 0.8))]]
    found = standing_of(apart, anchor, "dists")
    assert found.spreads["bd_time_percent"].mean == pytest.approx(100)
    assert found.spreads["bd_time_percent"].share == 0.5
    assert found.bd_note == "1 of 2 photos left out: no two curves that share a quality"
    one = standing_of([[each[0] for each in apart]], [[each[0] for each in anchor]], "dists")
    assert one.bd_note == "1 of 2 runs left out: no two curves that share a quality"
    single = [[trial((60, 0.4))], [trial((60, 0.4))]]
    assert (
        standing_of(single, anchor, "dists").bd_note == "no curve: never two pictures, the second the better"
    )
    note = standing_of(anchor, single, "dists").bd_note
    assert note is not None and note.startswith("the anchor has no curve")
    assert standing_of(anchor, anchor, "dists").bd_note is None


def test_a_trial_goes_through_json_and_back() -> None:
    import json

    for each in (NOTHING, trial(*STEPS, usable_at=60), trial((60, math.inf))):
        assert trial_of(json.loads(json.dumps(each.as_json()))) == each
