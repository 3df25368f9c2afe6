"""The training loss: DISTS and LPIPS of picture and photo over one shared pass of VGG16.

The DISTS term is the metric itself (arXiv 2004.07728). The LPIPS term has the metric's weights
(arXiv 1801.03924) on features pooled as DISTS pools them, so that one pass serves both; `progic.metrics`
reports the real one. Both are functions of a few sums over each pair of maps (`progic.map_sums`).
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from progic.map_sums import Maps, MapSums, map_sums
from progic.metrics import DISTS_STABILITY, WIDTHS, Vgg16


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
        self.register_buffer("lpips0", torch.zeros(3))  # LPIPS does not look at the pixels themselves
        for level in range(len(WIDTHS)):
            self.register_buffer(f"lpips{level + 1}", weights[f"lpips.{level}"].flatten())

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
        dists, lpips = torch.ones(()), torch.zeros(())
        pairs = zip((picture, *self.vgg(picture, "l2")), (photo, *wanted), strict=True)
        for level, (found, sought) in enumerate(pairs):
            sums = map_sums(found, sought, self.get_buffer(f"lpips{level}"))
            dists = dists - self._similarity(level, sums)
            lpips = lpips + sums.difference
        return Distances(dists.mean(), lpips.mean())

    def _similarity(self, level: int, sums: MapSums) -> Float[Tensor, "b"]:
        product, power = sums.mean_a * sums.mean_b, sums.mean_a.square() + sums.mean_b.square()
        texture = (2 * product + DISTS_STABILITY) / (power + DISTS_STABILITY)
        covariance, variance = sums.product - product, sums.square_a + sums.square_b - power
        structure = (2 * covariance + DISTS_STABILITY) / (variance + DISTS_STABILITY)
        alpha, beta = self.get_buffer(f"alpha{level}"), self.get_buffer(f"beta{level}")
        return (alpha * texture + beta * structure).sum(1)
