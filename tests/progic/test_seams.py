"""The steps between patches, against loops over pixels; and that a recipe can ask for them."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from progic.config import LossConfig, TrainConfig
from progic.data import PhotoSet
from progic.seams import blockiness, missed_steps
from progic.train import Trainer

SIDES = st.integers(1, 3)


@given(SIDES, SIDES, st.sampled_from([2, 4, 8]), st.integers(0, 99))
def test_missed_steps_equal_a_loop_over_the_borders(down: int, across: int, patch_px: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    picture, photo = torch.rand(2, 2, 3, down * patch_px, across * patch_px, generator=generator)
    errors = []
    for image, wanted in zip(picture.flatten(0, 1), photo.flatten(0, 1), strict=True):
        for side, other in ((image, wanted), (image.T, wanted.T)):
            for row in range(patch_px, len(side), patch_px):
                missed = (side[row] - side[row - 1]) - (other[row] - other[row - 1])
                errors += missed.abs().tolist()
    expected = sum(errors) / len(errors) if errors else 0
    assert missed_steps(picture, photo, patch_px).item() == pytest.approx(expected, abs=1e-6)


def test_a_shade_of_its_own_for_each_patch_is_missed_only_at_its_borders() -> None:
    photo = torch.zeros(1, 3, 32, 32)
    shades = torch.tensor([[0.1, 0.3], [0.1, 0.3]]).repeat_interleave(16, 0).repeat_interleave(16, 1)
    picture = shades.expand(1, 3, 32, 32)
    assert missed_steps(picture, photo, 16).item() == pytest.approx(0.1)  # 0.2 at half of the borders
    assert missed_steps(picture + 0.5, picture, 16).item() == pytest.approx(0, abs=1e-6)
    inside = torch.zeros(1, 3, 32, 32)
    inside[..., 4:12, 4:12] = 1
    assert missed_steps(inside, photo, 16).item() == 0


def test_blockiness_is_one_of_a_slope_and_more_of_patches() -> None:
    slope = torch.linspace(0, 1, 64).expand(1, 3, 64, 64)
    assert blockiness(slope, 16) == pytest.approx(1, abs=1e-5)
    stairs = slope + (torch.arange(64) // 16 * 2 / 63)  # three steps of 3/63 among those of 1/63
    assert blockiness(stairs, 16) == pytest.approx(3, abs=1e-4)
    assert blockiness(stairs, 8) == pytest.approx((3 * 3 + 4) / 7, abs=1e-4)
    assert math.isnan(blockiness(torch.zeros(1, 3, 64, 64), 16))
    assert math.isnan(blockiness(slope[..., :16, :16], 16))


def test_a_recipe_weighs_the_seams(
    recipe: TrainConfig, photos: PhotoSet, metric_weights: dict[str, Tensor]
) -> None:
    without, weighed = (
        Trainer(
            recipe.model_copy(update={"loss": LossConfig(seams=weight)}),
            photos,
            metric_weights,
            torch.device("cpu"),
        ).advance()
        for weight in (0.0, 0.5)
    )
    seams = torch.as_tensor(weighed.seams).item()
    assert seams > 0
    assert weighed.loss.item() == pytest.approx(without.loss.item() + 0.5 * seams)
