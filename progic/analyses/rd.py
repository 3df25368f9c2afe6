"""`rd` (Fig. 8): DISTS, LPIPS of two nets, PSNR and MS-SSIM against bits per pixel, ours beside others."""

from collections.abc import Sequence
from itertools import cycle
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from progic.analyses import clip_iqa
from progic.analyses.curves import Curve, our_curve, their_curves
from progic.analyses.drawing import MARKS, OTHERS, OURS, End, label_ends, means_line, new_figure, plain
from progic.analyses.published import CURVES, SUPPLEMENT
from progic.analyses.result import Beside, Result, Row
from progic.analyses.study import Study

PANELS = (
    ("dists", "DISTS (lower is nearer)"),
    ("lpips", "LPIPS (lower is nearer)"),
    ("lpips_alex", "LPIPS with AlexNet (lower is nearer)"),
    ("psnr_db", "PSNR, dB (higher is nearer)"),
    ("ms_ssim", "MS-SSIM (higher is nearer)"),
)
CITED: dict[str, Any] = {"linewidth": 1, "linestyle": (0, (4, 3)), "markersize": 5, "markerfacecolor": "none"}
ABOVE = (
    "Above: photos scaled and cropped to {}. Classical codecs are whole files in the bytes of 1..N of our "
    "stages, of three scales the one with the lowest DISTS; a point needs every photo to fit."
)
WITNESS = "LPIPS with AlexNet is a witness: no model was trained with it, and no search for codes follows it."
BELOW = (
    "Below: our model on the photos at full size beside published means over Kodak at full size (open "
    "circles), whose LPIPS is AlexNet's, and whose DISTS may be another implementation: up to 20 % apart."
)


def analyse(study: Study) -> Result:
    """Score ours at the set size and at full size, and classical codecs at the set size."""
    size = study.settings.size
    ours, full, theirs = our_curve(study, size), our_curve(study, None), their_curves(study, size)
    width, height = size
    at = f"{width}x{height}"
    clip, clip_note = clip_iqa.measure(study)
    return Result(
        name="rd",
        title="Rate and distortion",
        reference=f"Fig. 8 of {SUPPLEMENT}",
        model=ours.title,
        photos=len(study.paths),
        rows=_rows(ours, at, clip) + _rows(full, "full") + sum((_rows(one, at) for one in theirs), ())
        + _published_rows(),
        beside=tuple(_beside(full, name) for name in ("ms-illm", "vtm")),
        notes=(ABOVE.format(at), WITNESS, BELOW, clip_note),
        figure=_draw(ours, full, theirs, at),
    )  # fmt: skip


def _rows(curve: Curve, at: str, clip: Sequence[float] = ()) -> tuple[Row, ...]:
    return tuple(
        {
            "codec": curve.title,
            "kind": "measured",
            "size": at,
            "bpp": round(point.bpp, 6),
            **{name: round(getattr(point, name).mean, 4) for name, _ in PANELS},
            "dists_half_interval": round(point.dists.half_interval, 4),
            "clip_iqa": round(clip[depth], 4) if clip else None,
            "source": "",
        }
        for depth, point in enumerate(curve.points)
    )


def _published_rows() -> tuple[Row, ...]:
    return tuple(
        {
            "codec": curve.title,
            "kind": "published",
            "size": "Kodak, full",
            "bpp": point.bpp,
            "dists": point.dists,
            "lpips": None,
            "lpips_alex": point.lpips_alex,
            "psnr_db": None,
            "ms_ssim": None,
            "dists_half_interval": None,
            "clip_iqa": None,
            "source": curve.source,
        }
        for curve in CURVES.values()
        for point in curve.points
    )


def _beside(full: Curve, name: str) -> Beside:
    """Ours at the rate nearest to a published point."""
    published = CURVES[name]
    pairs = [(mine, theirs) for mine in full.points for theirs in published.points]
    mine, theirs = min(pairs, key=lambda pair: abs(pair[0].bpp - pair[1].bpp))
    return Beside(
        f"DISTS at {mine.bpp:.3f} BPP, full size, against {published.title}",
        f"{mine.dists.mean:.3f}",
        f"{theirs.dists:.3f} at {theirs.bpp:.3f} BPP",
        f"{mine.dists.mean - theirs.dists:+.3f}",
        published.source,
    )


def _draw(ours: Curve, full: Curve, theirs: Sequence[Curve], at: str) -> Figure:
    figure = new_figure(16.5, 10.2)
    grid = figure.subplots(3, 3)
    for spare in (grid[1, 2], grid[2, 2]):
        spare.set_axis_off()
    for axes, (metric, text) in zip(grid.flat, PANELS, strict=False):
        plain(axes, "bits per pixel", text, f"measured at {at}")
        _panel(axes, metric, ours, theirs)
    for axes, (metric, text) in zip(grid[2], (PANELS[0], PANELS[2]), strict=False):
        plain(axes, "bits per pixel", text, "full size; open circles: published, Kodak")
        _published_panel(axes, metric, full)
    return figure


def _panel(axes: Axes, metric: str, ours: Curve, theirs: Sequence[Curve]) -> None:
    ends = [_line(axes, ours, metric, OURS, "o", 2.2)]
    for curve, color, mark in zip(theirs, cycle(OTHERS), cycle(MARKS), strict=False):
        if curve.points:
            ends.append(_line(axes, curve, metric, color, mark, 1.3))
    axes.set_xlim(left=0)
    label_ends(axes, ends)


def _line(axes: Axes, curve: Curve, metric: str, color: str, mark: str, width: float) -> End:
    points = [(point.bpp, getattr(point, metric)) for point in curve.points]
    means_line(axes, points, color=color, marker=mark, markersize=4, linewidth=width, elinewidth=0.7)
    return End(points[-1][0], points[-1][1].mean, curve.title, color)


def _published_panel(axes: Axes, metric: str, full: Curve) -> None:
    ends = [_line(axes, full, metric, OURS, "o", 2.2)]
    last = max(point.bpp for point in full.points)
    for curve, color in zip(CURVES.values(), cycle(OTHERS), strict=False):
        shown = [point for point in curve.points if point.bpp <= 1.3 * last]
        if shown:
            rates, values = [point.bpp for point in shown], [getattr(point, metric) for point in shown]
            axes.plot(rates, values, color=color, marker="o", **CITED)
            ends.append(End(rates[-1], values[-1], curve.title, color))
    axes.set_xlim(left=0)
    label_ends(axes, ends)
