"""Quality over elapsed time, one step line a scheme, each named where it ends."""

from collections.abc import Sequence
from math import isfinite
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FixedLocator, MaxNLocator

from satsim.filmstrip import apart
from satsim.rundir import Row, Run
from satsim.settings import Metric
from satsim.spread import SpreadRow
from satsim.wording import (
    COLOURS,
    LOWER_IS_NEARER,
    METRIC_LABELS,
    runs_text,
    scheme_colour,
    scheme_label,
    short_label,
    shown_metric,
    time_unit,
)

TEXT_PT = 6.5
POINTS_PER_IN = 72
LABEL_PT = 8  # from one name to the next, so that they do not touch
MOST_BANDS = 7  # more lie on each other until none can be told
WHISKER_STEP = 0.06  # minutes from one scheme's percentiles to the next one's
MARK_DASH = (0, (5, 3))
HALO = (withStroke(linewidth=2, foreground="white"),)  # round text that curves cross
DASHES = ("solid", (0, (4, 1.5)), (0, (1, 1.2)))  # eight colours, then the same dashed, then dotted


class Level(NamedTuple):
    """A score from a moment on."""

    time_s: float
    value: float


class End(NamedTuple):
    """Where a line ends, and what is written there."""

    value: float
    label: str
    colour: str


def draw_curves(axes: Axes, run: Run, end_s: float, height_in: float) -> None:
    """Draw all schemes on axes in minutes, `height_in` high, with room for the names right of `end_s`."""
    metric = shown_metric(run.scenario.metrics)
    is_crowded = metric == "dists" and len({row.scheme for row in run.spread_rows}) > MOST_BANDS
    ends = []
    for number, scheme in enumerate(run.summary):
        spread_rows = _spread(run, scheme, end_s)
        points = _medians(spread_rows) if is_crowded else _points(run.rows_of(scheme), metric)
        if points:
            draw_steps(axes, number, points, end_s)
            if is_crowded:
                _draw_whiskers(axes, number, [row for row in spread_rows if row.time_s < end_s])
            else:
                _draw_band(axes, number, spread_rows, metric, end_s)
            ends.append(End(points[-1].value, short_label(scheme_label(scheme)), scheme_colour(number)))
    _draw_marks(axes, run, end_s)
    _draw_windows(axes, run, end_s)
    axes.margins(y=0.2 if run.spread_rows else 0.12)  # room for the line of text about the runs
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.set_ylabel(axis_label(metric), fontsize=TEXT_PT + 0.5)
    if run.spread_rows and metric == "dists":
        text = _legend(run, is_crowded)
        axes.text(0.995, 0.97, text, transform=axes.transAxes, fontsize=TEXT_PT, ha="right", va="top")
    axes.tick_params(labelsize=TEXT_PT)
    axes.grid(axis="y", color="#e4e4e4", linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    name_ends(axes, ends, end_s, height_in)


def _legend(run: Run, is_crowded: bool) -> str:
    runs = runs_text(run.scenario, len(run.manifest.photos))
    if is_crowded:
        return f"median and 5th to 95th percentile of those of {runs} that show a picture, once half do"
    lines = "mean of the first runs that show a picture" if run.is_mean else "the run above"
    return f"bands: 5th to 95th percentile of {runs}, once half show one; lines: {lines}"


def _points(rows: Sequence[Row], metric: Metric) -> list[Level]:
    values = [Level(row.time_s, getattr(row, metric)) for row in rows]
    return [point for point in values if point.value is not None and isfinite(point.value)]


def _by_half(rows: Sequence[SpreadRow]) -> list[SpreadRow]:
    return [row for row in rows if row.dists_median is not None and row.share_shown >= 0.5]


def _medians(rows: Sequence[SpreadRow]) -> list[Level]:
    return [Level(row.time_s, row.dists_median or 0.0) for row in _by_half(rows)]


def draw_steps(axes: Axes, number: int, points: Sequence[Level], end_s: float) -> None:
    """Draw a line from the first picture on, above those of later schemes, which often coincide."""
    colour = scheme_colour(number)
    axes.plot(
        [point.time_s / 60 for point in points] + [end_s / 60],
        [point.value for point in points] + [points[-1].value],
        color=colour,
        linestyle=DASHES[number // len(COLOURS) % len(DASHES)],
        linewidth=2.0 if number == 0 else 1.3,
        drawstyle="steps-post",
        zorder=4 - number / 100,
    )
    first = points[0]
    axes.plot(first.time_s / 60, first.value, "o", color=colour, markersize=3.5, zorder=5 - number / 100)


def _spread(run: Run, scheme: str, end_s: float) -> list[SpreadRow]:
    return [row for row in run.spread_rows if row.scheme == scheme and row.time_s <= end_s]


def _draw_band(axes: Axes, number: int, rows: Sequence[SpreadRow], metric: Metric, end_s: float) -> None:
    """Shade the 5th to 95th percentile of all runs, minute by minute, once half show anything."""
    there = [(row.time_s, row.dists_p5 or 0.0, row.dists_p95 or 0.0) for row in _by_half(rows)]
    if metric == "dists" and there:
        there.append((end_s, *there[-1][1:]))  # the last rows tell of the last change
        axes.fill_between(
            [time_s / 60 for time_s, _, _ in there],
            [low for _, low, _ in there],
            [high for _, _, high in there],
            color=scheme_colour(number),
            alpha=0.15,
            linewidth=0.6,  # where the runs agree, too
            step="post",
            zorder=1,
        )


def _draw_whiskers(axes: Axes, number: int, rows: Sequence[SpreadRow]) -> None:
    """Draw the same percentiles as upright lines, each scheme's beside those of the others."""
    there = _by_half(rows)
    axes.vlines(
        [row.time_s / 60 + WHISKER_STEP * (number % 10 + 1) for row in there],
        [row.dists_p5 or 0.0 for row in there],
        [row.dists_p95 or 0.0 for row in there],
        color=scheme_colour(number),
        alpha=0.6,
        linewidth=0.8,
        zorder=2,
    )


def axis_label(metric: Metric) -> str:
    """Return what stands beside an axis of scores."""
    nearer = "lower" if metric in LOWER_IS_NEARER else "higher"
    return f"{METRIC_LABELS[metric]} ({nearer} is nearer)"


def label_time(axes: Axes, end_s: float, note: str = "", size_pt: float = TEXT_PT) -> None:
    """Say what an axis of minutes, whose limits are set, is to be read in; tick it so."""
    unit = time_unit(end_s)
    axes.set_xlabel(f"{unit.name} since the photo was taken{note}", fontsize=size_pt)
    if unit.minutes > 1:
        ticks = MaxNLocator(8, steps=[1, 2, 5, 10]).tick_values(0, axes.get_xlim()[1] / unit.minutes)
        axes.xaxis.set_major_locator(FixedLocator([float(tick) * unit.minutes for tick in ticks]))
        axes.xaxis.set_major_formatter(lambda minutes, _: f"{minutes / unit.minutes:g}")


def _draw_marks(axes: Axes, run: Run, end_s: float) -> None:
    """Draw the usable and the detail threshold across, named at the left, where nothing has arrived yet."""
    if shown_metric(run.scenario.metrics) != "dists":
        return
    for name, value in (("usable", run.manifest.usable_dists), ("detail", run.manifest.detail_dists)):
        if value is None:
            continue
        axes.plot([0, end_s / 60], [value, value], color="#555555", linewidth=0.8, linestyle=MARK_DASH)
        text = f"{name} {value:.3f}"
        axes.annotate(
            text,
            (0, value),
            (2, 2),
            textcoords="offset points",
            fontsize=TEXT_PT,
            color="#333333",
            path_effects=HALO,
            zorder=6,  # above the curves
        )


def _draw_windows(axes: Axes, run: Run, end_s: float) -> None:
    """Shade when the link was not there, between the windows; the figure's legend says so."""
    for from_s, to_s in run.closed(end_s):
        axes.axvspan(from_s / 60, to_s / 60, color="#ececec", linewidth=0, zorder=0)


def name_ends(axes: Axes, ends: Sequence[End], end_s: float, height_in: float) -> None:
    """Write each scheme's name right of its line, moved up or down where two would touch."""
    low, high = axes.get_ylim()
    step = (high - low) / (height_in * POINTS_PER_IN) * LABEL_PT
    ordered = sorted(ends, key=lambda end: end.value)
    heights = apart([end.value for end in ordered], step, low + step / 2, high - step / 2)
    axis_minutes = axes.get_xlim()[1]
    lead = (axis_minutes - end_s / 60) * 0.08
    for end, height in zip(ordered, heights, strict=True):
        axes.plot([end_s / 60, end_s / 60 + lead], [end.value, height], color=end.colour, linewidth=0.6)
        axes.text(end_s / 60 + lead * 1.3, height, end.label, fontsize=TEXT_PT, va="center_baseline")
    axes.set_ylim(low, high)
