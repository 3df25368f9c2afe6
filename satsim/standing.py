"""How each competitor stands: its times and scores over the photos, and against the anchor.

BD-rate and BD-time are Bjontegaard's (progic.bd_rate). A scheme's curve goes through its new pictures, at
1 - DISTS (or at a metric that rises with quality) and at the bytes accepted or, for BD-time, the time of
arrival. So BD-time is the mean percentage of waiting time more (below 0: less) than the anchor's for the same
DISTS. A picture that is no better than one before adds no point: the receiver can keep the best. A curve has
two points at least.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from progic.bd_rate import Curve, Point, bd_percent, is_curve, rising
from satsim.means import mean
from satsim.settings import Metric
from satsim.spread import Spread, spread_of
from satsim.trial import Trial
from satsim.wording import LOWER_IS_NEARER

SUMMARISED = (
    "t_first_s",
    "t_usable_s",
    "t_detail_s",
    "t_final_s",
    "bytes",
    "packets_sent",
    "packets_lost",
    "units_usable",
    "price_usable_usd",
    "energy_usable_j",
)

Figures = dict[str, float | None]  # by name; None: never, not measured, not known
Trials = Sequence[Sequence[Trial]]  # of one competitor: of each photo, its runs


@dataclass(frozen=True)
class Standing:
    """One competitor over all photos, or over the runs of a single one."""

    samples: tuple[Figures, ...]  # a photo's (means over its runs), or a run's where there is one photo alone
    by_photo: tuple[Figures, ...]
    photos_usable: int | None  # in one run at least; None without DISTS: nobody knows
    spreads: Mapping[str, Spread]  # by figure, over the samples that have it
    bd_note: str | None  # why BD-rate and BD-time lack photos, or all
    unsent: Mapping[str, int]  # why nothing was sent, and of how many photos


def standing_of(trials: Trials, anchor: Trials, metric: Metric) -> Standing:
    """Return how a competitor stands; `anchor` are the anchor's trials of the same photos and runs."""
    figures = [
        [figures_of(one, other, metric) for one, other in zip(runs, others, strict=True)]
        for runs, others in zip(trials, anchor, strict=True)
    ]
    by_photo = tuple(_mean_figures(runs) for runs in figures)
    samples = by_photo if len(by_photo) > 1 else tuple(figures[0])
    spreads = {name: spread_of([sample[name] for sample in samples]) for name in samples[0]}
    usable = sum(each["t_usable_s"] is not None for each in by_photo) if metric == "dists" else None
    note = _bd_note(trials, anchor, samples, metric)
    return Standing(samples, by_photo, usable, spreads, note, _unsent(trials))


def figures_of(trial: Trial, anchor: Trial, metric: Metric) -> Figures:
    """Return the figures of one trial: its own, then those against the anchor's trial."""
    own: Figures = {name: getattr(trial.summary, name) for name in SUMMARISED}
    scores = [picture.score for picture in trial.pictures]
    own[f"{metric}_first"] = _finite(scores[0]) if scores else None
    own[f"{metric}_final"] = _finite(scores[-1]) if scores else None
    usable_s, anchor_s = trial.summary.t_usable_s, anchor.summary.t_usable_s
    earlier_s = None if usable_s is None or anchor_s is None else anchor_s - usable_s
    has_marks = metric == "dists"
    return own | {
        "usable_share": float(usable_s is not None) if has_marks else None,
        "usable_earlier_s": earlier_s,
        "usable_win_rate": win(usable_s, anchor_s) if has_marks else None,
        f"{metric}_final_win_rate": win(_distance(trial, metric), _distance(anchor, metric)),
        "bd_rate_percent": bd_of(trial, anchor, metric, "bytes"),
        "bd_time_percent": bd_of(trial, anchor, metric, "time_s"),
    }


def win(one: float | None, other: float | None) -> float:
    """Return 1 if `one` is lower than `other`, 0 if higher, a half if they tie; None, never, is highest."""
    first, second = (math.inf if each is None else each for each in (one, other))
    return 0.5 if first == second else float(first < second)


def bd_of(trial: Trial, anchor: Trial, metric: Metric, cost: Literal["bytes", "time_s"]) -> float | None:
    """Return the percentage of bytes or of waiting time that a trial takes more than the anchor's."""
    return _bd_percent(curve_of(trial, metric, cost), curve_of(anchor, metric, cost))


def curve_of(trial: Trial, metric: Metric, cost: Literal["bytes", "time_s"]) -> Curve:
    """Return the points of a trial's curve: each picture that is better than all before it."""
    scored = [(getattr(picture, cost), _finite(picture.score)) for picture in trial.pictures]
    offset, sign = (1, -1) if metric in LOWER_IS_NEARER else (0, 1)
    return rising(Point(at, offset + sign * score) for at, score in scored if score is not None)


@lru_cache(maxsize=65536)  # without losses all runs of a photo have one curve
def _bd_percent(curve: Curve, anchor: Curve) -> float | None:
    return bd_percent(curve, anchor)


def _mean_figures(runs: Sequence[Figures]) -> Figures:
    return {name: mean(run[name] for run in runs) for name in runs[0]}


def _distance(trial: Trial, metric: Metric) -> float | None:
    """Return the last picture's distance, lower is nearer; None where there is no picture."""
    score = trial.pictures[-1].score if trial.pictures else None
    return score if score is None or metric in LOWER_IS_NEARER else -score


def _finite(score: float | None) -> float | None:
    return score if score is not None and math.isfinite(score) else None


def _unsent(trials: Trials) -> dict[str, int]:
    """Return why nothing was sent, such as a codec that is not installed: else it would only seem to lose."""
    summaries = [[trial.summary for trial in runs] for runs in trials]
    notes = [{each.note for each in runs if each.note and not each.packets_sent} for runs in summaries]
    return dict(Counter(note for photo in notes for note in sorted(photo)))


def _bd_note(trials: Trials, anchor: Trials, samples: Sequence[Figures], metric: Metric) -> str | None:
    """Return why some samples have no BD-rate."""
    n_without = sum(sample["bd_time_percent"] is None for sample in samples)
    if not n_without:
        return None
    if not _has_curves(trials, metric):
        return "no curve: never two pictures, the second the better"
    if not _has_curves(anchor, metric):
        return "the anchor has no curve: never two pictures, the second the better"
    what = "photos" if len(trials) > 1 else "runs"
    return f"{n_without} of {len(samples)} {what} left out: no two curves that share a quality"


def _has_curves(trials: Trials, metric: Metric) -> bool:
    return any(is_curve(curve_of(trial, metric, "time_s")) for runs in trials for trial in runs)
