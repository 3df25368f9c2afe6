"""The command `satsim tune`: what its options ask for."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from satsim.cli import app
from satsim.errors import InputError
from satsim.scenario import load_scenario

FOREST_FIRE = Path(__file__).parents[2] / "scenarios" / "forest_fire.yaml"


def test_runs_of_a_setting_are_not_overruled(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def asked(scenario: Path, overrides: list[str], *_: object) -> None:
        seen.append(load_scenario(scenario, overrides).runs)
        raise InputError("enough")

    monkeypatch.setattr("satsim.tune.prepare", asked)
    for options in ([], ["-s", "runs=20"], ["--runs", "30"], ["-s", "runs=20", "--runs", "30"]):
        CliRunner().invoke(app, ["tune", str(FOREST_FIRE), *options])
    assert seen == [200, 20, 30, 30]
