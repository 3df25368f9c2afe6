"""Runs, sweeps and services as text: the tables and lines that their commands print."""

from collections.abc import Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from satsim.grid import Axis
from satsim.loss_settings import IndependentLoss
from satsim.means import MeanSummary
from satsim.presets import Fact, Preset
from satsim.rundir import Run, Summary
from satsim.settings import Scenario
from satsim.wording import (
    cost_text,
    equal_runs_text,
    minutes_text,
    runs_text,
    scheme_label,
    score_text,
    search_text,
)

MOST_SWEEP_ROWS = 60
MEANS = "Means are over the photos that have the value; photos: how many are"


def bare_table() -> Table:
    """Return a table without columns yet, and with no lines but the one under its head."""
    return Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)


def result_table(run: Run) -> Table:
    """Return a row for each scheme that showed anything; times as minutes:seconds, an en dash for never."""
    has_dists = run.manifest.usable_dists is not None
    marks, scores = (["usable", "detail"], ["DISTS"]) if has_dists else ([], [])
    columns = ["first", *marks, "final", *scores, "bytes", "lost"]
    table = bare_table()
    table.add_column("scheme", overflow="fold")
    for column in [*columns, "photos"] if run.is_mean else columns:
        table.add_column(column, justify="right", no_wrap=True)
    for scheme, summary in run.summary.items():
        if summary.t_first_s is not None:
            table.add_row(scheme_label(scheme), *_cells(summary, has_dists))
    if run.spread:
        table.caption = "of each photo's first run" if run.is_mean else "of the first run"
    return table


def presets_table(presets: Mapping[str, Preset]) -> Table:
    """Return a row for each service; an en dash where nothing is published, * for what is unverified."""
    table = bare_table()
    table.add_column("preset", no_wrap=True)
    for column in ("bytes up", "interval s", "latency s"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("service")
    for name, each in presets.items():
        known = (each.payload_up_bytes, each.interval_s, each.latency_s)
        ended = "" if each.status == "in service" else f" ({each.status})"
        table.add_row(name, *(_fact_cell(fact) for fact in known), each.title + ended)
    table.caption = "–: not published; *: unverified. `satsim links NAME` shows each value's source."
    return table


def _fact_cell(fact: Fact | None) -> str:
    if fact is None:
        return "–"
    return "in words" if isinstance(fact.value, str) else f"{fact}{'*' if fact.unverified else ''}"


def preset_lines(preset: Preset) -> list[str]:
    """Return all that is known of a service, each value's source below it, not broken in two."""
    facts = preset.facts()
    width = max(map(len, facts))
    lines = [preset.title, "", f"{'status':{width}}  {preset.status}"]
    for name, fact in facts.items():
        source = "unverified" if fact.unverified else f"{fact.source} (read {fact.read})"
        lines += [f"{name:{width}}  {fact}", f"{'':{width}}  {source}"]
    return [*lines, *(["", preset.note] if preset.note else [])]


def sweep_table(axes: Sequence[Axis], rows: Sequence[Mapping[str, object]]) -> Table:
    """Return a row a point and scheme, the first `MOST_SWEEP_ROWS`; of many runs the medians."""
    is_many = any("t_first_s_median" in row for row in rows)
    table = bare_table()
    for axis in axes:
        table.add_column(axis.key.rpartition(".")[2], overflow="fold")
    table.add_column("scheme", no_wrap=True)
    for column in ["first", "usable", "final", "DISTS", *(["never"] if is_many else [])]:
        table.add_column(column, justify="right", no_wrap=True)
    for row in rows[:MOST_SWEEP_ROWS]:
        keys = [f"{row[axis.key]}".replace('"', "") for axis in axes]
        table.add_row(*keys, scheme_label(str(row["scheme"])), *_sweep_cells(row, is_many))
    n_more = len(rows) - MOST_SWEEP_ROWS
    legend = ["times are medians; never: runs without a usable picture"] if is_many else []
    table.caption = "; ".join(legend + ([f"{n_more} more in the files"] if n_more > 0 else []))
    return table


def _sweep_cells(row: Mapping[str, object], is_many: bool) -> list[str]:
    """Return a row's times, DISTS and, beside rows of many runs, the share without a usable picture."""
    is_of_many = row.get("t_first_s_share") is not None
    median, mean = ("_median", "_mean") if is_of_many else ("", "")
    times = [_number(row.get(f"t_{mark}_s{median}")) for mark in ("first", "usable", "final")]
    dists, share = _number(row.get(f"dists_final{mean}")), _number(row.get("t_usable_s_share"))
    never = ["–" if share is None else f"{1 - share:.1%}"] if is_many else []
    return [*map(minutes_text, times), score_text("dists", dists), *never]


def _number(cell: object) -> float | None:
    return cell if isinstance(cell, int | float) else None


def notes(run: Run) -> list[str]:
    """Return a line for each scheme that has something to say, and for each file left out."""
    lines = [f"{scheme_label(name)} – {each.note}" for name, each in run.summary.items() if each.note]
    for name, each in run.summary.items():
        cost = cost_text(each.units_usable, each.price_usable_usd, each.energy_usable_j)
        lines += [f"{scheme_label(name)} – usable for {cost}"] if cost else []
    lines += [*_gflop_lines(run), *_assumed(run.scenario)]
    counted = "shown" if run.manifest.usable_dists is None else "usable, of those shown"
    lines += [f"{MEANS} {counted}."] if run.is_mean else []
    lines += [spread_text(run, scheme) for scheme in run.spread]
    lines += [said] if (said := equal_runs_text(run.scenario)) else []
    return lines + [f"left out: {skipped.reason}" for skipped in run.manifest.skipped]


def _gflop_lines(run: Run) -> list[str]:
    """Return what each scheme's codec takes, where they differ."""
    taken = {name: each.gflop for name, each in run.summary.items() if each.gflop}
    if len(set(taken.values())) < 2:
        return []
    return [f"{scheme_label(name)} – {gflop:.1f} GFLOP to encode and decode" for name, gflop in taken.items()]


def _assumed(scenario: Scenario) -> list[str]:
    """Return what one may not expect: how long a search was said to take, and a service that never fails."""
    lines = []
    for scheme in scenario.schemes:
        search, sender = scenario.search_of(scheme), scenario.sender_of(scheme)
        if scheme.codec == "progic" and search.steps and sender.encode_s is not None:
            has_own = search.stagewise or sender.refine_s is not None
            key, counted_s = ("refine_s", sender.refine_s or 0) if has_own else ("encode_s", sender.encode_s)
            why = f"by its sender's {key}" if getattr(sender, key) is not None else f"its sender has no {key}"
            took = f"{search_text(search)} counted as {counted_s:g} s, {why}"
            lines.append(f"{scheme_label(scheme.name)} – {took}")
    link = scenario.link
    if link.preset and link.loss == IndependentLoss() and link.windows is None:
        lines.append(f"{link.preset} – no message is lost and there are no windows: the scenario gives none")
    return lines


def spread_text(run: Run, scheme: str) -> str:
    """Return when a scheme's first usable picture comes over all runs; its first, where none is scored."""
    spread, mark = run.spread[scheme].t_usable_s, "usable"
    if spread is None or run.manifest.usable_dists is None:
        spread, mark = run.spread[scheme].t_first_s, "first"
    never = f"never in {1 - spread.share:.1%} of {runs_text(run.scenario, len(run.manifest.photos))}"
    if spread.median is None:
        return f"{scheme_label(scheme)} – {mark}: {never}"
    times = [minutes_text(time_s) for time_s in (spread.median, spread.p5, spread.p95)]
    cost = cost_text(*run.spread[scheme].mean_cost)
    last = f"{never}, for {cost} on average" if cost else never
    return f"{scheme_label(scheme)} – {mark}: median {times[0]}, 5 to 95 % {times[1]} to {times[2]}, {last}"


def _photos(summary: MeanSummary) -> str:
    usable = summary.photos_usable
    return f"{summary.photos}" if usable is None else f"{usable} of {summary.photos}"


def _cells(summary: Summary, has_dists: bool) -> list[str]:
    marks = (summary.t_usable_s, summary.t_detail_s) if has_dists else ()
    first, last = score_text("dists", summary.dists_first), score_text("dists", summary.dists_final)
    photos = [_photos(summary)] if isinstance(summary, MeanSummary) else []
    return [
        *(minutes_text(time_s) for time_s in (summary.t_first_s, *marks, summary.t_final_s)),
        *([f"{first}–{last}"] if has_dists else []),
        f"{summary.bytes:.0f}",
        f"{round(summary.packets_lost, 1):g}",
        *photos,
    ]
