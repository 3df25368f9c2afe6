"""A link's `windows`: when it is there at all, as a schedule or as the passes of a satellite over a site.

Each field's `description` says what is allowed; error messages quote it (satsim.complaints).
"""

from datetime import UTC, date, datetime, time
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, Tag, ValidationInfo, field_validator

from satsim.section import WEEK_S, Else, Section, by_kind, listed, not_allowed

SCHEDULE: Literal["schedule"] = "schedule"  # the kind of windows that name none
MOST_S = 52 * WEEK_S  # as far as a schedule reaches, and the longest that it repeats after
TLE_CHARS = 69  # of a line; columns as in celestrak.org/NORAD/documentation/tle-fmt.php
OPEN_TEXT = "at least one {from_s, to_s}, in order of time and without overlap"
REPEAT_TEXT = "a number from the last to_s to 31449600 (seconds)"
TLE_TEXT = "a text of two lines of 69 characters, and a line with a name before them or not"
START_TEXT = "a date and time such as 2026-11-24T12:00:00Z (UTC where the zone is left out)"


class Window(Section):
    """The link is there from `from_s` to `to_s`, simulated seconds."""

    from_s: float = Field(ge=0, le=MOST_S, description="a number from 0 to 31449600 (seconds)")
    to_s: float = Field(ge=0, le=MOST_S, description="a number from 0 to 31449600 (seconds)")

    @field_validator("to_s")
    @classmethod
    def _after_its_start(cls, to_s: float, info: ValidationInfo) -> float:
        from_s = info.data.get("from_s")
        if from_s is not None and to_s <= from_s:
            raise not_allowed(f"a number above from_s, {from_s:g}")
        return to_s


class Schedule(Section):
    """The windows in `open`; with `repeat_s` all of them again after as many seconds, without end."""

    kind: Literal["schedule"] = Field(default=SCHEDULE, description=SCHEDULE)
    open: tuple[Window, ...] = Field(min_length=1, max_length=10_000, description=OPEN_TEXT)
    repeat_s: Annotated[float | None, Else("never again")] = Field(
        default=None, le=MOST_S, description=REPEAT_TEXT
    )

    _list_to_tuple = field_validator("open", mode="before")(listed)

    @field_validator("open")
    @classmethod
    def _in_order(cls, windows: tuple[Window, ...]) -> tuple[Window, ...]:
        for number, (before, after) in enumerate(pairwise(windows), 1):
            if after.from_s < before.to_s:
                begins = f"open[{number}] begins at {after.from_s:g} s"
                raise not_allowed(
                    f"{OPEN_TEXT}; {begins}, before {before.to_s:g} s, the end of the one before"
                )
        return windows

    @field_validator("repeat_s")
    @classmethod
    def _after_the_last(cls, repeat_s: float | None, info: ValidationInfo) -> float | None:
        windows = info.data.get("open")
        if repeat_s is not None and windows and repeat_s < windows[-1].to_s:
            last_s = f"{windows[-1].to_s:.15g}"
            raise not_allowed(f"a number from the last to_s, {last_s}, to {MOST_S} (seconds)")
        return repeat_s


class Site(Section):
    """Where the handset is, on WGS 84."""

    latitude_deg: float = Field(ge=-90, le=90, description="a number from -90 to 90 (degrees north)")
    longitude_deg: float = Field(ge=-180, le=180, description="a number from -180 to 180 (degrees east)")
    height_m: float = Field(default=0, ge=-500, le=9000, description="a number from -500 to 9000 (metres)")


def _stripped(text: object) -> object:
    return "\n".join(line.rstrip() for line in text.strip().splitlines()) if isinstance(text, str) else text


def _utc(value: object) -> object:
    """Return a moment as a datetime in UTC; YAML has read it as a text, a date or a datetime."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise not_allowed(START_TEXT) from None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if not isinstance(value, datetime):
        return value
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:  # before the year 1 or after 9999, in UTC
        raise not_allowed(START_TEXT) from None


class Passes(Section):
    """The passes of one satellite, given as a two-line element set, over a site; computed by skyfield.

    Simulated time 0 is `start`, or the epoch of the TLE; passes are computed for `days` from there. SGP4
    is a kilometre off at the epoch and one to three more each day (Vallado and others, AIAA 2006-6753).
    """

    kind: Literal["tle"] = Field(description="tle")
    tle: Annotated[str, BeforeValidator(_stripped)] = Field(max_length=500, description=TLE_TEXT)
    site: Site = Field(description="{latitude_deg, longitude_deg, height_m}")
    min_elevation_deg: float = Field(ge=0, lt=90, description="a number from 0 to below 90 (degrees)")
    start: Annotated[datetime | None, BeforeValidator(_utc), Else("the TLE's epoch")] = Field(
        default=None, description=START_TEXT
    )
    days: float = Field(default=7, gt=0, le=60, description="a number above 0, up to 60 (days)")

    @field_validator("tle")
    @classmethod
    def _is_one(cls, tle: str) -> str:
        lines = tle.split("\n")
        if len(lines) not in (2, 3):
            raise not_allowed(f"{TLE_TEXT}; it has {len(lines)}")
        for number, line in enumerate(lines[-2:], 1):
            _check_line(number, line)
        if lines[-2][2:7] != lines[-1][2:7]:
            raise not_allowed(f"two lines of one satellite, not of {lines[-2][2:7]} and {lines[-1][2:7]}")
        return tle

    @property
    def lines(self) -> tuple[str, str]:
        """The two lines of elements."""
        first, second = self.tle.split("\n")[-2:]
        return first, second


# Of lines 1 and 2: what stands in which columns, counted from 1, and its range.
COLUMNS: dict[int, tuple[tuple[str, int, int, float, float], ...]] = {
    1: (("the epoch's year", 19, 20, 0, 99), ("the epoch's day of the year", 21, 32, 1, 367)),
    2: (
        ("inclination", 9, 16, 0, 180),
        ("right ascension of the ascending node", 18, 25, 0, 360),
        ("digits of the eccentricity", 27, 33, 0, 9_999_999),
        ("argument of perigee", 35, 42, 0, 360),
        ("mean anomaly", 44, 51, 0, 360),
        ("mean motion", 53, 63, 0, 20),
    ),
}


def _check_line(number: int, line: str) -> None:
    if line[:2] != f"{number} ":
        raise not_allowed(f"{TLE_TEXT}; line {number} begins with {number} and a space")
    if len(line) != TLE_CHARS or not line.isascii():
        raise not_allowed(f"{TLE_TEXT}; line {number} has {len(line)}")
    digits = [int(char) for char in line[:-1] if char.isdigit()]
    checksum = (sum(digits) + line[:-1].count("-")) % 10
    if line[-1] != f"{checksum}":
        raise not_allowed(f"line {number} with its checksum, {checksum}, as last character, not {line[-1]}")
    for what, first, last, least, most in COLUMNS[number]:
        text = line[first - 1 : last].strip()
        if not (text.replace(".", "", 1).isdigit() and least <= float(text) <= most):
            place = f"columns {first} to {last} of line {number}"
            raise not_allowed(f"{least} to {most} as {what}, {place}, not {text or 'nothing'}")


WINDOWS_TEXT = (
    "{open: [{from_s, to_s}, ...], repeat_s} or {kind: tle, tle, site, min_elevation_deg, start, days}"
)
Windows = Annotated[
    Annotated[Schedule, Tag("schedule")] | Annotated[Passes, Tag("tle")],
    by_kind(SCHEDULE),
]
