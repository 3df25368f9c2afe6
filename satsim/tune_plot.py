"""The figure of a tune: DISTS over time, all candidates in grey, the Pareto front and the answers on top."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import fill

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from satsim.curve_plot import HALO, label_time
from satsim.figure_files import write_figure
from satsim.tune import Tuning
from satsim.tune_answers import TITLES, Answer, FrontPoint, name_of
from satsim.wording import COLOURS, loss_text

NAME = "tune"
PNG = f"{NAME}.png"
TEXT_PT = 7.0
PAGE_IN = (7.6, 4.6)
LEGEND_CHARS = 40  # of a line, as wide as the page has room for
GREY = "#b5b5b5"
MARKERS = ("o", "s", "^")
MOST_NAMED = 8  # of the front's candidates
MOST_SHOWN = 1.5  # times the usable DISTS: no picture counts as 1, and would press all else flat


def draw_tune(target: Path, tuning: Tuning, answers: Sequence[Answer], front: Sequence[FrontPoint]) -> None:
    """Draw tune.png and tune.svg into `target`."""
    write_figure(lambda: figure_of(tuning, answers, front), target, NAME, tuning.scenario.name)


def figure_of(tuning: Tuning, answers: Sequence[Answer], front: Sequence[FrontPoint]) -> Figure:
    """Return the figure, not yet drawn."""
    figure = Figure(figsize=PAGE_IN)
    axes = figure.add_axes((0.075, 0.1, 0.62, 0.77))
    end_s = tuning.limits.deadline_s
    axes.set_xlim(0, end_s / 60 * 1.02)
    _draw_all(axes, tuning)
    _draw_front(axes, front, end_s)
    _draw_marks(axes, tuning)
    most = MOST_SHOWN * next(iter(tuning.rows.values()))["usable_dists"]
    _draw_answers(axes, tuning, answers, most)
    axes.set_ylim(top=min(axes.get_ylim()[1], most))
    label_time(axes, end_s, size_pt=TEXT_PT)
    axes.set_ylabel("DISTS (lower is nearer)", fontsize=TEXT_PT)
    axes.tick_params(labelsize=TEXT_PT)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(
        fontsize=TEXT_PT - 0.5, loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, labelspacing=0.9
    )
    _write_head(figure, tuning)
    return figure


def _draw_all(axes: Axes, tuning: Tuning) -> None:
    label = f"all {len(tuning.rows)} candidates"
    for row in tuning.rows.values():
        times = [time_s / 60 for time_s, _ in row["curve"]]
        axes.plot(
            times,
            [dists for _, dists in row["curve"]],
            ".-",
            color=GREY,
            ms=2.5,
            lw=0.5,
            label=label,
            drawstyle="steps-post",
            zorder=1,
        )
        label = "_"


def _draw_front(axes: Axes, front: Sequence[FrontPoint], end_s: float) -> None:
    """Draw the front as steps, and its points in a colour for each model and size."""
    times = [point.time_s / 60 for point in front] + [end_s / 60]
    dists = [point.dists for point in front] + [front[-1].dists] if front else []
    if front:
        axes.plot(
            times, dists, color="#222222", lw=1.2, drawstyle="steps-post", label="Pareto front", zorder=3
        )
    groups = list(dict.fromkeys(point.candidate.group for point in front))
    for number, group in enumerate(groups):
        own = [point for point in front if point.candidate.group == group]
        model, (width, height) = group
        axes.plot(
            [point.time_s / 60 for point in own],
            [point.dists for point in own],
            "o",
            color=COLOURS[number % len(COLOURS)],
            ms=5,
            label=f"{model.title} at {width}x{height}" if number < MOST_NAMED else "_",
            zorder=4,
        )


def _draw_marks(axes: Axes, tuning: Tuning) -> None:
    some = next(iter(tuning.rows.values()))
    for name in ("usable", "detail"):
        value = some[f"{name}_dists"]
        axes.axhline(value, color="#555555", lw=0.8, ls=(0, (5, 3)), zorder=2)
        place = (axes.get_xlim()[1], value)
        text = f"{name} {value:.3f}"
        axes.annotate(
            text,
            place,
            (-2, 2),
            textcoords="offset points",
            fontsize=TEXT_PT - 0.5,
            ha="right",
            path_effects=HALO,
            zorder=6,  # above the curves
        )


def _draw_answers(axes: Axes, tuning: Tuning, answers: Sequence[Answer], most: float) -> None:
    for answer, marker in zip(answers, MARKERS, strict=True):
        if answer.candidate is None:
            continue
        row = tuning.rows[answer.candidate]
        time_s = tuning.limits.deadline_s if answer.goal == "deadline" else row["t_usable_s"]
        dists = _shown_at(row["curve"], time_s, most)
        size = {"o": 13.0, "s": 10.0, "^": 17.0}[marker]
        label = f"{TITLES[answer.goal]}:\n{fill(name_of(answer.candidate), LEGEND_CHARS)}"
        axes.plot(
            time_s / 60,
            dists,
            marker,
            mfc="none",
            mec="#d55e00",
            mew=1.3,
            ms=size,
            ls="none",
            label=label,
            zorder=5,
        )


def _shown_at(curve: Sequence[tuple[float, float]], time_s: float, most: float) -> float:
    """Return where a curve stands by then; above `most`, so not to be seen yet, where it is seen first."""
    standing = [value for at_s, value in curve if at_s <= time_s][-1:]
    later = [value for at_s, value in curve if at_s > time_s]
    return next((value for value in (*standing, *later) if value <= most), most)


def _write_head(figure: Figure, tuning: Tuning) -> None:
    link = tuning.scenario.link
    photos = tuning.photo_names[0] if len(tuning.photos) == 1 else f"Mean of {len(tuning.photos)} photos"
    width, height = tuning.scenario.image.original_size
    runs = f", mean of {tuning.scenario.runs} runs" if tuning.scenario.runs > 1 else ""
    facts = (
        f"{link.payload_bytes}-byte messages, one every {link.interval_s:g} s, {loss_text(link.loss)}{runs};"
        f" shown and scored at {width}x{height}"
    )
    figure.text(0.015, 0.975, f"What to send: {photos}", fontsize=10, weight="bold", va="top")
    figure.text(0.015, 0.925, facts, fontsize=TEXT_PT, va="top", color="#555555")
