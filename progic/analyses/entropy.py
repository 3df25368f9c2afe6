"""`entropy` (Fig. 3): how evenly each codebook's codes are used."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from progic.analyses.drawing import OURS, SOFT, new_figure, plain, published_level
from progic.analyses.published import ENTROPY_BITS_ABOVE, SUPPLEMENT
from progic.analyses.result import Beside, Result, Row
from progic.analyses.study import Study
from progic.evaluate import entropy_bits

INSIDE: dict[str, Any] = {  # a bar's value, under its top
    "xytext": (0, -4),
    "textcoords": "offset points",
    "ha": "center",
    "va": "top",
    "color": "white",
    "fontsize": 8,
}
ENOUGH = 10  # vectors a code, under which the estimate is clearly low


def analyse(study: Study) -> Result:
    """Count the codes of all photos at full size. Raises ImageError for photos that cannot be coded."""
    config = study.codec.config
    counts = np.zeros((config.n_stages, config.n_codes), dtype=np.int64)
    for photo in study.photos(None, "photos coded"):
        for stage, used in enumerate(study.indices(photo)):
            counts[stage] += np.bincount(used, minlength=config.n_codes)
    rows = tuple(_row(stage + 1, each) for stage, each in enumerate(counts))
    vectors = int(counts[0].sum())
    return Result(
        name="entropy",
        title="Entropy and use of each codebook",
        reference=f"Fig. 3 of {SUPPLEMENT}",
        model=config.name,
        photos=len(study.paths),
        rows=rows,
        beside=(_beside(rows, config.bits_per_index),),
        notes=(_enough(vectors, config.n_codes), CORRECTION),
        figure=_draw(rows, config.bits_per_index),
    )


CORRECTION = (
    "Entropy is the plug-in estimate, which is low where vectors are few; beside it with the correction of "
    "Miller and Madow, (codes used - 1) / (2 vectors) nats more, and never over L."
)


def miller_madow_bits(counts: NDArray[np.integer]) -> float:
    """Entropy of counts, bits a symbol, corrected for few samples (Miller 1955); at most L."""
    used, vectors = int((counts > 0).sum()), int(counts.sum())
    corrected = entropy_bits(counts) + (used - 1) / (2 * vectors * math.log(2))
    return min(corrected, math.log2(len(counts)))


def _row(stage: int, counts: NDArray[np.int64]) -> Row:
    return {
        "stage": stage,
        "vectors": int(counts.sum()),
        "used_percent": round(float((counts > 0).mean()) * 100, 3),
        "entropy_bits": round(entropy_bits(counts), 4),
        "entropy_corrected_bits": round(miller_madow_bits(counts), 4),
        "most_used_percent": round(float(counts.max() / counts.sum()) * 100, 3),
    }


def _enough(vectors: int, codes: int) -> str:
    text = f"{vectors} vectors a codebook of {codes} codes: {vectors / codes:.1f} a code."
    if vectors < ENOUGH * codes:
        return f"{text} Under {ENOUGH} a code even the corrected entropy is low: give more photos."
    return text


def _beside(rows: Sequence[Row], bits: int) -> Beside:
    lowest = min(float(row["entropy_corrected_bits"] or 0) for row in rows)
    plain_lowest = min(float(row["entropy_bits"] or 0) for row in rows)
    difference = f"{lowest - ENTROPY_BITS_ABOVE:+.2f} bits" if bits == 10 else f"L is {bits} here, 10 there"
    return Beside(
        f"entropy of the least even codebook, of {bits} bits",
        f"{lowest:.2f} corrected, {plain_lowest:.2f} plug-in",
        f"> {ENTROPY_BITS_ABOVE:.2f} of 10",
        difference,
        f"{SUPPLEMENT}, Fig. 3",
    )


def _draw(rows: Sequence[Row], bits: int) -> Figure:
    stages = [int(row["stage"] or 0) for row in rows]
    values = [float(row["entropy_bits"] or 0) for row in rows]
    corrected = [float(row["entropy_corrected_bits"] or 0) for row in rows]
    low = min([*values, ENTROPY_BITS_ABOVE if bits == 10 else bits])
    figure = new_figure(8.6, 3.6)
    left, right = figure.subplots(1, 2)
    left.bar(stages, values, color=OURS, width=0.6)
    left.scatter(stages, corrected, marker="_", s=420, color="#5f2007", linewidths=2, zorder=3)
    for stage, value, over in zip(stages, values, corrected, strict=True):
        left.annotate(f"{value:.2f}\n({over:.2f})", (stage, value), **INSIDE)
    plain(left, "codebook", f"entropy, bits (of {bits})", "Plug-in; bar across and in brackets: corrected")
    left.set_ylim(math.floor(low * 2 - 1) / 2, bits * 1.002)
    if bits == 10:
        published_level(left, ENTROPY_BITS_ABOVE, "published: every one above 9.80")
    shares = [float(row["used_percent"] or 0) for row in rows]
    right.bar(stages, shares, color=SOFT, width=0.6)
    for stage, share in zip(stages, shares, strict=True):
        right.annotate(f"{share:.1f} %", (stage, share), **INSIDE)
    plain(right, "codebook", "codes that occur, %", "Use")
    right.set_ylim(0, 100)
    for axes in (left, right):
        axes.set_xticks(stages)
    return figure
