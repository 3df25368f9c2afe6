"""`bpp` (Fig. 7): which bits per pixel N stages of L bits at downsampling factor f reach, in what steps."""

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from progic import weights
from progic.analyses.drawing import OURS, PUBLISHED, SOFT, new_figure, plain
from progic.analyses.published import BPP, SUPPLEMENT
from progic.analyses.result import Beside, Result, Row
from progic.analyses.study import Study
from progic.bitstream import grid_of, stage_bytes
from progic.config import CodecConfig, bits_per_pixel

FACTORS, BITS = (16, 32, 64), (8, 9, 10)  # f and L that are drawn beside those of the models
RING: dict[str, Any] = {"s": 110, "facecolors": "none", "edgecolors": PUBLISHED, "linewidths": 1.3}
SIZE = (256, 256)  # width, height in pixels of what bytes are said of


def analyse(study: Study) -> Result:
    """List every rate that can be reached; no photo is needed."""
    models = [weights.config_of(name) for name in weights.bundled_models()]
    if study.codec.config not in models:
        models.append(study.codec.config)
    rows = tuple(row for f, bits in _pairs(models) for row in _rows(f, bits, models))
    return Result(
        name="bpp",
        title="Rates that N, L and f reach",
        reference=f"Fig. 7 of {SUPPLEMENT}",
        model=", ".join(model.name for model in models),
        photos=0,
        rows=rows,
        beside=tuple(_beside(*case) for case in BPP),
        notes=(
            "Bits per pixel are N L / f^2 (equation 1 of the supplement): a step of L / f^2 for each stage.",
            "Bytes are those of one 256x256 photo, each stage rounded up to whole bytes.",
        ),
        figure=_draw(rows),
    )


def _pairs(models: Sequence[CodecConfig]) -> list[tuple[int, int]]:
    shown = {(f, bits) for f in FACTORS for bits in BITS}
    return sorted(shown | {(model.downsampling_factor, model.bits_per_index) for model in models})


def _deepest(f: int, bits: int, models: Sequence[CodecConfig]) -> int:
    """Stages that are drawn: what the deepest model there has, else as many as reach 0.2 BPP, at most 16."""
    have = [m.n_stages for m in models if (m.downsampling_factor, m.bits_per_index) == (f, bits)]
    return max(have, default=min(16, max(1, round(0.2 * f**2 / bits))))


def _rows(f: int, bits: int, models: Sequence[CodecConfig]) -> list[Row]:
    rows: list[Row] = []
    for depth in range(1, _deepest(f, bits, models) + 1):
        there = [
            model.name
            for model in models
            if (model.downsampling_factor, model.bits_per_index) == (f, bits) and depth <= model.n_stages
        ]
        rows.append(
            {
                "f": f,
                "L": bits,
                "N": depth,
                "bpp": bits_per_pixel(depth, bits, f),
                "bytes_256x256": depth * stage_bytes(math.prod(grid_of(SIZE, f)), bits),
                "models": " ".join(there),
            }
        )
    return rows


def _beside(n_stages: int, bits: int, f: int, paper: float) -> Beside:
    ours = bits_per_pixel(n_stages, bits, f)
    return Beside(
        f"BPP of N = {n_stages}, L = {bits}, f = {f}",
        f"{ours:.6f}",
        f"{paper:g}",
        "equal to all digits given" if math.isclose(ours, paper, rel_tol=2e-3) else f"{ours - paper:+.6f}",
        f"{SUPPLEMENT}, equation 1, Fig. 7",
    )


def _draw(rows: Sequence[Row]) -> Figure:
    lines = sorted({(int(row["f"] or 0), int(row["L"] or 0)) for row in rows}, reverse=True)
    figure = new_figure(8.6, 0.42 * len(lines) + 1.3)
    axes = figure.subplots()
    for height, (f, bits) in enumerate(lines):
        here = [row for row in rows if (row["f"], row["L"]) == (f, bits)]
        rates = [float(row["bpp"] or 0) for row in here]
        axes.plot(rates, [height] * len(rates), color="#cfcfcf", linewidth=2, zorder=1)
        reached = [bool(row["models"]) for row in here]
        colors, sizes = [OURS if each else SOFT for each in reached], [34 if each else 12 for each in reached]
        axes.scatter(rates, [height] * len(rates), s=sizes, c=colors, zorder=2)
        names = sorted({name for row in here for name in str(row["models"]).split()})
        text = f"step {rates[0]:.4g}" + (f"  {', '.join(names)}" if names else "")
        axes.annotate(
            text, (rates[-1], height), xytext=(9, 0), textcoords="offset points", va="center", fontsize=8,
            color=OURS if names else SOFT,
        )  # fmt: skip
    _mark_published(figure, lines)
    plain(axes, "bits per pixel (each dot is one stage more)", "", "Red and named: models of the package")
    axes.set_xscale("log")
    ticks = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_xlim(right=axes.get_xlim()[1] * 2.6)
    axes.set_yticks(range(len(lines)), [f"f = {f}, L = {bits}" for f, bits in lines])
    return figure


def _mark_published(figure: Figure, lines: Sequence[tuple[int, int]]) -> None:
    axes = figure.axes[0]
    for _, bits, f, rate in BPP:
        height = lines.index((f, bits))
        axes.scatter([rate], [height], zorder=3, **RING)
    axes.scatter([], [], label="published", **RING)
    axes.legend(frameon=False, loc="upper left", fontsize=8)
