"""How near a received picture is to the photo that was sent, and when it is near enough.

Scores are those of `progic.metrics`; the marks "usable" and "detail" are DISTS values.
"""

import math
from collections.abc import Collection
from typing import NamedTuple

from PIL import Image

from progic.classical import enlarged
from progic.images import to_tensor
from progic.metrics import PerceptualMetrics, ms_ssim, psnr_db
from satsim.settings import Mark, Metric

PERCEPTUAL: frozenset[Metric] = frozenset({"dists", "lpips"})  # those that need the metric weights


class Scores(NamedTuple):
    """A picture's scores; None: not asked for, or not defined for a picture of this size."""

    dists: float | None
    lpips: float | None
    psnr_db: float | None  # infinite for equal pictures
    ms_ssim: float | None


class Scorer:
    """Scores pictures against one original; a picture met again costs nothing.

    `perceptual` may be None if `metrics` has neither DISTS nor LPIPS.
    """

    def __init__(
        self, original: Image.Image, metrics: Collection[Metric], perceptual: PerceptualMetrics | None
    ) -> None:
        self.original = original
        self._metrics = frozenset(metrics)
        self._pixels = to_tensor(original)
        self._perceptual = perceptual if self._metrics & PERCEPTUAL else None
        self._reference = self._perceptual.reference(self._pixels) if self._perceptual else None
        self._known: dict[bytes, Scores] = {}

    def scores(self, picture: Image.Image) -> Scores:
        """Return the scores of an RGB picture of the original's size."""
        pixels = picture.tobytes()
        if pixels not in self._known:
            self._known[pixels] = self._measure(picture)
        return self._known[pixels]

    def distance(self, picture: Image.Image) -> float:
        """Return what a sender minimises: DISTS, or minus the PSNR where DISTS is not measured.

        A smaller picture is enlarged to the original's size first (bicubic), as the receiver does.
        """
        picture = enlarged(picture, self.original.size)
        scores = self.scores(picture)
        if scores.dists is not None:
            return scores.dists
        return -psnr_db(self._pixels, to_tensor(picture)).item()

    def mark_dists(self, mark: Mark) -> float | None:
        """Return the DISTS at or below which a picture reaches `mark`; None if DISTS is not measured.

        A thumbnail's is that of the original shrunk to it and enlarged again, both bicubic; 32x32 is enough
        to name a scene and its main objects (Torralba, Visual Neuroscience 26, 2009).
        """
        if "dists" not in self._metrics or self._perceptual is None or self._reference is None:
            return None
        if mark.thumbnail_px is None:
            return mark.dists
        view = thumbnail_view(self.original, mark.thumbnail_px)
        return self._perceptual.dists_to(self._reference, to_tensor(view))

    def _measure(self, picture: Image.Image) -> Scores:
        pixels = to_tensor(picture)
        found: dict[str, float]
        if self._perceptual is None or self._reference is None:
            measures = {"psnr_db": psnr_db, "ms_ssim": ms_ssim}
            found = {
                name: measure(self._pixels, pixels).item()
                for name, measure in measures.items()
                if name in self._metrics
            }
        elif self._metrics == {"dists"}:
            found = {"dists": self._perceptual.dists_to(self._reference, pixels)}
        else:
            found = self._perceptual.scores(self._reference, pixels)._asdict()
        defined = {name: value for name, value in found.items() if not math.isnan(value)}
        return Scores(
            **{name: defined.get(name) if name in self._metrics else None for name in Scores._fields}
        )


def thumbnail_view(original: Image.Image, thumbnail_px: int) -> Image.Image:
    """Return the original shrunk to a square of `thumbnail_px` and enlarged again, both bicubic."""
    thumbnail = original.resize((thumbnail_px, thumbnail_px), Image.Resampling.BICUBIC)
    return thumbnail.resize(original.size, Image.Resampling.BICUBIC)
