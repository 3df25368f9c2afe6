"""The rate-distortion figure: DISTS and LPIPS against bytes, ours beside the classical codecs."""

from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

from matplotlib.axes import Axes

from progic.analyses.drawing import MARKS, OTHERS, OURS, means_line, new_figure, plain
from progic.compare import Rival
from progic.data import check_outside
from progic.errors import InputError
from progic.evaluate import Evaluation
from progic.replacing import replacing

SUFFIXES = (".png", ".svg", ".pdf")


def check_path(path: Path, photos: Path) -> None:
    """Raise InputError for a suffix that cannot be written, a missing folder, or that of the photos."""
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"--figure: found {path.name!r}, allowed suffixes are .png, .svg and .pdf")
    if not path.parent.is_dir():
        raise InputError(f"--figure: {path.parent}: no such folder")
    check_outside("--figure", path, [photos])


def draw(result: Evaluation, rivals: Sequence[Rival], path: Path) -> None:
    """Write the figure; the suffix says the format (.png, .svg, .pdf)."""
    figure = new_figure(10, 4.2)
    for axes, key in zip(figure.subplots(1, 2), ("dists", "lpips"), strict=True):
        _panel(axes, key, result, rivals)
    width, height = result.size
    is_mean = len(result.photos) > 1
    photos = f"mean of {len(result.photos)} photos" if is_mean else "one photo"
    bars = " (bars: its 95 % interval)" if is_mean else ""
    figure.suptitle(f"{result.model} and whole files: {photos} at {width}x{height}{bars}")
    with replacing(path) as partial:
        figure.savefig(partial, dpi=150)


def _panel(axes: Axes, key: str, result: Evaluation, rivals: Sequence[Rival]) -> None:
    ours = [(row.bytes, getattr(row, key)) for row in result.stages]
    means_line(axes, ours, label=result.model, color=OURS, marker="o", markersize=5, linewidth=2.2)
    for rival, color, mark in zip(rivals, cycle(OTHERS), cycle(MARKS), strict=False):
        whole = [row for row in rival.rows if row.fitting == len(result.photos)]
        points = [(row.bytes, getattr(row, key)) for row in whole]
        label = rival.name if whole else f"{rival.name}: too large for some photos at any of these bytes"
        means_line(axes, points, label=label, color=color, marker=mark, markersize=5, linewidth=1.4)
    plain(axes, "bytes a photo", f"{key.upper()} (lower is nearer)")
    axes.set_xlim(left=0)
    axes.legend(frameon=False)
