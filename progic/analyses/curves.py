"""Rate-distortion curves: scores of each photo, kept, and their means; ours, and classical codecs'."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

import PIL

from progic import classical
from progic.analyses.study import Photo, Study
from progic.compare import best_of
from progic.evaluate import Mean, mean_of, means_of, see_prefixes
from progic.images import to_tensor
from progic.metrics import IMPLEMENTATION, Scores

Size = tuple[int, int] | None  # None: photos as they are
COLUMNS = ("bytes", *Scores._fields, "lpips_alex")  # of what is kept of a picture


class Point(NamedTuple):
    """One picture of one photo."""

    bpp: float
    scores: Scores
    lpips_alex: float


@dataclass(frozen=True)
class MeanPoint:
    """The mean of one point of a curve over all photos."""

    bpp: float
    dists: Mean
    lpips: Mean
    psnr_db: Mean
    ms_ssim: Mean
    lpips_alex: Mean


@dataclass(frozen=True)
class Curve:
    """A codec's means over the photos, where every photo has a picture; rates rise."""

    key: str  # of a format; the model's name for ours
    title: str
    points: tuple[MeanPoint, ...]

    def rates(self, metric: str) -> list[tuple[float, float]]:
        """The points as (bpp, mean of the metric)."""
        return [(point.bpp, getattr(point, metric).mean) for point in self.points]


def our_points(study: Study, photo: Photo) -> list[Point]:
    """Bits per pixel and scores of one photo after 1..N stages."""

    def compute() -> object:
        stages = study.codec.encode(photo.image)
        seen = see_prefixes(study.codec, stages, photo.image, study.metrics)
        sizes = accumulate(len(stage) for stage in stages)
        return [[size, *each.scores, each.lpips_alex] for size, each in zip(sizes, seen, strict=True)]

    key = {"scores": IMPLEMENTATION, "columns": COLUMNS, "photo": photo.digest, **study.coding}
    return [_point(row, photo) for row in study.kept.get(key, compute) if row is not None]


def their_points(study: Study, photo: Photo, name: str) -> list[Point | None]:
    """The same of a classical codec, in the bytes of 1..N stages; None where nothing fits."""
    per_stage = study.codec.bytes_per_stage(photo.image.size)
    budgets = [per_stage * (depth + 1) for depth in range(study.codec.config.n_stages)]

    def compute() -> object:
        reference = study.metrics.reference(to_tensor(photo.image))
        files = classical.candidates(photo.image, name, budgets)
        found = [best_of(each, photo.image.size, reference, study.metrics) for each in files]
        return [one and [one.bytes, *one.scores, one.lpips_alex] for one in found]

    written_by = {"pillow": PIL.__version__, **classical.FORMATS[name].options(50)}
    key = {
        "scores": IMPLEMENTATION,
        "columns": COLUMNS,
        "format": name,
        "writer": written_by,
        "budgets": budgets,
        "photo": photo.digest,
    }
    return [None if row is None else _point(row, photo) for row in study.kept.get(key, compute)]


def our_curve(study: Study, size: Size) -> Curve:
    """Our means over the photos at a size."""
    config = study.codec.config
    what = "our scores" if size else "our scores at full size"
    found = [our_points(study, photo) for photo in study.photos(size, what)]
    return Curve(config.name, config.name, _means(found))


def their_curves(study: Study, size: Size) -> list[Curve]:
    """The means of each classical codec of the settings. Raises InputError for one that cannot be written."""
    names = study.settings.formats
    for name in names:
        classical.check_format(name)
    found: dict[str, list[list[Point | None]]] = {name: [] for name in names}
    for photo in study.photos(size, "scores of whole files"):
        for name in names:
            found[name].append(their_points(study, photo, name))
    return [Curve(name, classical.FORMATS[name].title, _means(found[name])) for name in names]


def _means(found: Sequence[Sequence[Point | None]]) -> tuple[MeanPoint, ...]:
    """One mean a depth, of depths at which every photo has a picture."""
    depths = ([points[depth] for points in found] for depth in range(len(found[0])))
    return tuple(_mean([point for point in depth if point]) for depth in depths if all(depth))


def _mean(points: Sequence[Point]) -> MeanPoint:
    means = means_of([point.scores for point in points], [point.lpips_alex for point in points])
    return MeanPoint(mean_of([point.bpp for point in points]).mean, **means)


def _point(row: Sequence[float], photo: Photo) -> Point:
    size, *scores, witness = row
    return Point(size * 8 / photo.pixels, Scores(*scores), witness)
