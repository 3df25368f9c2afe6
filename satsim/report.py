"""The report of a run: one self-contained page, drawn from its folder and nothing else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from satsim.drafts import drafted
from satsim.errors import RunFolderError
from satsim.inlined import inlined
from satsim.means import MeanSummary
from satsim.page_template import template_of
from satsim.records import TimelineRow
from satsim.report_chart import chart_of
from satsim.rundir import (
    MANIFEST,
    REPORT,
    SCENARIO,
    Run,
    Summary,
    original_file,
    picture_file,
    picture_files,
    read_run,
)
from satsim.spread import Spread
from satsim.timeline import draw_timeline
from satsim.wording import (
    COLOURS,
    METRIC_LABELS,
    cost_text,
    equal_runs_text,
    facts_text,
    minutes_text,
    number_text,
    own_texts,
    rate_text,
    runs_text,
    scheme_label,
    score_text,
    shown_metric,
)


@dataclass(frozen=True)
class Shot:
    """One picture on the page."""

    source: str  # a data address
    time: str
    score: str
    rate: str
    is_usable: bool


@dataclass(frozen=True)
class Part:
    """One scheme on the page."""

    number: int
    label: str
    own: str  # what it does otherwise than the scenario says; "" where that is nothing
    summary: Summary
    shots: tuple[Shot, ...]
    spread: tuple[tuple[str, Spread], ...]  # over all runs, by mark; none for a single run
    cost: str  # of the usable picture, on average over all runs; "" where it is not known


def finish(folder: Path) -> None:
    """Draw the figure and the report of a run folder into it, each file whole or not at all.

    Raises RunFolderError for a folder that is none or lacks a picture, Unwritable for one that is closed.
    """
    run = read_run(folder)
    try:
        with drafted(folder) as draft:
            draw_timeline(run, draft)
            write_report(run, draft)
    except OSError as error:  # of a picture
        raise RunFolderError(f"{folder}: cannot be drawn: {error}") from error


def write_report(run: Run, folder: Path) -> None:
    """Write a run's report.html into `folder`."""
    metrics, metric = run.scenario.metrics, shown_metric(run.scenario.metrics)
    sources = inlined(picture_files(run))
    filters: dict[str, Callable[..., str]] = {
        "minutes": minutes_text,
        "number": number_text,
        "scheme": scheme_label,
        "score": lambda value, metric: score_text(metric, value),
    }
    page = template_of("report.html.jinja", filters).render(
        run=run,
        runs=runs_text(run.scenario, len(run.manifest.photos)),
        equal_runs=equal_runs_text(run.scenario),
        title=_title(run),
        facts=facts_text(run.scenario, run.manifest.seed),
        answer=_answer(run),
        metric=METRIC_LABELS[metric],
        metrics={each: METRIC_LABELS[each] for each in METRIC_LABELS if each in metrics},
        files={name: (run.folder / name).read_text("utf-8") for name in (SCENARIO, MANIFEST)},
        parts=[_part(run, number, scheme, sources) for number, scheme in enumerate(run.summary)],
        original=sources.get(original_file(run.folder)),
        chart=chart_of(run, metric),
        colours=COLOURS,
    )
    (folder / REPORT).write_text(page, encoding="utf-8")


def _title(run: Run) -> str:
    photos = run.manifest.photos
    return f"Mean of {len(photos)} photos" if run.is_mean else photos[0].name


def _answer(run: Run) -> str:
    """Return the run's main result as a sentence; means count where they are of as many photos as any."""
    is_scored = run.manifest.usable_dists is not None
    kind, key, of = ("usable ", "t_usable_s", "photos_usable") if is_scored else ("", "t_first_s", "photos")
    most = max((getattr(each, of, 1) for each in run.summary.values()), default=0)
    compared = {name: each for name, each in run.summary.items() if getattr(each, of, 1) == most}
    when = {name: getattr(each, key) for name, each in compared.items()}
    times = {name: time_s for name, time_s in when.items() if time_s is not None}
    if not times:
        return f"No scheme shows a {kind}picture."
    first_s = min(times.values())
    winners = ", ".join(_named(run, name) for name, time_s in times.items() if time_s == first_s)
    later = [time_s for time_s in times.values() if time_s > first_s]
    rest = f"; the next scheme has one at {minutes_text(min(later))}" if later else ""
    return f"The first {kind}picture: {minutes_text(first_s)}, by {winners}{rest}."


def _named(run: Run, scheme: str) -> str:
    summary, label = run.summary[scheme], scheme_label(scheme)
    if not isinstance(summary, MeanSummary) or run.manifest.usable_dists is None:
        return label
    return f"{label} ({summary.photos_usable} of {len(run.manifest.photos)} photos)"


def _part(run: Run, number: int, scheme: str, sources: Mapping[Path, str]) -> Part:
    rows = [row for row in run.rows_of(scheme) if isinstance(row, TimelineRow)]
    shots = tuple(_shot(run, row, sources[picture_file(run.folder, scheme, row.stages)]) for row in rows)
    own = ", ".join(own_texts(run.scenario, scheme))
    summary, label = run.summary[scheme], scheme_label(scheme)
    return Part(number, label, own, summary, shots, _spread(run, scheme), _cost(run, scheme))


def _cost(run: Run, scheme: str) -> str:
    if scheme in run.spread:
        return cost_text(*run.spread[scheme].mean_cost)
    one = run.summary[scheme]
    return cost_text(one.units_usable, one.price_usable_usd, one.energy_usable_j)


def _spread(run: Run, scheme: str) -> tuple[tuple[str, Spread], ...]:
    if scheme not in run.spread:
        return ()
    each = run.spread[scheme]
    marks = (("usable", each.t_usable_s), ("detail", each.t_detail_s))
    is_scored = run.manifest.usable_dists is not None
    return (("first", each.t_first_s), *(marks if is_scored else ()), ("final", each.t_final_s))


def _shot(run: Run, row: TimelineRow, source: str) -> Shot:
    metric = shown_metric(run.scenario.metrics)
    return Shot(
        source=source,
        time=minutes_text(row.time_s),
        score=f"{METRIC_LABELS[metric]} {score_text(metric, getattr(row, metric))}",
        rate=rate_text(row.bpp),
        is_usable=bool(row.usable),
    )
