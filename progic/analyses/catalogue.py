"""All analyses by name, and how one or all of them are made into a folder."""

import time
from collections.abc import Callable
from typing import NamedTuple

from progic.analyses import (
    NAMES,
    bd_rate,
    bpp,
    entropy,
    progressive,
    range_coding,
    rd,
    resolution,
    result,
    runtime,
    satcom,
    tsne,
)
from progic.analyses.result import Result
from progic.analyses.study import Study
from progic.errors import ImageError, InputError, ProgicError, WeightsError
from progic.replacing import make_folder

_ROOMS = (progressive, resolution, entropy, range_coding, tsne, satcom, bpp, rd, bd_rate, runtime)
ANALYSES: dict[str, Callable[[Study], Result]] = {
    name: room.analyse for name, room in zip(NAMES, _ROOMS, strict=True)
}
WITHOUT_PHOTOS = frozenset({"bpp", "runtime", "satcom"})


class Outcome(NamedTuple):
    """What became of one analysis."""

    name: str
    complaint: str  # why it was not made; empty where it was
    was_there: bool  # made before, from the same model, photos and settings
    took_s: float


def make(name: str, study: Study) -> Result:
    """Make one analysis and write its files. Raises InputError for what the user can mend."""
    if name not in WITHOUT_PHOTOS and study.folder is None:
        raise InputError(f"{name} measures photos: give their folder: progic analyse {name} DIR")
    make_folder(study.out)
    made = ANALYSES[name](study)
    result.write(made, study.out, study.digest(name))
    return made


def make_all(study: Study, report: Callable[[Outcome], None]) -> list[Outcome]:
    """Make every analysis that is not there yet, and tell of each by `report`.

    One that lacks a package or does not fit the model is passed over. Raises ImageError for a bad photo, and
    WeightsError where the metrics' weights are missing, which would spoil the others too.
    """
    if study.folder is None:
        raise InputError("all measures photos: give their folder: progic analyse all DIR")
    outcomes = []
    for name in ANALYSES:
        outcomes.append(_outcome(name, study))
        report(outcomes[-1])
    return outcomes


def _outcome(name: str, study: Study) -> Outcome:
    if result.made_from(study.out, name) == study.digest(name):
        return Outcome(name, "", True, 0)
    start_s, complaint = time.monotonic(), ""
    try:
        make(name, study)
    except (ImageError, WeightsError):
        raise
    except ProgicError as error:
        complaint = str(error)
    return Outcome(name, complaint, False, time.monotonic() - start_s)
