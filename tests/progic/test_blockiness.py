"""The grid of patches, against loops over pixels; and that a recipe can weigh it."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from progic.blockiness import blockiness
from progic.config import LossConfig, TrainConfig
from progic.data import PhotoSet
from progic.train import Trainer


@given(st.integers(9, 30), st.integers(9, 30), st.sampled_from([2, 4, 8]), st.integers(0, 99))
def test_blockiness_equals_a_loop_over_the_places(height: int, width: int, patch_px: int, seed: int) -> None:
    images = torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(seed))
    profile = np.zeros(patch_px)
    for image in images.numpy():
        lines: list[list[float]] = [[] for _ in range(patch_px)]
        for x in range(width - 1):
            lines[x % patch_px].append(float(np.abs(image[:, :, x + 1] - image[:, :, x]).mean()))
        for y in range(height - 1):
            lines[y % patch_px].append(float(np.abs(image[:, y + 1] - image[:, y]).mean()))
        means = np.array([np.mean(line) for line in lines])
        profile += means / means.mean() / len(images)
    assert float(blockiness(images, patch_px)) == pytest.approx(profile.std(), abs=1e-5)


def test_a_slope_has_no_grid_and_patches_of_one_shade_have_the_most() -> None:
    slope = torch.linspace(0, 1, 65)[:64].expand(1, 3, 64, 64)
    assert float(blockiness(slope, 16)) == pytest.approx(0, abs=1e-3)
    tiles = slope[..., ::16].repeat_interleave(16, 3)
    both = (tiles + tiles.transpose(2, 3)) / 2
    assert float(blockiness(both, 16)) == pytest.approx(15**0.5, abs=1e-5)  # all at one of 16 places
    assert float(blockiness(both[..., 3:, 3:], 16)) == pytest.approx(15**0.5, abs=1e-5)


def test_flat_images_and_single_patches_have_none() -> None:
    assert float(blockiness(torch.full((1, 3, 64, 64), 0.5), 16)) == 0
    assert float(blockiness(torch.rand(1, 3, 16, 16), 16)) == 0


def test_a_recipe_weighs_it(recipe: TrainConfig, photos: PhotoSet, metric_weights: dict[str, Tensor]) -> None:
    def first_step(weight: float) -> tuple[float, float]:
        weighed = recipe.model_copy(update={"loss": LossConfig(blockiness=weight)})
        terms = Trainer(weighed, photos, metric_weights, torch.device("cpu")).advance()
        return terms.loss.item(), torch.as_tensor(terms.blockiness).item()

    (without, grid), (weighed, same) = first_step(0.0), first_step(0.5)
    assert grid == same > 0
    assert weighed == pytest.approx(without + 0.5 * grid)
