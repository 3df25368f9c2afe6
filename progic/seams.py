"""The borders of the patches that the linear path draws: an eye sees there what no distance minds.

Each latent's patch of f x f pixels ends in a step to the next, which the net has to smooth.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor


def missed_steps(
    picture: Float[Tensor, "b 3 h w"], photo: Float[Tensor, "b 3 h w"], patch_px: int
) -> Float[Tensor, ""]:
    """Mean absolute error of the steps across borders of patches; 0 where there is no border."""
    errors = (_at_borders(picture, patch_px) - _at_borders(photo, patch_px)).abs()
    return errors.sum() / max(1, len(errors))


def blockiness(image: Float[Tensor, "b 3 h w"], patch_px: int) -> float:
    """Mean absolute step across the borders of patches, in parts of that within them.

    About 1 where there is no grid to be seen (64 photos: 1.01), NaN without a border or without any step.
    """
    across, down = image.diff(dim=3).abs(), image.diff(dim=2).abs()
    at_borders = _at_borders(image, patch_px).abs()
    count = across.numel() + down.numel() - len(at_borders)
    within = (across.sum() + down.sum() - at_borders.sum()) / max(1, count)
    return float(at_borders.mean() / within) if within > 0 and len(at_borders) else math.nan


def _at_borders(image: Tensor, patch_px: int) -> Float[Tensor, "n"]:
    """Differences of the pixels on both sides of each border, across and down."""
    last = slice(patch_px - 1, -1, patch_px)  # of each patch but the last
    across = image[..., patch_px::patch_px] - image[..., last]
    down = image[..., patch_px::patch_px, :] - image[..., last, :]
    return torch.cat([across.flatten(), down.flatten()])
