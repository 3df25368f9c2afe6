"""The training loss: DISTS and LPIPS of picture and photo over one shared pass of VGG16.

The DISTS term is the metric itself (arXiv 2004.07728). The LPIPS term has the metric's weights
(arXiv 1801.03924) on features pooled as DISTS pools them, so that one pass serves both; `progic.metrics`
reports the real one. Both are written as sums over maps, without normalised copies: memory traffic, not
arithmetic, is what a perceptual loss costs.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from progic.metrics import DISTS_STABILITY, LPIPS_EPSILON, WIDTHS, Vgg16

Maps = Float[Tensor, "b c h w"]


class Distances(NamedTuple):
    """Mean over the batch of each term."""

    dists: Float[Tensor, ""]
    lpips: Float[Tensor, ""]


class PerceptualLoss(nn.Module):
    """DISTS and an LPIPS-like distance, with weights as from `progic.metric_weights.load_metric_weights`."""

    def __init__(self, weights: dict[str, Tensor]) -> None:
        super().__init__()
        self.vgg = Vgg16(weights)
        total = weights["dists.alpha"].sum() + weights["dists.beta"].sum()
        for name in ("alpha", "beta"):
            shares = weights[f"dists.{name}"].flatten() / total
            for level, part in enumerate(torch.split(shares, [3, *WIDTHS])):
                self.register_buffer(f"{name}{level}", part.clone())
        for level in range(len(WIDTHS)):
            self.register_buffer(f"lpips{level}", weights[f"lpips.{level}"].flatten())

    def forward(self, picture: Float[Tensor, "b 3 h w"], photo: Float[Tensor, "b 3 h w"]) -> Distances:
        """Return both distances of images in 0..1; the gradient reaches `picture`."""
        with torch.no_grad():
            wanted = self.features(photo)
        return self.distances(picture, photo, wanted)

    def features(self, photo: Float[Tensor, "b 3 h w"]) -> tuple[Maps, ...]:
        """Return what `distances` wants of a photo, to be computed once where many pictures are of it."""
        return self.vgg(photo, "l2")  # type: ignore[no-any-return]

    def distances(self, picture: Tensor, photo: Tensor, wanted: tuple[Maps, ...]) -> Distances:
        """Return both distances of pictures from a photo (or from as many photos) and its features."""
        found = self.vgg(picture, "l2")
        dists = 1 - self._similarity(0, picture, photo)
        lpips = torch.zeros_like(dists)
        for level, (a, b) in enumerate(zip(found, wanted, strict=True)):
            dists = dists - self._similarity(level + 1, a, b)
            lpips = lpips + self._difference(level, a, b)
        return Distances(dists.mean(), lpips.mean())

    def _similarity(self, level: int, a: Maps, b: Maps) -> Float[Tensor, "b"]:
        a, b = a.float(), b.float()
        mean_a, mean_b = a.mean((2, 3)), b.mean((2, 3))
        variance_a = a.square().mean((2, 3)) - mean_a.square()
        variance_b = b.square().mean((2, 3)) - mean_b.square()
        covariance = (a * b).mean((2, 3)) - mean_a * mean_b
        power, variance = mean_a.square() + mean_b.square(), variance_a + variance_b
        texture = (2 * mean_a * mean_b + DISTS_STABILITY) / (power + DISTS_STABILITY)
        structure = (2 * covariance + DISTS_STABILITY) / (variance + DISTS_STABILITY)
        alpha, beta = self.get_buffer(f"alpha{level}"), self.get_buffer(f"beta{level}")
        return (alpha * texture + beta * structure).sum(1)

    def _difference(self, level: int, a: Maps, b: Maps) -> Float[Tensor, "b"]:
        a, b = a.float(), b.float()
        weight = self.get_buffer(f"lpips{level}").view(1, -1, 1, 1)
        square_a, square_b = a.square(), b.square()
        norm_a = (square_a.sum(1) + LPIPS_EPSILON).sqrt()
        norm_b = (square_b.sum(1) + LPIPS_EPSILON).sqrt()
        own = (weight * square_a).sum(1) / norm_a.square() + (weight * square_b).sum(1) / norm_b.square()
        shared = (weight * a * b).sum(1) / (norm_a * norm_b)
        return (own - 2 * shared).mean((1, 2))
