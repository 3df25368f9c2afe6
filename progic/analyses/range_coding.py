"""`range-coding` (Fig. 4): what a range coder with learned priors saves over indices of fixed length."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from progic.analyses import range_coder
from progic.analyses.curves import Curve, our_curve
from progic.analyses.drawing import OURS, PUBLISHED, SOFT, new_figure, plain, published_level
from progic.analyses.extras import wanted
from progic.analyses.published import PAPER, RANGE_CODING_GAIN_PERCENT, SUPPLEMENT
from progic.analyses.result import Beside, Result, Row
from progic.analyses.study import Study
from progic.data import chosen, photo_paths
from progic.errors import InputError

MOST_PRIOR_PHOTOS = 400  # of a folder of training photos, evenly spread


class Priors(NamedTuple):
    """Probabilities of each stage's codes, and from how many vectors of each stage they were counted."""

    stages: list[NDArray[np.float64]]
    vectors: int


class Lengths(NamedTuple):
    """Bytes of one photo's stages, and what an ideal coder with the same priors would need."""

    apart: list[int]  # each stage coded alone, as its own packet
    together: list[int]  # the first 1..N stages as one stream
    ideal_bits: list[float]  # each stage alone


def analyse(study: Study) -> Result:
    """Code the photos with priors of others. Raises InputError where no other photo can give priors."""
    wanted("constriction", "range-coding")
    priors = _priors(study)
    photos = study.photos(study.settings.size, "photos coded")
    lengths = [
        _lengths(study.indices(photo), prior.stages) for photo, prior in zip(photos, priors, strict=True)
    ]
    fixed = study.codec.bytes_per_stage(study.settings.size)
    rows = tuple(_row(depth, fixed, lengths) for depth in range(study.codec.config.n_stages))
    curve = our_curve(study, study.settings.size)
    return Result(
        name="range-coding",
        title="Range coding of the indices",
        reference=f"Fig. 4 of {SUPPLEMENT}",
        model=study.codec.config.name,
        photos=len(lengths),
        rows=rows,
        beside=(_beside(rows[-1]),),
        notes=(_source_note(study, priors[0]), BYTES_NOTE),
        figure=_draw(rows, curve, study.settings.size),
    )


BYTES_NOTE = (
    "Bytes are whole: each stage is a packet that must be read alone, so each is coded alone; 'one "
    "stream' is all stages together, which no longer decode one by one; 'ideal' is the cross-entropy, "
    "without any coder."
)


def _priors(study: Study) -> list[Priors]:
    """Priors for each photo of the folder, from others: training photos, or the other half at full size."""
    if study.settings.priors:
        paths = chosen(photo_paths([Path(study.settings.priors)]), MOST_PRIOR_PHOTOS)
        photos = study.photos_at(paths, study.settings.size, "photos for priors")
        return [_counted(study, [study.indices(photo) for photo in photos])] * len(study.paths)
    if len(study.paths) < 2:
        raise InputError("range-coding: found 1 photo, allowed 2 or more, or training photos by --priors DIR")
    used = [study.indices(photo) for photo in study.photos(None, "photos for priors")]
    halves = [_counted(study, used[half::2]) for half in (0, 1)]
    return [halves[1 - place % 2] for place in range(len(used))]


def _counted(study: Study, photos: Sequence[list[NDArray[np.int64]]]) -> Priors:
    codes = study.codec.config.n_codes
    stages = [np.concatenate(stage) for stage in zip(*photos, strict=True)]
    counts = [np.bincount(used, minlength=codes) for used in stages]
    return Priors([range_coder.prior_of(each) for each in counts], len(stages[0]))


def _source_note(study: Study, priors: Priors) -> str:
    each = f"{priors.vectors} vectors a codebook of {study.codec.config.n_codes} codes"
    if study.settings.priors:
        name = Path(study.settings.priors).name
        return f"Priors: how often each code occurs in the photos of {name}, at the same size: {each}."
    text = "Priors: how often each code occurs in the other half of the photos, at full size"
    return f"{text}: {each}. --priors DIR learns them from training photos instead."


def _lengths(indices: Sequence[NDArray[np.int64]], priors: Sequence[NDArray[np.float64]]) -> Lengths:
    pairs = list(zip(indices, priors, strict=True))
    apart = [len(range_coder.encode([used], [prior])) for used, prior in pairs]
    depths = range(1, len(pairs) + 1)
    together = [len(range_coder.encode(indices[:depth], priors[:depth])) for depth in depths]
    return Lengths(apart, together, [float(-np.log2(prior[used]).sum()) for used, prior in pairs])


def _row(depth: int, fixed: int, lengths: Sequence[Lengths]) -> Row:
    """Means over photos of the first `depth` + 1 stages."""
    plain_bytes = fixed * (depth + 1)
    apart = float(np.mean([sum(each.apart[: depth + 1]) for each in lengths]))
    together = float(np.mean([each.together[depth] for each in lengths]))
    ideal = float(np.mean([sum(each.ideal_bits[: depth + 1]) / 8 for each in lengths]))
    return {
        "stages": depth + 1,
        "fixed_bytes": plain_bytes,
        "coded_bytes": round(apart, 2),
        "one_stream_bytes": round(together, 2),
        "ideal_bytes": round(ideal, 2),
        "gain_percent": round(100 * (1 - apart / plain_bytes), 3),
        "one_stream_gain_percent": round(100 * (1 - together / plain_bytes), 3),
        "ideal_gain_percent": round(100 * (1 - ideal / plain_bytes), 3),
    }


def _beside(deepest: Row) -> Beside:
    gain = float(deepest["gain_percent"] or 0)
    stream = float(deepest["one_stream_gain_percent"] or 0)
    return Beside(
        "bytes saved by range coding, all stages",
        f"{gain:.1f} % as packets, {stream:.1f} % as one stream",
        f"{RANGE_CODING_GAIN_PERCENT} %",
        f"{stream - RANGE_CODING_GAIN_PERCENT:+.1f} points as one stream",
        f"{PAPER}, ablation",
    )


def _draw(rows: Sequence[Row], curve: Curve, size: tuple[int, int]) -> Figure:
    figure = new_figure(9.4, 3.7)
    left, right = figure.subplots(1, 2)
    per_byte = 8 / (size[0] * size[1])
    distances = [point.dists.mean for point in curve.points]
    for key, color, mark, text in (
        ("fixed_bytes", SOFT, "o-", "fixed length"),
        ("coded_bytes", OURS, "s--", "range coded"),
    ):
        rates = [float(row[key] or 0) * per_byte for row in rows]
        left.plot(rates, distances, mark, color=color, markersize=4, linewidth=1.3, label=text)
    plain(left, "bits per pixel, whole bytes", "DISTS (lower is nearer)", "Rate-distortion")
    left.legend(frameon=False, fontsize=8)
    stages = [int(row["stages"] or 0) for row in rows]
    for shift, key, color, text in (
        (-0.27, "gain_percent", OURS, "each stage a packet"),
        (0.0, "one_stream_gain_percent", "#d98a66", "one stream"),
        (0.27, "ideal_gain_percent", "#bdbdbd", "ideal"),
    ):
        values = [float(row[key] or 0) for row in rows]
        right.bar([stage + shift for stage in stages], values, 0.25, color=color, label=text)
    right.axhline(0, color=PUBLISHED, linewidth=0.6)
    published_level(right, RANGE_CODING_GAIN_PERCENT, f"published: {RANGE_CODING_GAIN_PERCENT} %")
    plain(right, "stages sent", "bytes saved, %", "Gain over fixed length")
    right.legend(frameon=False, fontsize=8, loc="best")
    right.set_xticks(stages)
    return figure
