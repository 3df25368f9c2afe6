"""Gilbert-Elliott values of a recorded trace, with how well it tells them."""

import math
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from satsim.errors import TraceError

Z_95 = 1.959964  # standard normal, two-sided 95 %


class Estimate(NamedTuple):
    """A value and its 95 % confidence interval."""

    value: float
    low: float
    high: float


class BurstFit(NamedTuple):
    """What to write as `loss: {kind: gilbert_elliott, rate, mean_burst}`."""

    rate: Estimate
    mean_burst: Estimate  # packets
    outcomes: int
    losses: int
    bursts: int  # that end within the trace


def fit_bursts(lost: Sequence[bool]) -> BurstFit:
    """Fit Gilbert's model to outcomes in the order of their packets; their times play no part.

    The states are seen (bad is lost, good is not: NTIA's two-parameter model), so the maximum likelihood
    values of p and r are the shares of packets after which the state changed. Their errors are nearly
    independent (P. Billingsley, Annals of Mathematical Statistics 32 (1961), "Statistical methods in Markov
    chains"). The mean burst is 1 / r, its interval Wilson's of r. The rate is the share of lost packets,
    and at most 1 / (1 + r), which is one good packet between two bursts; its interval is symmetric in
    log(p / r), the log odds of the rate, and so wider for bursts than independent losses would have it. With
    fewer than some ten bursts the intervals hold the truth in about 90 % of traces, not 95 %.
    Raises TraceError where no burst begins, or none ends.
    """
    steps = Counter(pairwise(lost))
    begun, ended = steps[False, True], steps[True, False]
    if not begun or not ended:
        raise TraceError(
            f"found {sum(lost)} lost of {len(lost)} outcomes, {begun} bursts that begin and {ended} that end"
            " on the way; allowed: at least one of each"
        )
    after_good, after_bad = begun + steps[False, False], ended + steps[True, True]
    to_good = _wilson(ended, after_bad)
    odds_error = _odds_error(begun, after_good, ended, after_bad)
    return BurstFit(
        rate=_around_odds(min(sum(lost) / len(lost), 1 / (1 + to_good.value)), odds_error),
        mean_burst=Estimate(1 / to_good.value, 1 / to_good.high, 1 / to_good.low),
        outcomes=len(lost),
        losses=sum(lost),
        bursts=ended,
    )


def _odds_error(begun: int, after_good: int, ended: int, after_bad: int) -> float:
    """Return the standard error of log(p / r); of shares of 1 as if half a packet had not changed the state.

    Without it a trace of bursts of one, each after one good packet, had no error at all. The half is
    J. Haldane's and F. Anscombe's for logarithms of odds (Annals of Human Genetics 20 (1956), Biometrika 43).
    """
    more = 0.5 if begun == after_good and ended == after_bad else 0.0
    begun_share, ended_share = (
        (begun + more) / (after_good + 2 * more),
        (ended + more) / (after_bad + 2 * more),
    )
    return math.sqrt((1 - begun_share) / (begun + more) + (1 - ended_share) / (ended + more))


def _wilson(successes: int, trials: int) -> Estimate:
    """E. B. Wilson, Journal of the American Statistical Association 22 (1927): within 0 to 1 by itself."""
    share, z_squared = successes / trials, Z_95**2
    middle = (share + z_squared / (2 * trials)) / (1 + z_squared / trials)
    half = Z_95 * math.sqrt(share * (1 - share) / trials + z_squared / (4 * trials**2))
    half /= 1 + z_squared / trials
    return Estimate(share, middle - half, min(1.0, middle + half))


def _around_odds(rate: float, error: float) -> Estimate:
    """Return a rate with the interval whose log odds are `error` standard errors of 1 wide each way."""
    odds = rate / (1 - rate)
    low, high = odds * math.exp(-Z_95 * error), odds * math.exp(Z_95 * error)
    return Estimate(rate, low / (1 + low), high / (1 + high))
