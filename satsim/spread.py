"""How the results of many runs spread: times, costs, and DISTS minute by minute."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
from scipy.special import stdtrit

from satsim.tally import Floats, Numbers, Tally

MINUTE_S = 60
MOST_ROWS = 1000  # of a scheme; beyond them the rows are whole minutes further apart
UPPER_TAIL = 0.975  # what ends below the upper end of a two-sided 95 % interval


@dataclass(frozen=True)
class Spread:
    """A figure over the runs that have it; all but the share are None where none has."""

    share: float  # of all runs, those that have it
    mean: float | None
    mean_ci95: float | None  # half of the mean's 95 % confidence interval; None: of one run
    median: float | None
    p5: float | None
    p95: float | None


NOWHERE = Spread(0.0, None, None, None, None, None)


@dataclass(frozen=True)
class SchemeSpread:
    """One scheme's entry in monte_carlo.json, as its entry in summary.json is of the first run."""

    t_first_s: Spread
    t_usable_s: Spread | None  # this and what else DISTS tells: None where it is not measured
    t_detail_s: Spread | None
    t_final_s: Spread
    dists_final: Spread | None
    units_usable: Spread | None = None  # None where the link does not say what a message costs
    price_usable_usd: Spread | None = None
    energy_usable_j: Spread | None = None

    @property
    def mean_cost(self) -> tuple[float | None, ...]:
        """The means of units, price and energy."""
        spreads = (self.units_usable, self.price_usable_usd, self.energy_usable_j)
        return tuple(None if each is None else each.mean for each in spreads)


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


class Statistics(NamedTuple):
    """One scheme over all runs."""

    spread: SchemeSpread
    rows: list[SpreadRow]


def statistics_of(scheme: str, shown: Tally, cluster: int = 1, has_dists: bool = True) -> Statistics:
    """Return how a scheme's times, costs and DISTS spread over all runs.

    Of `cluster` runs in a row (the handsets of a fleet, all runs of a photo) the results are not independent:
    the mean's interval is that of the clusters' means. Without DISTS (not `has_dists`) nobody knows what is
    usable.
    """
    usable, anything = shown.reaches(attrgetter("is_usable")), np.ones(len(shown.run), np.bool_)
    times = {
        "t_first_s": shown.first(anything, shown.time_s),
        "t_usable_s": shown.first(usable, shown.time_s),
        "t_detail_s": shown.first(shown.reaches(attrgetter("is_detailed")), shown.time_s),
        "t_final_s": shown.first(shown.is_last, shown.time_s),
        "dists_final": shown.first(shown.is_last, shown.dists[shown.worth]),
    }
    costs = {}
    if shown.costs is not None:
        names = ("units_usable", "price_usable_usd", "energy_usable_j")
        known = zip(names, shown.costs.T, strict=True)
        costs = {name: shown.first(usable, cost) for name, cost in known if not np.isnan(cost).all()}
    spread: dict[str, Any] = {name: spread_of(values, cluster) for name, values in (times | costs).items()}
    if not has_dists:
        spread |= dict.fromkeys(("t_usable_s", "t_detail_s", "dists_final", *costs))
    return Statistics(SchemeSpread(**spread), _rows(scheme, shown, cluster))


def spread_of(figures: Floats | Sequence[float | None], cluster: int = 1) -> Spread:
    """Return how figures spread, one a run, nan or None where it has none; cluster as in `statistics_of`."""
    values = np.asarray(figures, np.float64)
    there = values[~np.isnan(values)]
    if not len(there):
        return NOWHERE
    groups = values.reshape(-1, cluster)
    sums, numbers = np.nansum(groups, axis=1), np.count_nonzero(~np.isnan(groups), axis=1)
    return _spread_of(there, len(there) / len(values), sums, numbers)


def _spread_of(there: Floats, share: float, sums: Floats, numbers: Floats | Numbers) -> Spread:
    """Return how the values spread, given each cluster's sum and number of them.

    The variance of a mean over clusters of unequal sizes: W. G. Cochran, Sampling Techniques (1977), 6.4.
    With clusters of one it is that of a mean. Its interval is Student's t: of few clusters it is wide.
    """
    mean, n_clusters = float(there.mean()), np.count_nonzero(numbers)
    ci95 = None
    if n_clusters > 1:
        squares = float(np.square(sums - mean * numbers).sum()) * n_clusters / (n_clusters - 1)
        ci95 = float(stdtrit(n_clusters - 1, UPPER_TAIL) * np.sqrt(squares)) / len(there)
    p5, median, p95 = np.percentile(there, [5, 50, 95])
    return Spread(share, mean, ci95, float(median), float(p5), float(p95))


def _rows(scheme: str, shown: Tally, cluster: int) -> list[SpreadRow]:
    end_s = max(shown.time_s, default=0.0)
    step_s = MINUTE_S * max(1, int(np.ceil(end_s / (MINUTE_S * MOST_ROWS))))
    times = np.arange(1, int(np.ceil(end_s / step_s)) + 1) * float(step_s)
    places = np.searchsorted(times, shown.time_s)
    spans = places, np.where(shown.is_last, len(times), np.roll(places, -1))
    dists = shown.dists
    size, n_clusters, clusters = len(times), shown.n_runs // cluster, shown.run // cluster
    counts = _over_time((len(dists), size), shown.worth, spans)
    numbers = _over_time((n_clusters, size), clusters, spans)
    sums = _over_time((n_clusters, size), clusters, spans, dists[shown.worth])
    shares = counts.sum(axis=0) / shown.n_runs
    usable = counts[[each.is_usable for each in shown.worths]].sum(axis=0) / shown.n_runs
    is_scored = not np.isnan(dists).any()
    rows = []
    for at, time_s in enumerate(times.tolist()):
        there = np.repeat(dists, counts[:, at].astype(np.int64))
        share, reached = float(shares[at]), float(usable[at]) if is_scored else None
        is_known = is_scored and len(there) > 0
        found = _spread_of(there, share, sums[:, at], numbers[:, at]) if is_known else NOWHERE
        dists_of = (found.mean, found.mean_ci95, found.median, found.p5, found.p95)
        rows.append(SpreadRow(scheme, time_s, share, reached, *dists_of))
    return rows


def _over_time(
    shape: tuple[int, int], of: Numbers, spans: tuple[Numbers, Numbers], weights: Floats | float = 1.0
) -> Floats:
    """Return the summed weights of all pictures on show: a row for each value of `of`, a column a time."""
    steps = np.zeros((shape[0], shape[1] + 1))
    np.add.at(steps, (of, spans[0]), weights)
    np.subtract.at(steps, (of, spans[1]), weights)
    return np.cumsum(steps, axis=1, out=steps)[:, :-1]
