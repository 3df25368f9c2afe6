"""The borders of the patches that the linear path draws: an eye sees there what no distance minds.

Each latent's patch of f x f pixels ends in a step to the next, which the net has to smooth.
"""

import torch
from jaxtyping import Float
from torch import Tensor


def missed_steps(
    picture: Float[Tensor, "b 3 h w"], photo: Float[Tensor, "b 3 h w"], patch_px: int
) -> Float[Tensor, ""]:
    """Mean absolute error of the steps across borders of patches; 0 where there is no border."""
    errors = [
        (found - wanted).abs().flatten()
        for found, wanted in zip(_steps(picture, patch_px), _steps(photo, patch_px), strict=True)
    ]
    every = torch.cat(errors)
    return every.sum() / max(1, len(every))


def _steps(image: Tensor, patch_px: int) -> tuple[Tensor, Tensor]:
    """Differences of the pixels on both sides of each border, across and down."""
    across = image[..., patch_px::patch_px] - image[..., patch_px - 1 : -1 : patch_px]
    down = image[..., patch_px::patch_px, :] - image[..., patch_px - 1 : -1 : patch_px, :]
    return across, down
