"""A comparison as text: its table, and who wins in a sentence each."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from satsim.comparison import Comparison
from satsim.spread import Spread
from satsim.standing import Standing
from satsim.wording import METRIC_LABELS, minutes_text, score_text

MOST_SENTENCES = 12


def comparison_table(found: Comparison) -> Table:
    """Return a row a competitor; means, with half of their 95 % interval where there is one."""
    metric = found.contest.metric
    has_marks = metric == "dists"
    label = METRIC_LABELS[metric].partition(" ")[0]
    marks = ["usable", f"of {len(found.standings[0].samples)} {found.sample}", "detail"] if has_marks else []
    columns = ["first", *marks, "final", f"{label} at the end", "bytes"]
    columns += ["wins usable"] if has_marks else []
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column("", no_wrap=True)
    for column in [*columns, f"wins {label}", "BD-rate", "BD-time"]:
        table.add_column(column, justify="right")
    for place, standing in enumerate(found.standings):
        name = found.contest.competitors[place].label
        rival = place != found.contest.anchor
        table.add_row(
            name, *_cells(standing, metric, has_marks), *_against(standing, metric, has_marks, rival)
        )
    anchor = found.contest.competitors[found.contest.anchor].label
    table.caption = f"wins, BD-rate and BD-time are against {anchor}; below 0 % is less"
    return table


def sentences(found: Comparison) -> list[str]:
    """Return who is usable earlier, the anchor or each rival; then what BD-rate and BD-time leave out."""
    names = [competitor.name for competitor in found.contest.competitors]
    anchor = found.contest.anchor
    rivals = [place for place in range(len(names)) if place != anchor]
    lines = []
    if found.contest.metric == "dists":
        lines = [
            _sentence(names[anchor], names[place], found.standings[place], found.sample) for place in rivals
        ]
    shown = lines[:MOST_SENTENCES]
    if len(lines) > MOST_SENTENCES:
        shown.append(f"{len(lines) - MOST_SENTENCES} more stand in compare.csv")
    notes = {place: found.standings[place].bd_note for place in rivals}
    shown += [f"{names[place]} – BD-rate, BD-time: {note}" for place, note in notes.items() if note]
    return shown + [f"left out: {skipped.reason}" for skipped in found.skipped]


def _sentence(anchor: str, rival: str, standing: Standing, sample: str) -> str:
    """Return which of two is usable earlier, by how much, and on how many samples."""
    wins = [figures["usable_win_rate"] for figures in standing.samples]
    n_rival = sum(rate is not None and rate > 0.5 for rate in wins)
    n_anchor = sum(rate is not None and rate < 0.5 for rate in wins)
    if not n_rival and not n_anchor:
        return f"{rival} is usable when {anchor} is, on all {len(wins)} {sample}"
    first, second, n_won = (rival, anchor, n_rival) if n_rival > n_anchor else (anchor, rival, n_anchor)
    lead = standing.spreads["usable_earlier_s"]
    by = _lead_text(lead, first == rival)
    ties = len(wins) - n_rival - n_anchor
    tied = f", {ties} tied" if ties else ""
    return f"{first} is usable {by}earlier than {second} on {n_won} of {len(wins)} {sample}{tied}"


def _lead_text(lead: Spread, is_rivals: bool) -> str:
    """Return the mean lead over the samples on which both are usable; "" where there is none."""
    if lead.mean is None:
        return ""
    minutes = (lead.mean if is_rivals else -lead.mean) / 60
    interval = "" if not lead.mean_ci95 else f" ± {lead.mean_ci95 / 60:.1f}"
    return f"{minutes:.1f}{interval} min "


def _cells(standing: Standing, metric: str, has_marks: bool) -> Sequence[str]:
    spreads = standing.spreads
    usable = f"{round(spreads['t_usable_s'].share * len(standing.samples))}"
    marks = [_time(spreads["t_usable_s"]), usable, _time(spreads["t_detail_s"])] if has_marks else []
    final = spreads[f"{metric}_final"]
    score = _number(final, ".3f" if metric != "psnr_db" else ".1f")
    return [
        _time(spreads["t_first_s"]),
        *marks,
        _time(spreads["t_final_s"]),
        score,
        _number(spreads["bytes"], ".0f"),
    ]


def _against(standing: Standing, metric: str, has_marks: bool, is_rival: bool) -> Sequence[str]:
    names = [*(["usable_win_rate"] if has_marks else []), f"{metric}_final_win_rate"]
    if not is_rival:
        return [""] * (len(names) + 2)
    shares = [standing.spreads[name].mean for name in names]
    bd = [standing.spreads[name] for name in ("bd_rate_percent", "bd_time_percent")]
    return ["–" if share is None else f"{share:.0%}" for share in shares] + [
        _number(each, "+.0f", " %") for each in bd
    ]


def _time(spread: Spread) -> str:
    interval = f" ± {minutes_text(spread.mean_ci95)}" if spread.mean_ci95 else ""
    return f"{minutes_text(spread.mean)}{interval}"


def _number(spread: Spread, form: str, unit: str = "") -> str:
    if spread.mean is None:
        return "–"
    interval = f" ± {spread.mean_ci95:{form.lstrip('+')}}" if spread.mean_ci95 else ""
    return f"{spread.mean:{form}}{interval}{unit}"
