"""A run's result as text: the table at the end of `satsim run`."""

from rich.box import SIMPLE_HEAD
from rich.table import Table

from satsim.means import MeanSummary
from satsim.rundir import Run, Summary
from satsim.wording import minutes_text, scheme_label, score_text

TIMES, PLAIN = ("first", "usable", "detail", "final"), ("bytes", "lost")


def result_table(run: Run) -> Table:
    """Return a row for each scheme that showed anything; times as minutes:seconds, an en dash for never."""
    has_dists = run.manifest.usable_dists is not None
    dists = ("DISTS first", "DISTS last") if has_dists else ()
    photos = ("photos usable",) if run.is_mean and has_dists else ()
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column("scheme", no_wrap=True)
    for column in (*TIMES, *dists, *PLAIN, *photos):
        table.add_column(column, justify="right")
    for scheme, summary in run.summary.items():
        if summary.t_first_s is not None:
            cells = _cells(summary, has_dists)
            table.add_row(scheme_label(scheme), *cells, *_photos(summary) if photos else ())
    return table


def notes(run: Run) -> list[str]:
    """Return a line for each scheme that has something to say, and for each photo left out."""
    lines = [f"{scheme_label(name)} – {each.note}" for name, each in run.summary.items() if each.note]
    return lines + [f"left out: {skipped.reason}" for skipped in run.manifest.skipped]


def _cells(summary: Summary, has_dists: bool) -> list[str]:
    times = (summary.t_first_s, summary.t_usable_s, summary.t_detail_s, summary.t_final_s)
    dists = (summary.dists_first, summary.dists_final) if has_dists else ()
    return [
        *(minutes_text(time_s) for time_s in times),
        *(score_text("dists", value) for value in dists),
        f"{summary.bytes:.0f}",
        f"{summary.packets_lost:.4g}",
    ]


def _photos(summary: Summary) -> list[str]:
    return [f"{summary.photos_usable}"] if isinstance(summary, MeanSummary) else []
