"""All baselines on one link, as `scenarios/baselines.yaml` sends them, beside the toy codec."""

from collections.abc import Callable
from pathlib import Path

import pytest

from satsim.rundir import Run
from satsim.scenario import load_scenario

SCENARIOS = Path(__file__).parents[2] / "scenarios"
GROWING = ("jp2_progressive", "jpeg_progressive", "ssdv")


@pytest.fixture
def run(run_toy: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run in which every fourth packet or so is lost; JPEG XL and HEIC are not installed."""
    for module in ("pillow_jxl", "pillow_heif"):
        monkeypatch.setitem(__import__("sys").modules, module, None)
    schemes = [scheme.name for scheme in load_scenario(SCENARIOS / "baselines.yaml").schemes]
    keys = [f"{{name: {name}_own, {_keys(name)}, budget_bytes: 900}}" for name in GROWING]
    return run_toy(
        f"schemes=[{', '.join([*schemes, *keys])}]",
        "image.size=[128, 128]",
        "link.payload_bytes=120",
        "link.loss.rate=0.25",
        "repair={kind: none}",
        "seed=3",  # the first packet gets through
        "runs=5",
        drawn=True,
    )


def _keys(name: str) -> str:
    (scheme,) = load_scenario(SCENARIOS / "baselines.yaml", [f"schemes=[{name}]"]).schemes
    return f"codec: {scheme.codec}, delivery: {scheme.delivery}"


def test_files_that_grow_are_shown_by_their_beginnings_and_blocks_by_any(run: Run) -> None:
    for name in ("jp2_progressive_own", "jpeg_progressive_own"):
        stages = [row.stages for row in run.rows_of(name)]
        assert stages
        assert all(text == "1" or text.startswith("1-") and "+" not in text for text in stages)
    assert any("+" in row.stages for row in run.rows_of("ssdv_own"))


def test_what_is_not_installed_says_so_and_the_others_go_on(run: Run) -> None:
    notes = {name: run.summary[name].note for name in ("jxl_high", "heic_high")}
    assert notes == {
        "jxl_high": "JPEG XL needs the extra: pip install 'progic-satsim[jxl]'",
        "heic_high": "HEIC needs the extra: pip install 'progic-satsim[heic]'",
    }
    assert run.rows_of("thumbhash")
    assert "ssdv_own" in run.spread
