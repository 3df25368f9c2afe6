"""The figure of a comparison: mean quality over time, and when each competitor's picture is usable.

Lengths are inches on a page of A4 width; no text is smaller than 6 points.
"""

from pathlib import Path
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from satsim.comparison import Comparison
from satsim.contest import Competitor
from satsim.curve_plot import TEXT_PT, End, Level, axis_label, draw_steps, label_time, name_ends
from satsim.figure_files import write_figure
from satsim.levels import LevelRow
from satsim.standing import Standing
from satsim.wording import percent_text, scheme_colour

NAME = "compare"
PNG = f"{NAME}.png"
PAGE_IN = 7.6  # A4 less margins
LEFT_IN, RIGHT_IN = 0.1, 0.1
HEAD_IN, CURVES_IN, AXIS_IN, TITLES_IN, ROW_IN, FOOT_IN = 0.55, 2.7, 0.42, 0.38, 0.19, 0.42
SCORES_IN = 0.45  # left of the curves
COLUMN_IN = 0.8  # of figures right of the dots
CHAR_IN = 0.054  # the width of a character, about
NAME_CHARS = 41  # of a competitor's name, at most
GREY, LINE = "#666666", "#e4e4e4"


class Column(NamedTuple):
    """Figures right of the dots."""

    title: str
    cells: list[str]


def draw_comparison(found: Comparison, folder: Path) -> None:
    """Draw compare.png and compare.svg into `folder`."""
    write_figure(lambda: figure_of(found), folder, NAME, NAME)


def figure_of(found: Comparison) -> Figure:
    """Return the figure, not yet drawn."""
    names_in = CHAR_IN * max(len(_name(each)) for each in found.contest.competitors) + 0.2
    rows_in = ROW_IN * len(found.standings)
    height = HEAD_IN + CURVES_IN + AXIS_IN + TITLES_IN + rows_in + FOOT_IN
    figure = Figure(figsize=(PAGE_IN, height))
    left, bottom = LEFT_IN + SCORES_IN, height - HEAD_IN - CURVES_IN
    width = PAGE_IN - left - RIGHT_IN
    curves = figure.add_axes((left / PAGE_IN, bottom / height, width / PAGE_IN, CURVES_IN / height))
    curves.set_xlim(0, found.end_s / 60 * width / (width - names_in))
    _draw_curves(curves, found)
    columns = columns_of(found)
    left, width = LEFT_IN + names_in, PAGE_IN - LEFT_IN - names_in - RIGHT_IN - COLUMN_IN * len(columns)
    dots = figure.add_axes((left / PAGE_IN, FOOT_IN / height, width / PAGE_IN, rows_in / height))
    _draw_dots(dots, found)
    _write_names(dots, found, names_in / width)
    _write_columns(dots, columns, width)
    _write_head(figure, found, height)
    return figure


def _name(competitor: Competitor) -> str:
    """Return a competitor's label; of a long one both ends, as schemes come last."""
    label, half = competitor.label, NAME_CHARS // 2
    return label if len(label) <= NAME_CHARS else f"{label[:half].rstrip()}…{label[-half:].lstrip()}"


def _draw_curves(axes: Axes, found: Comparison) -> None:
    ends = []
    for number, (competitor, rows) in enumerate(zip(found.contest.competitors, found.curves, strict=True)):
        shown = [row for row in rows if row.mean is not None and row.share_shown >= 0.5]
        points = [Level(row.time_s, row.mean) for row in shown if row.mean is not None]
        if points:
            draw_steps(axes, number, points, found.end_s)
            _draw_band(axes, number, shown, min(0.15, 0.6 / len(found.curves)))
            ends.append(End(points[-1].value, _name(competitor), scheme_colour(number)))
    axes.margins(y=0.08)
    axes.yaxis.set_major_locator(MaxNLocator(6))
    axes.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10]))
    axes.set_ylabel(axis_label(found.contest.metric), fontsize=TEXT_PT + 0.5)
    label_time(axes, found.end_s)
    axes.tick_params(labelsize=TEXT_PT)
    axes.grid(color=LINE, linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    name_ends(axes, ends, found.end_s, CURVES_IN)


def _draw_band(axes: Axes, number: int, rows: list[LevelRow], alpha: float) -> None:
    """Shade the mean's 95 % interval, where there is one; faintly where many lie on each other."""
    there = [(row.time_s / 60, row.mean, row.mean_ci95) for row in rows]
    bands = [(minutes, mean, ci) for minutes, mean, ci in there if mean is not None and ci is not None]
    axes.fill_between(
        [minutes for minutes, _, _ in bands],
        [max(0.0, mean - ci) for _, mean, ci in bands],  # no score of a picture is below 0
        [mean + ci for _, mean, ci in bands],
        color=scheme_colour(number),
        alpha=alpha,
        linewidth=0,
        step="post",
        zorder=1,
    )


def columns_of(found: Comparison) -> list[Column]:
    """Return the figures right of the dots: how often usable, and how rivals fare against the anchor."""
    metric, standings = found.contest.metric, found.standings
    rivals = [None if place == found.contest.anchor else each for place, each in enumerate(standings)]
    columns = [
        Column("usable\nearlier", [_share(each, "usable_win_rate") for each in rivals]),
        Column("nearer\nat the end", [_share(each, f"{metric}_final_win_rate") for each in rivals]),
        Column("BD-time", [_percent(each) for each in rivals]),
    ]
    if metric == "dists":
        columns.insert(0, Column(f"usable\n{found.sample}", [_usable(each) for each in standings]))
    return [column for column in columns if any(column.cells)]


def _usable(standing: Standing) -> str:
    n_usable = round(standing.spreads["t_usable_s"].share * len(standing.samples))
    return f"{n_usable} of {len(standing.samples)}"


def _share(standing: Standing | None, name: str) -> str:
    share = standing.spreads[name].mean if standing else None
    return "" if share is None else f"{share:.0%}"


def _percent(standing: Standing | None) -> str:
    bd = standing.spreads["bd_time_percent"] if standing else None
    return "" if bd is None or bd.mean is None else percent_text(bd.mean, bd.mean_ci95)


def _draw_dots(axes: Axes, found: Comparison) -> None:
    """Draw each competitor's mean time with its interval, the first at the top."""
    mark, text = (
        ("t_usable_s", "usable picture")
        if found.contest.metric == "dists"
        else ("t_first_s", "first picture")
    )
    for number, standing in enumerate(found.standings):
        spread = standing.spreads[mark]
        axes.axhline(number + 0.5, color=LINE, linewidth=0.5)
        if spread.mean is None:
            axes.text(
                0.01,
                number,
                "never",
                transform=axes.get_yaxis_transform(),
                fontsize=TEXT_PT,
                va="center_baseline",
                color=GREY,
            )
            continue
        error = None if spread.mean_ci95 is None else spread.mean_ci95 / 60
        colour = scheme_colour(number)
        axes.errorbar(
            spread.mean / 60, number, xerr=error, fmt="o", color=colour, markersize=4, capsize=2, linewidth=1
        )
    axes.set_xlim(left=0)
    axes.margins(x=0.08)
    axes.set_ylim(len(found.standings) - 0.5, -0.5)
    axes.set_yticks([])
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.tick_params(labelsize=TEXT_PT)
    axes.set_xlabel(f"minutes to the {text}, of those that have one", fontsize=TEXT_PT)
    axes.grid(axis="x", color=LINE, linewidth=0.5)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _write_names(axes: Axes, found: Comparison, room: float) -> None:
    for number, competitor in enumerate(found.contest.competitors):
        is_anchor = number == found.contest.anchor
        weight = "bold" if is_anchor else "normal"
        where = axes.get_yaxis_transform()
        axes.text(
            -room,
            number,
            _name(competitor),
            transform=where,
            fontsize=TEXT_PT,
            va="center_baseline",
            weight=weight,
        )


def _write_columns(axes: Axes, columns: list[Column], width_in: float) -> None:
    for place, column in enumerate(columns):
        right = 1 + COLUMN_IN * (place + 1) / width_in
        axes.text(
            right,
            -0.65,
            column.title,
            transform=axes.get_yaxis_transform(),
            fontsize=TEXT_PT,
            ha="right",
            va="bottom",
            color=GREY,
        )
        for number, cell in enumerate(column.cells):
            axes.text(
                right,
                number,
                cell,
                transform=axes.get_yaxis_transform(),
                fontsize=TEXT_PT,
                ha="right",
                va="center_baseline",
            )


def _write_head(figure: Figure, found: Comparison, height: float) -> None:
    scenarios = found.contest.scenarios
    title = " and ".join(scenario.name.replace("_", " ") for scenario in scenarios)
    photos = f"{len(found.photos)} photos" if len(found.photos) > 1 else found.photos[0]
    runs = f", each sent {found.runs} times" if found.runs > 1 else ""
    figure.text(
        LEFT_IN / PAGE_IN,
        1 - 0.1 / height,
        f"{title}: {photos}{runs}",
        fontsize=10,
        weight="bold",
        va="top",
    )
    text = ". ".join(_facts(found))
    figure.text(LEFT_IN / PAGE_IN, 1 - 0.28 / height, text, fontsize=TEXT_PT + 0.5, va="top", color=GREY)


def _facts(found: Comparison) -> list[str]:
    """Return how to read the figure."""
    n_samples = len(found.standings[0].samples)
    facts = []
    if n_samples > 1:
        facts.append(f"Lines: mean of the {found.sample} that show a picture, once half do; ± 95 % interval")
    if len(found.standings) > 1:
        anchor = _name(found.contest.competitors[found.contest.anchor])
        facts.append(f"Shares, and BD-time where there is one: against {anchor} (bold), ties half")
    return facts
