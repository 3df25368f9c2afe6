"""How all figures of the analyses look: colours, axes, direct labels, the published value."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from progic.evaluate import Mean

OURS, PUBLISHED, SOFT = "#c1440e", "#6b6b6b", "#777777"
OTHERS = ("#4c6a92", "#5b8c5a", "#8a6fa8", "#a08a3c", "#3b8a8a", "#b0567c", "#55606b")
MARKS = "sD^vPX*"  # one for each of OTHERS
LABEL_GAP = 0.055  # of the axes' height, between two labels


class End(NamedTuple):
    """A curve's last point, for its name."""

    x: float
    y: float
    text: str
    color: str


def new_figure(width_in: float, height_in: float) -> Figure:
    """Return an empty figure."""
    return Figure(figsize=(width_in, height_in), layout="constrained")


def plain(axes: Axes, x: str = "", y: str = "", title: str = "") -> None:
    """Label the axes, and take what says nothing away."""
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.set_title(title, fontsize=10, loc="left")
    axes.grid(alpha=0.25, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def means_line(axes: Axes, points: Sequence[tuple[float, Mean]], **style: object) -> None:
    """Draw means over a rate, with the bars of their intervals."""
    axes.errorbar(
        [at for at, _ in points],
        [mean.mean for _, mean in points],
        [mean.half_interval for _, mean in points],
        capsize=2,
        **style,  # type: ignore[arg-type]
    )


def published_level(axes: Axes, y: float, text: str) -> None:
    """Mark a published value by a line across, with its name over it."""
    axes.axhline(y, color=PUBLISHED, linewidth=1.2, linestyle=(0, (4, 3)))
    axes.annotate(
        text,
        (0.0, y),
        xycoords=("axes fraction", "data"),
        xytext=(4, 3),
        textcoords="offset points",
        color=PUBLISHED,
        fontsize=8,
    )


def label_ends(axes: Axes, ends: Sequence[End]) -> None:
    """Name curves right of their ends; names that would overlap are moved apart.

    Call it last: it reads the limits of the axes.
    """
    ends = [end for end in ends if np.isfinite((end.x, end.y)).all()]
    if not ends:
        return
    order = sorted(range(len(ends)), key=lambda index: ends[index].y)
    to_axes = axes.transData + axes.transAxes.inverted()
    wanted = np.array([to_axes.transform((ends[i].x, ends[i].y))[1] for i in order])
    for index, height in zip(order, spread(wanted, LABEL_GAP), strict=True):
        end = ends[index]
        axes.annotate(
            end.text,
            (end.x, end.y),
            xytext=(1.015, height),
            textcoords="axes fraction",
            color=end.color,
            fontsize=8,
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": end.color, "linewidth": 0.5, "alpha": 0.45},
        )


def spread(heights: NDArray[np.float64], gap: float) -> NDArray[np.float64]:
    """Move rising heights apart until each is `gap` over the one before."""
    moved = heights.astype(float).copy()
    for _ in range(200):
        short = gap - np.diff(moved)
        if (short <= 1e-6).all():
            break
        push = np.clip(short, 0, None) / 2
        moved[:-1] -= push
        moved[1:] += push
    return moved


def hide(axes: Axes) -> None:
    """Leave a picture alone in its axes."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
