"""How the results of many runs spread: times, and DISTS minute by minute.

Nothing is decoded here: what a set of stages is worth is asked for once for each set that was ever held.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from satsim.records import Holding

MINUTE_S = 60
MOST_ROWS = 1000  # of a scheme; beyond them the rows are whole minutes further apart
CONFIDENCE_Z = 1.96  # two-sided 95 % of a normal distribution

Holdings = tuple[Holding, ...]  # of one run
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Spread:
    """A figure over the runs that have it; all but the share are None where none has."""

    share: float  # of all runs, those that have it
    mean: float | None
    mean_ci95: float | None  # half of the mean's 95 % interval (normal approximation); None of a single one
    median: float | None
    p5: float | None
    p95: float | None


@dataclass(frozen=True)
class SchemeSpread:
    """One scheme's entry in monte_carlo.json, as its entry in summary.json is of the first run."""

    t_first_s: Spread
    t_usable_s: Spread
    t_detail_s: Spread
    t_final_s: Spread
    dists_final: Spread


class SpreadRow(NamedTuple):
    """What receivers show at `time_s`: a row of monte_carlo.csv; DISTS is over those that show anything."""

    scheme: str
    time_s: float
    share_shown: float
    share_usable: float | None
    dists_mean: float | None
    dists_mean_ci95: float | None
    dists_median: float | None
    dists_p5: float | None
    dists_p95: float | None


class Worth(NamedTuple):
    """What a set of stages shows."""

    dists: float | None
    is_usable: bool
    is_detailed: bool


class Statistics(NamedTuple):
    """One scheme over all runs."""

    spread: SchemeSpread
    rows: list[SpreadRow]


def statistics_of(
    scheme: str, runs: Sequence[Holdings], worth: Callable[[tuple[int, ...]], Worth]
) -> Statistics:
    """Return how a scheme's times and DISTS spread over `runs`, of holdings that show a picture each."""
    known: dict[tuple[int, ...], Worth] = {}
    for each in {holding.stages for run in runs for holding in run}:
        known[each] = worth(each)
    last = [known[run[-1].stages].dists if run else None for run in runs]
    spread = SchemeSpread(
        t_first_s=spread_of([run[0].time_s if run else None for run in runs]),
        t_usable_s=spread_of([_first(run, known, "is_usable") for run in runs]),
        t_detail_s=spread_of([_first(run, known, "is_detailed") for run in runs]),
        t_final_s=spread_of([run[-1].time_s if run else None for run in runs]),
        dists_final=spread_of(last),
    )
    return Statistics(spread, _rows(scheme, runs, known))


def _first(run: Holdings, known: Mapping[tuple[int, ...], Worth], mark: str) -> float | None:
    return next((each.time_s for each in run if getattr(known[each.stages], mark)), None)


def spread_of(values: Sequence[float | None]) -> Spread:
    """Return how a figure spreads over those that have it."""
    there = np.array([value for value in values if value is not None])
    if not len(there):
        return Spread(0.0, None, None, None, None, None)
    p5, median, p95 = np.percentile(there, [5, 50, 95])
    ci95 = float(CONFIDENCE_Z * there.std(ddof=1) / np.sqrt(len(there))) if len(there) > 1 else None
    share = len(there) / len(values)
    return Spread(share, float(there.mean()), ci95, float(median), float(p5), float(p95))


def _rows(scheme: str, runs: Sequence[Holdings], known: Mapping[tuple[int, ...], Worth]) -> list[SpreadRow]:
    end_s = max((run[-1].time_s for run in runs if run), default=0.0)
    step_s = MINUTE_S * max(1, -(-int(end_s) // (MINUTE_S * MOST_ROWS)))
    times = np.arange(1, int(np.ceil(end_s / step_s)) + 1) * float(step_s)
    dists = np.full((len(runs), len(times)), np.nan)
    shown, usable = np.zeros(len(times)), np.zeros(len(times))
    for number, run in enumerate(runs):
        places = [*np.searchsorted(times, [holding.time_s for holding in run]), len(times)]
        for holding, (place, end) in zip(run, pairwise(places), strict=True):
            worth = known[holding.stages]
            dists[number, place:end] = np.nan if worth.dists is None else worth.dists
            shown[place:end] += 1
            usable[place:end] += worth.is_usable
    is_scored = all(worth.dists is not None for worth in known.values())
    shares = [float(count) / len(runs) if is_scored else None for count in usable]
    return [
        _row(scheme, float(times[at]), float(shown[at]) / len(runs), shares[at], dists[:, at])
        for at in range(len(times))
    ]


def _row(scheme: str, time_s: float, shown: float, usable: float | None, dists: Floats) -> SpreadRow:
    found = spread_of([float(value) for value in dists[~np.isnan(dists)]])
    return SpreadRow(
        scheme,
        time_s,
        shown,
        usable,
        found.mean,
        found.mean_ci95,
        found.median,
        found.p5,
        found.p95,
    )
