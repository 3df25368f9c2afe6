"""What a tune takes from its scenario, and what it refuses before it tries anything."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from satsim.cli import app
from satsim.errors import InputError
from satsim.tune import Asked, prepare

FOREST_FIRE = Path(__file__).parents[2] / "scenarios" / "forest_fire.yaml"


LOSSY = "link.loss.rate=0.1"
WINDOW = "link.windows={open: [{from_s: 0, to_s: 30}], repeat_s: 3600}"
CLOSED = "link.windows={open: [{from_s: 0, to_s: 70}]}"
LATE = "link.latency={propagation_s: 0.5, jitter_s: 15}"


def test_a_model_named_twice_is_tried_once_and_runs_are_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[list[str], tuple[str, ...]]] = []

    def taken(scenario: Path, overrides: list[str], given: Asked) -> None:
        asked.append((overrides, given.models))
        raise InputError("enough")

    monkeypatch.setattr("satsim.tune.prepare", taken)
    CliRunner().invoke(app, ["tune", str(FOREST_FIRE), "--models", "f64, f16,f64", "--runs", "30"])
    assert asked == [(["runs=30"], ("f64", "f16"))]


@pytest.mark.parametrize(
    ("overrides", "runs"), [([], 1), (["runs=20"], 1), ([LOSSY], 200), ([LOSSY, "runs=20"], 20)]
)
def test_runs_are_the_scenarios_where_it_says_how_many(overrides: list[str], runs: int) -> None:
    assert prepare(FOREST_FIRE, overrides, Asked(models=("f16",))).scenario.runs == runs


@pytest.mark.parametrize(
    ("overrides", "deadline_s", "message"),
    [
        (
            [WINDOW],
            None,
            "link.windows: found no window longer than 30 s; allowed: one of",
        ),
        ([CLOSED, "sender.encode_s=30"], None, "link.windows: found none open once the photo is encoded"),
        (
            [LATE],
            60.0,
            "--deadline: found 60 s; allowed: at least 61.06 s, when the first",
        ),
    ],
)
def test_what_cannot_arrive_is_said_as_it_is(
    overrides: list[str], deadline_s: float | None, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        prepare(FOREST_FIRE, overrides, Asked(deadline_s, models=("f16",)))
    if deadline_s:
        assert prepare(FOREST_FIRE, overrides, Asked(61.06, models=("f16",))).space.candidates
