"""The grid of patches that shows through a picture: an eye sees it, and DISTS and LPIPS hardly mind.

Each latent draws a patch of f x f pixels, folded from cells of 4x4. What recurs with them is no part of a
photo, whose steps from pixel to pixel are as large at one place of a patch as at any other, and as often
up as down: `blockiness` sees edges between patches, `checkerboard` one pattern of dots in all of them.
"""

import torch
from jaxtyping import Float
from torch import Tensor


def blockiness(images: Float[Tensor, "b 3 h w"], patch_px: int) -> Float[Tensor, ""]:
    """How much the steps to the next pixel differ from place to place within a patch, over all images.

    The standard deviation of their means over the `patch_px` places, rows and columns alike, in parts of the
    mean. Photos of 256x256 have 0.04 to 0.06 by chance; 0 where no image holds a patch beside another.
    """
    lines = images.diff(dim=3).abs().mean((1, 2)), images.diff(dim=2).abs().mean((1, 3))
    places = torch.cat([torch.arange(line.shape[1], device=images.device) % patch_px for line in lines])
    counts = places.bincount(minlength=patch_px)
    if not counts.all():
        return images.new_zeros(())
    steps = torch.cat(lines, dim=1)
    profiles = steps.new_zeros(len(steps), patch_px).index_add(1, places, steps) / counts
    profile = (profiles / profiles.mean(1, keepdim=True).clamp(min=1e-6)).mean(0)
    return profile.std(correction=0)


def checkerboard(images: Float[Tensor, "b 3 h w"], patch_px: int) -> Float[Tensor, ""]:
    """How much of the steps to the next pixel is one pattern, the same in every patch of an image.

    Its part of their energy, 1 where all patches are alike; the mean over rows, columns and images. What
    chance brings is taken off: photos have 0.00. 0, too, where no image holds a patch beside another.
    Checkerboard artefacts are a decoder's that enlarges (Odena et al. 2016, doi:10.23915/distill.00003).
    """
    rows, columns = ((side - 1) // patch_px for side in images.shape[2:])
    count = rows * columns
    if count < 2:
        return images.new_zeros(())
    steps = torch.stack([images.diff(dim=3)[:, :, :-1], images.diff(dim=2)[..., :-1]])
    whole = steps[..., : rows * patch_px, : columns * patch_px]
    patches = whole.reshape(2, -1, 3, rows, patch_px, columns, patch_px)
    energy, common = patches.square().mean((2, 3, 4, 5, 6)), patches.mean((3, 5)).square().mean((2, 3, 4))
    return ((count * common - energy) / ((count - 1) * energy.clamp(min=1e-8))).mean()
