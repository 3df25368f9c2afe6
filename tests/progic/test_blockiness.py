"""The grid of patches, against loops over pixels; and that a recipe can weigh what shows of it."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from progic.blockiness import blockiness, checkerboard
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
    assert float(checkerboard(torch.full((1, 3, 64, 64), 0.5), 16)) == 0
    assert float(checkerboard(torch.rand(1, 3, 16, 32), 16)) == 0


@given(st.integers(9, 30), st.integers(9, 30), st.sampled_from([2, 4, 8]), st.integers(0, 99))
def test_checkerboard_equals_a_loop_over_the_patches(
    height: int, width: int, patch_px: int, seed: int
) -> None:
    images = torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(seed)).double()
    rows, columns = (height - 1) // patch_px, (width - 1) // patch_px
    shares = []
    for image in images.numpy():
        for axis in (2, 1):
            steps = np.diff(image, axis=axis)
            patches = [
                steps[:, y * patch_px : (y + 1) * patch_px, x * patch_px : (x + 1) * patch_px]
                for y in range(rows)
                for x in range(columns)
            ]
            share = (np.mean(patches, axis=0) ** 2).mean() / (np.array(patches) ** 2).mean()
            shares.append((len(patches) * share - 1) / (len(patches) - 1) if len(patches) > 1 else 0)
    assert float(checkerboard(images, patch_px)) == pytest.approx(np.mean(shares), abs=1e-9)


def test_dots_in_every_patch_are_a_checkerboard_and_noise_is_none() -> None:
    dots = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(5)).tile(1, 1, 9, 9)
    noise = torch.rand(1, 3, 144, 144, generator=torch.Generator().manual_seed(6))
    assert float(checkerboard(dots, 16)) == pytest.approx(1)
    # 64 patches, 3 colours, 256 places: by chance within 1 / (64 * sqrt(384)) of nothing, one deviation
    assert float(checkerboard(noise, 16)) == pytest.approx(0, abs=4 / 64 / 384**0.5)
    assert float(checkerboard(dots + noise, 16)) == pytest.approx(0.5, abs=0.02)  # of equal energy
    assert float(blockiness(noise + dots, 16)) < 0.1  # which does not see it


@pytest.mark.parametrize("name", ["blockiness", "checkerboard"])
def test_a_recipe_weighs_it(
    name: str, recipe: TrainConfig, photos: PhotoSet, metric_weights: dict[str, Tensor]
) -> None:
    def first_step(weight: float) -> tuple[float, float]:
        loss = LossConfig.model_validate({name: weight})
        weighed = recipe.model_copy(update={"loss": loss, "crop_px": 64})
        terms = Trainer(weighed, photos, metric_weights, torch.device("cpu")).advance()
        return terms.loss.item(), torch.as_tensor(getattr(terms, name)).item()

    (without, grid), (weighed, same) = first_step(0.0), first_step(0.5)
    assert grid == same != 0
    assert weighed == pytest.approx(without + 0.5 * grid)
