"""The figure of a run: every picture at the moment it appears, and quality over time below.

After Fig. 6b of the ProGIC paper (arXiv 2603.02897). Reads a run folder and nothing else. Lengths are inches
on a page of A4 width; no text is smaller than 6 points.
"""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from satsim.curve_plot import draw_curves, label_time
from satsim.figure_files import write_figure
from satsim.filmstrip import Film, film_of
from satsim.pictures import read_picture
from satsim.row_plot import (
    CAPTION_IN,
    GREY,
    NOTE_ROW_IN,
    SMALL_PT,
    SPACE_IN,
    TEXT_PT,
    Band,
    RowPlot,
    label_height_in,
)
from satsim.rundir import FIGURE, Run, original_file
from satsim.wording import METRIC_LABELS, facts_text, shown_metric

PAGE_IN, TALLEST_IN = 7.6, 11.0  # A4 less margins
LEFT_IN, RIGHT_IN = 0.1, 0.1
ORIGINAL_IN = 1.1  # the original and its column
LEGEND_IN = 2.3  # what is written under the original, at most
LABELS_IN = 1.14  # the schemes' column
NAMES_IN = 1.0  # right of the last moment, for the names of the curves
PICTURE_IN = 0.95  # at most
HEAD_IN, FOOT_IN, CURVES_IN, MEAN_CURVES_IN = 0.6, 0.4, 1.75, 3.2
BETWEEN_IN = 0.14  # rows and curves

Box = tuple[float, float, float, float]  # left, bottom, width, height


def draw_timeline(run: Run, folder: Path) -> None:
    """Draw timeline.png and timeline.svg into `folder`; for a folder of photos the mean curves only."""
    write_figure(lambda: figure_of(run), folder, FIGURE, run.scenario.name)


def figure_of(run: Run) -> Figure:
    """Return the figure, not yet drawn."""
    return _mean_figure(run) if run.is_mean else _film_figure(run)


def _film_figure(run: Run) -> Figure:
    left = LEFT_IN + ORIGINAL_IN + 0.14 + LABELS_IN
    width = PAGE_IN - left - RIGHT_IN
    film = film_of(run, width, NAMES_IN, _widest_picture(run))
    bands = _bands(run, film, width)
    rows_in = bands[0].top
    column_in = _original_size(run)[1] + LEGEND_IN
    height = HEAD_IN + max(rows_in + BETWEEN_IN + CURVES_IN + FOOT_IN, column_in)
    figure = Figure(figsize=(PAGE_IN, height))
    rows_bottom = height - HEAD_IN - rows_in
    rows = figure.add_axes(_box((left, rows_bottom, width, rows_in), height))
    curves_bottom = rows_bottom - BETWEEN_IN - CURVES_IN
    curves = figure.add_axes(_box((left, curves_bottom, width, CURVES_IN), height), sharex=rows)
    curves.set_xlim(0, width * film.seconds_per_in / 60)
    draw_curves(curves, run, film.end_s, CURVES_IN)
    plot = RowPlot(rows, run, film, width, LABELS_IN)
    for number, band in enumerate(bands):
        plot.draw(band, number)
    _finish_rows(rows, curves, rows_in, width * film.seconds_per_in / 60)
    _draw_original(figure, run, film, height)
    _write_head(figure, run, run.manifest.photos[0].name, height)
    return figure


def _mean_figure(run: Run) -> Figure:
    height = HEAD_IN + MEAN_CURVES_IN + FOOT_IN
    left = LEFT_IN + 0.45
    width = PAGE_IN - left - RIGHT_IN
    end_s = max((row.time_s for row in run.timeline), default=run.scenario.link.interval_s)
    figure = Figure(figsize=(PAGE_IN, height))
    curves = figure.add_axes(_box((left, FOOT_IN, width, MEAN_CURVES_IN), height))
    curves.set_xlim(0, end_s / 60 * width / (width - NAMES_IN))
    draw_curves(curves, run, end_s, MEAN_CURVES_IN)
    shaded = "; grey: there is no link" if run.windows else ""
    label_time(curves, end_s, shaded)
    _write_head(figure, run, f"Mean of {len(run.manifest.photos)} photos", height)
    return figure


def _box(inches: Box, height: float) -> Box:
    """Return a box in inches as parts of a page of `height`."""
    return inches[0] / PAGE_IN, inches[1] / height, inches[2] / PAGE_IN, inches[3] / height


def _aspect(run: Run) -> float:
    width, height = run.scenario.image.original_size
    return height / width


def _original_size(run: Run) -> tuple[float, float]:
    """Return the original's width and height in its column; a tall one is narrower than the column."""
    wide = min(ORIGINAL_IN, 2 * ORIGINAL_IN / _aspect(run))
    return wide, wide * _aspect(run)


def _widest_picture(run: Run) -> float:
    """Return the width of pictures at which all rows fit on a page."""
    rows_in = TALLEST_IN - HEAD_IN - BETWEEN_IN - CURVES_IN - FOOT_IN
    return min(PICTURE_IN, (rows_in / len(run.summary) - CAPTION_IN - SPACE_IN) / _aspect(run))


def _bands(run: Run, film: Film, width_in: float) -> list[Band]:
    """Stack the strips, the first at the top; one with nothing to show is a line of text high."""
    full_in = film.picture_in * _aspect(run) + CAPTION_IN + SPACE_IN
    heights = [
        max(full_in if strip.gaps else NOTE_ROW_IN, label_height_in(run, film, strip, width_in))
        for strip in film.strips
    ]
    tops = [sum(heights[number:]) for number in range(len(heights))]
    stacked = zip(film.strips, tops, heights, strict=True)
    return [Band(strip, top, top - height) for strip, top, height in stacked]


def _finish_rows(rows: Axes, curves: Axes, rows_in: float, end_minutes: float) -> None:
    """Set the limits, which pictures have moved, and lead the eye from each minute up through the rows."""
    rows.set_xlim(0, end_minutes)
    rows.set_ylim(0, rows_in)
    rows.grid(axis="x", color="#eeeeee", linewidth=0.6, zorder=0)
    rows.set_axisbelow(True)
    rows.spines[:].set_visible(False)
    rows.tick_params(left=False, labelleft=False, bottom=False, labelbottom=False, labeltop=True)
    rows.tick_params(axis="x", length=0, pad=1, labelsize=SMALL_PT, labelcolor=GREY)
    curves.grid(axis="x", color="#eeeeee", linewidth=0.6)
    label_time(curves, end_minutes * 60)


def _draw_original(figure: Figure, run: Run, film: Film, height: float) -> None:
    """Draw the original in the left column, and how to read the rows under it."""
    wide, high = _original_size(run)
    top = height - HEAD_IN - SPACE_IN
    axes = figure.add_axes(_box((LEFT_IN, top - high, wide, high), height))
    axes.imshow(read_picture(original_file(run.folder)), aspect="auto")
    axes.set_axis_off()
    width_px, height_px = run.scenario.image.original_size
    text = f"original, {width_px}x{height_px}"
    figure.text(LEFT_IN / PAGE_IN, (top - high - 0.05) / height, text, fontsize=TEXT_PT, va="top")
    legend = "\n".join(_legend(run, film))
    where = (LEFT_IN / PAGE_IN, (top - high - 0.28) / height)
    figure.text(*where, legend, fontsize=SMALL_PT, va="top", color=GREY, linespacing=1.35)


def _legend(run: Run, film: Film) -> list[str]:
    metric = METRIC_LABELS[shown_metric(run.scenario.metrics)]
    lines = ["A picture's left edge", "is when it appears."]
    if film.is_dense:
        lines = ["The line to a picture", "begins when it appears."]
    lines += ["", f"Below it: {metric},", "bits per pixel."]
    if run.manifest.usable_dists is not None:
        lines += ["", "Dark frame: usable,", f"DISTS ≤ {run.manifest.usable_dists:.3f}."]
    empty = "Stroke" if film.is_dense else "Dashed"
    lines += ["", f"{empty}: a slot that", "brings no new picture."]
    if any(event.event == "lost" for event in run.events):
        lines += ["×: its packet was lost."]
    if run.windows:
        lines += ["", "Grey: there is no link."]
    return lines


def _write_head(figure: Figure, run: Run, title: str, height: float) -> None:
    x = LEFT_IN / PAGE_IN
    figure.text(x, 1 - 0.1 / height, title, fontsize=10, weight="bold", va="top")
    facts = facts_text(run.scenario, run.manifest.seed)
    figure.text(x, 1 - 0.28 / height, facts, fontsize=TEXT_PT + 0.5, va="top", color=GREY)
