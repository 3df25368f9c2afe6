"""The quality that receivers see over time: steps from each new picture to the next, never between them."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from satsim.spread import MINUTE_S, MOST_ROWS, spread_of
from satsim.trial import Trial
from satsim.units import logged_time_s

FEW_MINUTES = 5  # where all is over by then, rows are slots apart

Floats = NDArray[np.float64]


class LevelRow(NamedTuple):
    """What is seen at `time_s`: the score is over the photos that show something (runs, of a single photo).

    Of a photo with many runs it is the mean over those that show something.
    """

    competitor: str
    time_s: float
    photos_shown: int  # photos (runs, of a single photo) that the score is over
    share_shown: float  # of all photos and runs
    share_usable: float | None  # that have had a usable picture
    mean: float | None
    mean_ci95: float | None  # half of the mean's 95 % interval (Student's t)
    median: float | None
    p25: float | None
    p75: float | None


def minutes_until(end_s: float, slot_s: float) -> list[float]:
    """Return each whole minute up to the first at `end_s` or later, or each slot where all is over soon.

    Minutes further apart where there would be too many rows.
    """
    step_s = min(slot_s, MINUTE_S) if end_s < FEW_MINUTES * MINUTE_S else MINUTE_S
    step_s *= max(1, int(np.ceil(end_s / (step_s * MOST_ROWS))))
    count = math.ceil(round(end_s / step_s, 9))  # 24.3 s are three slots of 8.1, whose sum is a little less
    return [logged_time_s(number * step_s) for number in range(1, count + 1)]


def end_of(trials: Iterable[Trial]) -> float:
    """Return the time of the last new picture of all, 0 if there is none."""
    return max((trial.pictures[-1].time_s for trial in trials if trial.pictures), default=0.0)


def level_rows(
    competitor: str, trials: Sequence[Sequence[Trial]], times_s: Sequence[float], has_marks: bool
) -> list[LevelRow]:
    """Return a row for each time; `trials` are of each photo its runs, `has_marks` tells if any is usable."""
    times = np.asarray(times_s, dtype=np.float64)
    levels = [np.stack([_levels(trial, times) for trial in runs]) for runs in trials]
    samples = np.stack([_column_means(runs) for runs in levels]) if len(levels) > 1 else levels[0]
    shown = _share([[_first_s(trial) for trial in runs] for runs in trials], times)
    usable = _share([[trial.summary.t_usable_s for trial in runs] for runs in trials], times)
    return [
        LevelRow(
            competitor,
            time_s,
            int((~np.isnan(samples[:, at])).sum()),
            float(shown[at]),
            float(usable[at]) if has_marks else None,
            *_spread(samples[:, at]),
        )
        for at, time_s in enumerate(times_s)
    ]


def _levels(trial: Trial, times: Floats) -> Floats:
    """Return the score of what is shown at each time, nan before the first picture."""
    scores = [picture.score for picture in trial.pictures]
    known = np.array([np.nan, *(np.nan if score is None else score for score in scores)])
    places = np.searchsorted([picture.time_s for picture in trial.pictures], times, side="right")
    return np.where(np.isinf(known), np.nan, known)[places]


def _first_s(trial: Trial) -> float | None:
    return trial.pictures[0].time_s if trial.pictures else None


def _share(moments_s: Sequence[Sequence[float | None]], times: Floats) -> Floats:
    """Return the share of photos that have had their moment, of each the share of its runs; None: never."""
    reached = [[times >= (np.inf if each is None else each) for each in runs] for runs in moments_s]
    return np.asarray(np.mean([np.mean(runs, axis=0) for runs in reached], axis=0))


def _column_means(runs: Floats) -> Floats:
    """Return each column's mean over what is not nan; nan where nothing else is."""
    counts = (~np.isnan(runs)).sum(axis=0)
    return np.where(counts > 0, np.nansum(runs, axis=0) / np.maximum(counts, 1), np.nan)


def _spread(column: Floats) -> tuple[float | None, ...]:
    """Return mean, half of its interval, median and quartiles of what is not nan."""
    there = [float(value) for value in column[~np.isnan(column)]]
    found = spread_of(there)
    p25, p75 = (float(value) for value in np.percentile(there, [25, 75])) if there else (None, None)
    return found.mean, found.mean_ci95, found.median, p25, p75
