"""A recorded trace: when packets were sent, and whether they got through.

A CSV file in UTF-8 with the columns time_s and outcome, in any order; other columns are ignored. time_s is in
seconds from any moment on and rises from line to line; outcome, in capitals or not, is 0 or ok for a packet
that got through, 1 or lost for one that did not, as in the error patterns of
github.com/NTIA/gilbert-elliot-model.
"""

import csv
import io
import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple, NoReturn

from satsim.complaints import cut
from satsim.errors import TraceError
from satsim.units import logged_time_s

COLUMNS = ("time_s", "outcome")
LOST_BY_OUTCOME = {"0": False, "ok": False, "1": True, "lost": True}
MAX_FILE_BYTES = 16 * 2**20
MIN_OUTCOMES = 2
MAX_TIME_S = 1e12  # either way; beyond it a microsecond is lost in a float


class Counts(NamedTuple):
    """What a trace has had before some moment, repeats counted."""

    outcomes: int
    losses: int


@dataclass(frozen=True)
class Trace:
    """At least two outcomes in order of time, the first at 0 s."""

    times_s: tuple[float, ...]  # rising, to the microsecond
    lost: tuple[bool, ...]

    @cached_property
    def length_s(self) -> float:
        """Seconds from the first outcome to the trace's end, one mean step after the last outcome."""
        steps = len(self.times_s) - 1
        return logged_time_s(self.times_s[-1] * (steps + 1) / steps)

    @cached_property
    def _losses_before(self) -> tuple[int, ...]:
        return tuple(accumulate(self.lost, initial=0))

    def counted(self, time_s: float) -> Counts:
        """Return what came before `time_s`, with the trace repeated without end."""
        laps = math.floor(time_s / self.length_s)
        outcomes = bisect_left(self.times_s, logged_time_s(time_s - laps * self.length_s))
        whole, losses = laps * len(self.lost), laps * self._losses_before[-1]
        return Counts(whole + outcomes, losses + self._losses_before[outcomes])


class _Row(NamedTuple):
    line: int
    time_s: float
    lost: bool


def read_trace(path: Path) -> Trace:
    """Read a trace; raises TraceError, which names the file, the line, what was found and what is allowed."""
    try:
        found = path.stat()
    except OSError:
        return _read(path, ())  # which says what is wrong
    return _read(path, (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns))


@lru_cache(maxsize=8)  # asked for anew by each of ten thousand runs
def _read(path: Path, version: tuple[int, ...]) -> Trace:
    rows = list(_rows(path))
    if len(rows) < MIN_OUTCOMES:
        _refuse(path, None, f"{len(rows)} outcomes", f"at least {MIN_OUTCOMES}")
    times_s = tuple(logged_time_s(row.time_s - rows[0].time_s) for row in rows)
    for number in range(1, len(rows)):
        if times_s[number] <= times_s[number - 1]:
            found, allowed = (
                f"time_s {rows[number].time_s}",
                f"more than {rows[number - 1].time_s}, the one before",
            )
            _refuse(path, rows[number].line, found, allowed)
    return Trace(times_s, tuple(row.lost for row in rows))


def _rows(path: Path) -> Iterator[_Row]:
    lines = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    try:
        header = [name.strip() for name in next(lines, [])]
        if any(header.count(column) != 1 for column in COLUMNS):
            _refuse(path, 1, f'"{cut(",".join(header))}"', "a header with time_s and outcome, each once")
        places = [header.index(column) for column in COLUMNS]
        for cells in lines:
            if cells:
                yield _row(path, lines.line_num, cells, places)
    except csv.Error as error:
        _refuse(path, lines.line_num, f"broken CSV ({error})", "cells with commas between them")


def _row(path: Path, line: int, cells: Sequence[str], places: Sequence[int]) -> _Row:
    if len(cells) <= max(places):
        _refuse(path, line, f"{len(cells)} cells", f"at least {max(places) + 1}, as in the header")
    time, outcome = (cells[place].strip() for place in places)
    try:
        time_s = float(time)
    except ValueError:
        time_s = math.nan
    if not abs(time_s) <= MAX_TIME_S:  # nor a nan
        _refuse(path, line, f'time_s "{cut(time)}"', "a number from -1e12 to 1e12 (seconds)")
    if outcome.lower() not in LOST_BY_OUTCOME:
        _refuse(path, line, f'outcome "{cut(outcome)}"', "0 or ok (got through), 1 or lost")
    return _Row(line, time_s, LOST_BY_OUTCOME[outcome.lower()])


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        _refuse(path, None, f"no readable file ({error.strerror})", "a trace in CSV")
    if len(raw) > MAX_FILE_BYTES:
        _refuse(path, None, "a larger file", f"a trace in CSV, at most {MAX_FILE_BYTES} bytes")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        _refuse(path, None, f"byte 0x{raw[error.start]:02x} at {error.start}", "CSV in UTF-8")


def _refuse(path: Path, line: int | None, found: str, allowed: str) -> NoReturn:
    where = f"{path}" if line is None else f"{path}, line {line}"
    raise TraceError(f"{where}: found {found}; allowed: {allowed}") from None
