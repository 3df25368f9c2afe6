"""What `satsim send` refuses, as `satsim run` does."""

from pathlib import Path

import pytest

from satsim.errors import ScenarioError
from satsim.handset import frames_to_send
from satsim.scenario import load_scenario


def test_a_photo_is_not_sent_larger_than_it_is_shown(toy_scenario: Path) -> None:
    scenario = load_scenario(toy_scenario, ["image.shown=[32, 32]"])
    with pytest.raises(ScenarioError, match=r"image\.size: found \[64, 64\]; allowed: at most \[32, 32\]"):
        frames_to_send(scenario, "toy.yaml", None, 0)
