"""The rendered forest fire: one seed, one picture; the shipped file is large enough to crop."""

import importlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SCENARIOS = Path(__file__).parents[1] / "scenarios"
SMALL_PX = 40


def test_seed_decides_every_pixel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(SCENARIOS)
    scene = importlib.import_module("render_forest_fire")
    first, again, other = (scene.render(SMALL_PX, seed) for seed in (3, 3, 4))
    assert first.shape == (SMALL_PX, SMALL_PX, 3)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    assert np.abs(first.astype(int) - other).mean() > 5


def test_shipped_picture_is_a_square_of_at_least_512_px() -> None:
    with Image.open(SCENARIOS / "forest_fire.png") as picture:
        assert picture.mode == "RGB"
        assert picture.width == picture.height >= 512
