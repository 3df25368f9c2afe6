"""A tune's figure and words: answers stand on the curves of what they name, and are told apart."""

from pathlib import Path

import pytest

from satsim.repair_settings import Carousel, NoRepair
from satsim.scenario import load_scenario
from satsim.tune import Tuning
from satsim.tune_answers import TITLES, Answer
from satsim.tune_plot import figure_of
from satsim.tune_space import Candidate, Limits, Model, Space
from satsim.tune_words import lines_of

FOREST_FIRE = Path(__file__).parents[2] / "scenarios" / "forest_fire.yaml"
F16 = Model("f16", 5, 10, 16, "f16", is_taught=False)


def tuned(usable_s: float, *candidates: Candidate) -> Tuning:
    row = {
        "curve": [[60.0, 1.0], [120.0, 0.6], [180.0, 0.4]],  # of runs, some of which show nothing at first
        "t_usable_s": usable_s,
        "dists_usable": 0.3,  # of those that are usable alone
        "dists_deadline": 0.4,
        "usable_dists": 0.45,
        "detail_dists": 0.35,
    }
    rows = dict.fromkeys(candidates, row)
    space = Space([*candidates], [])
    return Tuning(load_scenario(FOREST_FIRE), Limits(300.0, None, None), space, rows, (FOREST_FIRE,))


@pytest.mark.parametrize("usable_s", [130.0, 30.0, 60.0])  # the last two: before the curve is to be seen
def test_answers_stand_on_their_curves_and_no_picture_presses_none_flat(usable_s: float) -> None:
    candidate = Candidate(F16, (256, 256), 5, NoRepair(kind="none"))
    tuning = tuned(usable_s, candidate)
    axes = figure_of(tuning, [Answer(goal, candidate, "", "", "") for goal in TITLES], []).axes[0]
    marked = [line.get_xydata()[0].tolist() for line in axes.lines if line.get_markerfacecolor() == "none"]
    assert sorted(marked) == [[usable_s / 60, 0.6], [usable_s / 60, 0.6], [5.0, 0.4]]
    assert axes.get_ylim()[1] == 1.5 * 0.45
    marks = [text for text in axes.texts if text.get_text() in ("usable 0.450", "detail 0.350")]
    top = max(line.zorder for line in axes.lines)
    assert [bool(mark.get_path_effects()) and mark.zorder > top for mark in marks] == [True, True]


def test_answers_that_differ_by_their_repair_alone_and_one_that_is_another_again_are_told_so() -> None:
    once = Candidate(F16, (256, 256), 5, NoRepair(kind="none"))
    again = once._replace(repair=Carousel(kind="carousel", rounds=2))
    tuning = tuned(120.0, once, again)
    chosen = zip(TITLES, (once, again, once), strict=True)
    answers = [Answer(goal, candidate, "DISTS 0.4", "", "") for goal, candidate in chosen]
    legend = figure_of(tuning, answers, []).axes[0].get_legend()
    assert legend is not None
    labels = [text.get_text().partition(":\n")[2] for text in legend.get_texts()][-3:]
    named = "f16 at 256x256, 5 stages"
    assert [label.replace("\n", " ") for label in labels] == [named, f"{named}, carousel of 2 rounds", named]
    said = [line for line in lines_of(tuning, answers, Path("out")) if line.startswith((*TITLES.values(),))]
    assert said == [
        f"Earliest usable: {named}. DISTS 0.4.",
        f"Best at the deadline: {named}, carousel of 2 rounds. DISTS 0.4.",
        f"Cheapest usable: the same as earliest usable, {named}. DISTS 0.4.",
    ]
