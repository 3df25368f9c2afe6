"""How good a model is: every photo of a folder after 1..N stages, by DISTS, LPIPS, PSNR and MS-SSIM.

And by LPIPS with AlexNet, which no model was trained with and no search follows: a witness for the others.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.special import stdtrit
from torch import Tensor

from progic.bitstream import unpack_stages
from progic.blockiness import blockiness, checkerboard
from progic.codec import Codec
from progic.data import photo_paths
from progic.errors import ConfigError, ImageError
from progic.images import fit_photo, open_photo, to_tensor
from progic.metrics import PerceptualMetrics, Scores

MOST_STAGES_OF_SUBSETS = 10  # 1023 sets, each decoded and scored for every photo
UPPER_TAIL = 0.975  # what ends below the upper end of a two-sided 95 % interval


@dataclass(frozen=True)
class Mean:
    """Mean over photos, and half of its 95 % interval (Student's t: of few photos it is wide)."""

    mean: float
    half_interval: float


@dataclass(frozen=True)
class StageRow:
    """One depth: what the first `stages` stages give."""

    stages: int
    bytes: int
    bpp: float
    dists: Mean
    lpips: Mean
    psnr_db: Mean
    ms_ssim: Mean
    lpips_alex: Mean
    blockiness: Mean
    checkerboard: Mean


@dataclass(frozen=True)
class CodebookRow:
    """How evenly a stage's codes were used over all photos."""

    stage: int
    used_share: float  # of the 2^L codes, those that occurred
    entropy_bits: float  # empirical, of at most L
    possible_share: float  # of the codes, as many as the photos have places


@dataclass(frozen=True)
class SubsetRow:
    """What a set of stages gives, and what would be left of it if nothing after the first gap were used."""

    stages: tuple[int, ...]  # numbered from 1
    bytes: int
    dists: Mean
    lpips: Mean
    dists_before_gap: Mean | None  # of the prefix before the first gap; None where stage 1 is missing

    def as_json(self) -> dict[str, object]:
        """Plain data for `--json`."""
        return asdict(self)


@dataclass(frozen=True)
class Evaluation:
    """Result of `evaluate`."""

    model: str
    size: tuple[int, int]
    photos: tuple[str, ...]
    skipped: tuple[str, ...]
    stages: tuple[StageRow, ...]
    codebooks: tuple[CodebookRow, ...]
    photos_blockiness: Mean  # of the photos themselves
    photos_checkerboard: Mean
    by_photo: dict[str, tuple["Seen", ...]]  # after 1..N stages
    payloads: dict[str, tuple[bytes, ...]]  # the stages of each photo

    def as_json(self) -> dict[str, object]:
        """Plain data for `--json`."""
        photos = {name: [row.as_json() for row in rows] for name, rows in self.by_photo.items()}
        plain = {**asdict(self), "by_photo": photos}
        del plain["payloads"]
        return plain


def evaluate(
    codec: Codec,
    folder: Path,
    metrics: PerceptualMetrics,
    size: tuple[int, int] = (256, 256),
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Evaluation:
    """Code every photo of `folder`, fitted to `size` by centre crop, and score all prefixes.

    Unreadable photos are named in `skipped`. Raises ImageError when the folder holds no readable one.
    """
    paths = photo_paths([folder])
    seen: dict[str, list[Seen]] = {}
    own: list[_Grid] = []  # of the photos
    payloads: dict[str, tuple[bytes, ...]] = {}
    indices: list[list[NDArray[np.int64]]] = [[] for _ in range(codec.config.n_stages)]
    skipped: list[str] = []
    for done, path in enumerate(paths):
        progress(done, len(paths))
        try:
            photo = fit_photo(open_photo(path), size)
        except ImageError as error:
            skipped.append(str(error))
            continue
        stages, name = codec.encode(photo), path.relative_to(folder).as_posix()
        payloads[name] = tuple(stages)
        seen[name] = list(see_prefixes(codec, stages, photo, metrics))
        own.append(_grid(codec, to_tensor(photo)))
        for stage, plane in unpack_stages(dict(enumerate(stages)), size, *codec.config.shape).items():
            indices[stage].append(plane.reshape(-1))
    if not seen:
        raise ImageError(f"{folder}: none of its {len(paths)} photos could be read: {skipped[0]}")
    return Evaluation(
        model=codec.config.name,
        size=size,
        photos=tuple(seen),
        skipped=tuple(skipped),
        stages=tuple(_row(codec, size, depth, seen) for depth in range(codec.config.n_stages)),
        codebooks=tuple(_usage(stage, used, codec.config.n_codes) for stage, used in enumerate(indices)),
        photos_blockiness=mean_of([grid.blockiness for grid in own]),
        photos_checkerboard=mean_of([grid.checkerboard for grid in own]),
        by_photo={name: tuple(rows) for name, rows in seen.items()},
        payloads=payloads,
    )


def check_subsets(codec: Codec) -> None:
    """Raise ConfigError for a model with too many sets of stages to score."""
    config = codec.config
    if config.n_stages > MOST_STAGES_OF_SUBSETS:
        raise ConfigError(
            f"--subsets: found {config.name} with N = {config.n_stages} stages, 2^N - 1 sets; "
            f"allowed are models of at most {MOST_STAGES_OF_SUBSETS}"
        )


def evaluate_subsets(
    codec: Codec,
    folder: Path,
    evaluation: Evaluation,
    metrics: PerceptualMetrics,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[SubsetRow, ...]:
    """Score every set of stages, 2^N - 1 of them, on the photos of an evaluation; the best set first.

    Raises ConfigError for a model of more than MOST_STAGES_OF_SUBSETS stages (`check_subsets`).
    """
    check_subsets(codec)
    numbers = range(codec.config.n_stages)
    sets = [held for count in numbers for held in itertools.combinations(numbers, count + 1)]
    scores: dict[tuple[int, ...], list[Scores]] = {held: [] for held in sets}
    for done, (name, photo) in enumerate(photos_of(folder, evaluation.photos, evaluation.size)):
        progress(done, len(evaluation.photos))
        stages = evaluation.payloads[name]
        reference = metrics.reference(to_tensor(photo))
        for held in sets:
            picture = codec.decode({stage: stages[stage] for stage in held}, photo.size)
            with torch.no_grad():
                scores[held].append(metrics.scores(reference, to_tensor(picture)))
    rows = [_subset_row(held, scores, codec.bytes_per_stage(evaluation.size)) for held in sets]
    return tuple(sorted(rows, key=lambda row: row.dists.mean))


def _subset_row(
    held: tuple[int, ...], scores: dict[tuple[int, ...], list[Scores]], stage_bytes: int
) -> SubsetRow:
    before_gap = tuple(stage for place, stage in enumerate(held) if stage == place)
    return SubsetRow(
        tuple(stage + 1 for stage in held),
        len(held) * stage_bytes,
        mean_of([score.dists for score in scores[held]]),
        mean_of([score.lpips for score in scores[held]]),
        mean_of([score.dists for score in scores[before_gap]]) if before_gap else None,
    )


def photos_of(folder: Path, names: Sequence[str], size: tuple[int, int]) -> Iterator[tuple[str, Image.Image]]:
    """The photos of an evaluation, each with its name, fitted as they were for it."""
    for name in names:
        yield name, fit_photo(open_photo(folder / name), size)


class _Grid(NamedTuple):
    """How much of a picture comes from its patches alone."""

    blockiness: float
    checkerboard: float


def _grid(codec: Codec, picture: Tensor) -> _Grid:
    patch_px = codec.config.downsampling_factor
    return _Grid(float(blockiness(picture, patch_px)), float(checkerboard(picture, patch_px)))


class Seen(NamedTuple):
    """What is to be said of one picture."""

    scores: Scores
    lpips_alex: float
    grid: _Grid

    def as_json(self) -> dict[str, object]:
        """Plain data for `--json`."""
        return {**self.scores._asdict(), "lpips_alex": self.lpips_alex, **self.grid._asdict()}


def see_prefixes(
    codec: Codec, stages: Sequence[bytes], photo: Image.Image, metrics: PerceptualMetrics
) -> Iterator[Seen]:
    """Judge the pictures after 1, 2, ... stages."""
    reference = metrics.reference(to_tensor(photo))
    for depth in range(len(stages)):
        picture = to_tensor(codec.decode(stages[: depth + 1], photo.size))
        yield Seen(
            metrics.scores(reference, picture),
            metrics.lpips_alex(reference.image, picture).item(),
            _grid(codec, picture),
        )


def _row(codec: Codec, size: tuple[int, int], depth: int, seen: dict[str, list[Seen]]) -> StageRow:
    at_depth = [rows[depth] for rows in seen.values()]
    total = (depth + 1) * codec.bytes_per_stage(size)
    means = means_of([row.scores for row in at_depth], [row.lpips_alex for row in at_depth])
    means |= {name: mean_of([getattr(row.grid, name) for row in at_depth]) for name in _Grid._fields}
    return StageRow(depth + 1, total, total * 8 / (size[0] * size[1]), **means)


def means_of(scores: Sequence[Scores], lpips_alex: Sequence[float]) -> dict[str, Mean]:
    """Means of all that is scored, by name."""
    means = {name: mean_of([getattr(each, name) for each in scores]) for name in Scores._fields}
    return {**means, "lpips_alex": mean_of(lpips_alex)}


def mean_of(values: Sequence[float]) -> Mean:
    """Mean and half of its interval; both NaN without any value, the interval where one is infinite."""
    if not values:
        return Mean(math.nan, math.nan)
    if not np.isfinite(values).all():
        return Mean(float(np.mean(values)), math.nan)
    if len(values) == 1:
        return Mean(float(values[0]), math.nan)
    reach = stdtrit(len(values) - 1, UPPER_TAIL) * np.std(values, ddof=1) / math.sqrt(len(values))
    return Mean(float(np.mean(values)), float(reach))


def _usage(stage: int, indices: list[NDArray[np.int64]], n_codes: int) -> CodebookRow:
    counts = np.bincount(np.concatenate(indices), minlength=n_codes)
    possible = min(1.0, float(counts.sum() / n_codes))
    return CodebookRow(stage + 1, float((counts > 0).mean()), entropy_bits(counts), possible)


def entropy_bits(counts: NDArray[np.integer]) -> float:
    """Shannon entropy, in bits a symbol, of how often each symbol occurred."""
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log2(shares)).sum()) + 0.0  # + 0.0: one symbol gives 0, not -0
