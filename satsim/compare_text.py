"""A comparison as text: its table, and who wins in a sentence each."""

from rich.table import Table

from satsim.comparison import Comparison
from satsim.spread import Spread
from satsim.standing import Standing
from satsim.terminal import bare_table
from satsim.wording import METRIC_LABELS, minutes_text, percent_text

MOST_SENTENCES = 12
LEAST_MINUTES_S = 60.0  # a shorter lead is told in seconds
LEAST_TIME_S = 0.5  # less is written as 0:00


def comparison_table(found: Comparison) -> Table:
    """Return a row a competitor; means, with half of their 95 % interval where there is one."""
    metric = found.contest.metric
    label = METRIC_LABELS[metric].partition(" ")[0]
    table = bare_table()
    table.add_column("", overflow="fold")
    marks = ["usable", f"of {len(found.standings[0].samples)}"] if metric == "dists" else ["first"]
    wins = ["earlier"] if metric == "dists" else []
    for column in [*marks, label, *wins, "nearer", "BD-time"]:
        table.add_column(column, justify="right", no_wrap=True)
    for place, standing in enumerate(found.standings):
        rival = None if place == found.contest.anchor else standing
        table.add_row(
            found.contest.competitors[place].label, *_cells(standing, metric), *_against(rival, metric)
        )
    anchor = found.contest.competitors[found.contest.anchor].label
    what = "usable earlier, nearer" if metric == "dists" else "nearer"
    table.caption = f"Against {anchor}: {what} at the end, BD-time; ± is 95 %"
    return table


def sentences(found: Comparison) -> list[str]:
    """Return who is usable earlier, anchor or rival, then who shows nothing, and what BD-time leaves out."""
    names = [competitor.name for competitor in found.contest.competitors]
    anchor = found.contest.anchor
    rivals = [(name, found.standings[place]) for place, name in enumerate(names) if place != anchor]
    has_marks = found.contest.metric == "dists"
    is_averaged = found.runs > 1 and len(found.photos) > 1
    ours, sample = names[anchor], found.sample
    lines = [_sentence(ours, *rival, sample, is_averaged) for rival in rivals] if has_marks else []
    n_more = len(lines) - MOST_SENTENCES
    lines = lines[:MOST_SENTENCES] + ([f"{n_more} more in compare.csv"] if n_more > 0 else [])
    for name, standing in zip(names, found.standings, strict=True):
        for why, number in standing.unsent.items():
            lines.append(f"{name} shows nothing{_on(number, len(found.photos), 'photos')} – {why}")
    for note in dict.fromkeys(standing.bd_note for _, standing in rivals if standing.bd_note):
        whose = ", ".join(name for name, standing in rivals if standing.bd_note == note)
        lines.append(f"no BD-time – {whose}: {note}")
    return lines + [f"left out: {skipped.reason}" for skipped in found.skipped]


def _sentence(anchor: str, rival: str, standing: Standing, sample: str, is_averaged: bool) -> str:
    """Return which of two is usable earlier, by how much, and on how many samples.

    Where a sample is an average of runs, neither may win it and still no run is a tie.
    """
    wins = [figures["usable_win_rate"] for figures in standing.samples]
    n_rival = sum(rate is not None and rate > 0.5 for rate in wins)
    n_anchor = sum(rate is not None and rate < 0.5 for rate in wins)
    if standing.spreads["usable_share"].mean == 0 and n_rival == n_anchor == 0:
        return f"{rival} is never usable, nor is {anchor}{_on(len(wins), len(wins), sample)}"
    lead, total = standing.spreads["usable_earlier_s"], _on(len(wins), len(wins), sample)
    if not n_rival and not n_anchor:
        if not is_averaged:
            return f"{rival} is usable when {anchor} is{total}"
        return f"neither {anchor} nor {rival} is usable earlier in more of the runs{total}"
    if n_rival == n_anchor:
        return f"{anchor} and {rival} are usable earlier{_on(n_rival, len(wins), sample)} each"
    first, second, n_won = (rival, anchor, n_rival) if n_rival > n_anchor else (anchor, rival, n_anchor)
    by = _lead_text(lead, first == rival)
    n_tied = len(wins) - n_rival - n_anchor
    tied = f", {n_tied} tied" if n_tied else ""
    return f"{first} is usable {by}earlier than {second}{_on(n_won, len(wins), sample)}{tied}"


def _on(number: int, total: int, sample: str) -> str:
    return f" on {number} of {total} {sample}" if total > 1 else ""


def _lead_text(lead: Spread, is_rivals: bool) -> str:
    """Return the mean lead over the samples on which both are usable; "" where that is none to speak of."""
    lead_s, ci95_s = (lead.mean or 0.0) * (1 if is_rivals else -1), lead.mean_ci95 or 0.0
    if lead_s < LEAST_TIME_S:
        return ""
    unit_s, unit, digits = (60, "min", 1) if lead_s >= LEAST_MINUTES_S else (1, "s", 0)
    least_s = 0.5 * unit_s / 10**digits  # less is written as 0
    interval = f" ± {ci95_s / unit_s:.{digits}f}" if ci95_s >= least_s else ""
    return f"{lead_s / unit_s:.{digits}f}{interval} {unit} "


def _cells(standing: Standing, metric: str) -> list[str]:
    spreads = standing.spreads
    n_usable = round(spreads["t_usable_s"].share * len(standing.samples))
    usable = [_time(spreads["t_usable_s"]), f"{n_usable}"]
    marks = usable if metric == "dists" else [_time(spreads["t_first_s"])]
    score = _number(spreads[f"{metric}_final"], ".1f" if metric == "psnr_db" else ".3f")
    return [*marks, score]


def _against(rival: Standing | None, metric: str) -> list[str]:
    """Return the win rates and BD-time of a rival; nothing for the anchor itself."""
    names = [*(["usable_win_rate"] if metric == "dists" else []), f"{metric}_final_win_rate"]
    if rival is None:
        return []
    shares = [rival.spreads[name].mean for name in names]
    bd = rival.spreads["bd_time_percent"]
    bd_time = "–" if bd.mean is None else percent_text(bd.mean, bd.mean_ci95)
    return [*("–" if share is None else f"{share:.0%}" for share in shares), bd_time]


def _time(spread: Spread) -> str:
    ci95 = spread.mean_ci95 or 0.0
    interval = f" ± {minutes_text(ci95)}" if ci95 > LEAST_TIME_S else ""
    return f"{minutes_text(spread.mean)}{interval}"


def _number(spread: Spread, form: str) -> str:
    if spread.mean is None:
        return "–"
    interval = f" ± {spread.mean_ci95:{form}}" if spread.mean_ci95 else ""
    return f"{spread.mean:{form}}{interval}"
