"""What the receivers of all runs show, a picture a row, in columns: small enough for any number of photos."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from satsim.cost import Cost
from satsim.records import Holding

Holdings = tuple[Holding, ...]  # of one run
Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]
Truths = NDArray[np.bool_]


class Worth(NamedTuple):
    """What a set of stages shows."""

    dists: float | None
    is_usable: bool
    is_detailed: bool


@dataclass(frozen=True)
class Tally:
    """Every new picture of one scheme in any run, those of a run together and in order of time."""

    n_runs: int
    run: Numbers  # from 0
    time_s: Floats
    worth: Numbers  # its place in `worths`
    worths: tuple[Worth, ...]
    costs: Floats | None  # as satsim.cost.Cost, nan for None; None where the link says nothing of cost

    @property
    def dists(self) -> Floats:
        """The DISTS of each of `worths`, nan where it is not measured."""
        return np.array([each.dists for each in self.worths], np.float64)

    @property
    def is_last(self) -> Truths:
        """Which pictures are the last of their run."""
        return np.array(np.diff(self.run, append=self.n_runs), np.bool_)

    def reaches(self, mark: Callable[[Worth], bool]) -> Truths:
        """Tell which pictures reach a mark."""
        return np.array([mark(each) for each in self.worths], np.bool_)[self.worth]

    def first(self, wanted: Truths, column: Floats) -> Floats:
        """Return a run's first value in `column` among the pictures that are `wanted`, nan where none is."""
        values = np.full(self.n_runs, np.nan)
        runs, at = np.unique(self.run[wanted], return_index=True)
        values[runs] = column[wanted][at]
        return values


def tally(
    runs: Sequence[Holdings],
    worth: Callable[[tuple[int, ...]], Worth],
    costs: Sequence[Sequence[Cost]] | None = None,
) -> Tally:
    """Return what `runs` show, of holdings that show a picture each; `worth` is asked once a set of stages.

    `costs` has for each run what was spent up to each packet accepted (satsim.cost).
    """
    held = [each for run in runs for each in run]
    sets = {stages: number for number, stages in enumerate(dict.fromkeys(each.stages for each in held))}
    spent = None
    if costs is not None:
        rows = [own[each.packets - 1] for run, own in zip(runs, costs, strict=True) for each in run]
        spent = np.array(rows, np.float64).reshape(-1, len(Cost._fields))
    return Tally(
        n_runs=len(runs),
        run=np.repeat(np.arange(len(runs)), [len(run) for run in runs]),
        time_s=np.array([each.time_s for each in held], np.float64),
        worth=np.array([sets[each.stages] for each in held], np.int64),
        worths=tuple(worth(stages) for stages in sets),
        costs=spent,
    )


def pooled(tallies: Sequence[Tally | None]) -> Tally | None:
    """Return the runs of several photos, as many of each, as one; a photo without any shows nothing in them.

    None if no photo has any.
    """
    there = [each for each in tallies if each is not None]
    if not there:
        return None
    n_runs = there[0].n_runs
    runs = [each.run + n_runs * number for number, each in enumerate(tallies) if each is not None]
    firsts = np.cumsum([0, *(len(each.worths) for each in there)])
    costs = [each.costs for each in there if each.costs is not None]
    return Tally(
        n_runs=n_runs * len(tallies),
        run=np.concatenate(runs),
        time_s=np.concatenate([each.time_s for each in there]),
        worth=np.concatenate([each.worth + first for each, first in zip(there, firsts, strict=False)]),
        worths=tuple(worth for each in there for worth in each.worths),
        costs=np.concatenate(costs) if costs else None,
    )
