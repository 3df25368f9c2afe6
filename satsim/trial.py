"""A trial: one photo sent once by one competitor, as far as a comparison needs it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from satsim.records import SchemeSummary


class Picture(NamedTuple):
    """A new picture at the receiver."""

    time_s: float
    bytes: int  # accepted by then, headers included
    score: float | None  # by the metric that is compared; infinite for the PSNR of equal pictures


@dataclass(frozen=True)
class Trial:
    """What came of it, and all pictures in order of time."""

    summary: SchemeSummary
    pictures: tuple[Picture, ...]

    def as_json(self) -> dict[str, Any]:
        """Return plain data, which `trial_of` reads."""
        return {"summary": asdict(self.summary), "pictures": [list(each) for each in self.pictures]}


def trial_of(fields: Mapping[str, Any]) -> Trial:
    """Return what `Trial.as_json` gave."""
    return Trial(SchemeSummary(**fields["summary"]), tuple(Picture(*each) for each in fields["pictures"]))
