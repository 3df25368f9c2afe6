"""A tune's figure: its answers stand on the curves of what they name."""

from pathlib import Path

import pytest

from satsim.repair_settings import NoRepair
from satsim.scenario import load_scenario
from satsim.tune import Tuning
from satsim.tune_answers import TITLES, Answer
from satsim.tune_plot import figure_of
from satsim.tune_space import Candidate, Limits, Model, Space

FOREST_FIRE = Path(__file__).parents[2] / "scenarios" / "forest_fire.yaml"


@pytest.mark.parametrize("usable_s", [130.0, 30.0, 60.0])  # the last two: before the curve is to be seen
def test_answers_stand_on_their_curves_and_no_picture_presses_none_flat(usable_s: float) -> None:
    candidate = Candidate(
        Model("f16", 5, 10, 16, "f16", is_taught=False), (256, 256), 5, NoRepair(kind="none")
    )
    row = {
        "curve": [[60.0, 1.0], [120.0, 0.6], [180.0, 0.4]],  # of runs, some of which show nothing at first
        "t_usable_s": usable_s,
        "dists_usable": 0.3,  # of those that are usable alone
        "dists_deadline": 0.4,
        "usable_dists": 0.45,
        "detail_dists": 0.35,
    }
    tuning = Tuning(
        load_scenario(FOREST_FIRE), Limits(300.0, None, None), Space([], []), {candidate: row}, (FOREST_FIRE,)
    )
    axes = figure_of(tuning, [Answer(goal, candidate, "", "", "") for goal in TITLES], []).axes[0]
    marked = [line.get_xydata()[0].tolist() for line in axes.lines if line.get_markerfacecolor() == "none"]
    assert sorted(marked) == [[usable_s / 60, 0.6], [usable_s / 60, 0.6], [5.0, 0.4]]
    assert axes.get_ylim()[1] == 1.5 * 0.45
    marks = [text for text in axes.texts if text.get_text() in ("usable 0.450", "detail 0.350")]
    top = max(line.zorder for line in axes.lines)
    assert [bool(mark.get_path_effects()) and mark.zorder > top for mark in marks] == [True, True]
