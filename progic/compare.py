"""Classical codecs beside a model: the same photos in the same bytes, and the Bjontegaard rate difference."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from progic import classical
from progic.bd_rate import bd_percent, curve_of
from progic.evaluate import Evaluation, Mean, StageRow, means_of, photos_of
from progic.images import to_tensor
from progic.metrics import PerceptualMetrics, Reference, Scores

LEAST_POINTS = 3  # of a curve, for an interpolation to say anything


class Best(NamedTuple):
    """The nearest of some files."""

    bytes: int
    scores: Scores
    lpips_alex: float

    def as_json(self) -> dict[str, object]:
        """Its scores as plain data for `--json`."""
        return {**self.scores._asdict(), "lpips_alex": self.lpips_alex}


Files = tuple[Best | None, ...]  # at each budget; None where nothing fits


@dataclass(frozen=True)
class RivalRow:
    """A classical codec in so many bytes: means over the photos of which any file fits."""

    budget_bytes: int
    fitting: int  # photos
    bytes: float  # mean of the files sent
    dists: Mean
    lpips: Mean
    psnr_db: Mean
    ms_ssim: Mean
    lpips_alex: Mean


@dataclass(frozen=True)
class Rival:
    """A classical codec at the bytes of 1..N stages."""

    name: str
    rows: tuple[RivalRow, ...]
    by_photo: dict[str, Files]
    # our bytes for the same 1 - DISTS, against its: below 0 we need fewer
    bd_rate_dists_percent: float | None
    bd_rate_lpips_percent: float | None

    def as_json(self) -> dict[str, object]:
        """Plain data for `--json`."""
        photos = {name: [one and one.as_json() for one in files] for name, files in self.by_photo.items()}
        return {**asdict(self), "by_photo": photos}


def compare(
    evaluation: Evaluation,
    folder: Path,
    formats: Sequence[str],
    metrics: PerceptualMetrics,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Rival, ...]:
    """Give each format the bytes of 1..N stages for every photo of the evaluation.

    Of what fits, the scale is sent whose DISTS is lowest. Raises InputError for an unknown format.
    """
    for name in formats:
        classical.check_format(name)
    budgets = [row.bytes for row in evaluation.stages]
    sent: dict[str, dict[str, Files]] = {name: {} for name in formats}
    total = len(formats) * len(evaluation.photos)
    for number, (path, photo) in enumerate(photos_of(folder, evaluation.photos, evaluation.size)):
        reference = metrics.reference(to_tensor(photo))
        for place, name in enumerate(formats):
            progress(number * len(formats) + place, total)
            files = classical.candidates(photo, name, budgets)
            sent[name][path] = tuple(best_of(each, photo.size, reference, metrics) for each in files)
    return tuple(_rival(name, budgets, sent[name], evaluation) for name in formats)


def best_of(
    files: Sequence[bytes], size: tuple[int, int], reference: Reference, metrics: PerceptualMetrics
) -> Best | None:
    """The file whose picture has the lowest DISTS; None of no file."""
    if not files:
        return None
    place, scores = metrics.nearest(reference, (to_tensor(classical.opened(file, size)) for file in files))
    sent = to_tensor(classical.opened(files[place], size))
    return Best(len(files[place]), scores, metrics.lpips_alex(reference.image, sent).item())


def _rival(name: str, budgets: Sequence[int], sent: dict[str, Files], evaluation: Evaluation) -> Rival:
    rows = []
    for depth, budget in enumerate(budgets):
        found = [files[depth] for files in sent.values()]
        fitting = [one for one in found if one is not None]
        means = means_of([one.scores for one in fitting], [one.lpips_alex for one in fitting])
        size = sum(one.bytes for one in fitting) / len(fitting) if fitting else math.nan
        rows.append(RivalRow(budget, len(fitting), size, **means))
    return Rival(
        classical.FORMATS[name].title,
        tuple(rows),
        sent,
        _bd_rate(rows, evaluation, lambda row: row.dists.mean),
        _bd_rate(rows, evaluation, lambda row: row.lpips.mean),
    )


def _bd_rate(
    rows: Sequence[RivalRow], evaluation: Evaluation, distance: Callable[[RivalRow | StageRow], float]
) -> float | None:
    """Percent more (or fewer) bytes that the model needs; None where the curves have too little in common.

    Only budgets that every photo fits: a mean over the easy photos would not be of the same pictures.
    """
    whole = [row for row in rows if row.fitting == len(evaluation.photos)]
    theirs = curve_of([(row.bytes, distance(row)) for row in whole])
    ours = curve_of([(row.bytes, distance(row)) for row in evaluation.stages])
    return bd_percent(ours, theirs, LEAST_POINTS)
