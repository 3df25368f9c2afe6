"""The run folder: written whole or not at all, and read back.

Nothing here knows what made the numbers; plots and reports read a run through this room alone.
"""

import csv
import errno
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter

from satsim.csv_file import rounded, write_csv
from satsim.errors import RunFolderError, Unwritable
from satsim.manifest import Manifest
from satsim.means import MeanRow, MeanSummary
from satsim.records import Event, SchemeSummary, TimelineRow
from satsim.scenario import Scenario, dump_scenario, load_scenario
from satsim.spread import SchemeSpread, SpreadRow
from satsim.windows import Span

SCENARIO, MANIFEST, SUMMARY = "scenario.yaml", "manifest.json", "summary.json"
EVENTS, TIMELINE = "events.csv", "timeline.csv"
IMAGES, ORIGINAL = "images", "original.png"
SPREAD, SPREAD_ROWS = "monte_carlo.json", "monte_carlo.csv"  # of more than one run
TRACE = "trace.csv"  # the recorded losses, where the scenario plays some back
WINDOWS = "windows.csv"  # when the link was there, where it was not always

TEXTS = frozenset({"scheme", "event", "stage", "stages", "detail"})  # columns where an empty cell is text

Row = TimelineRow | MeanRow
Summary = SchemeSummary | MeanSummary
AnyRow = TypeVar("AnyRow")
AnySummary = TypeVar("AnySummary")


@dataclass(frozen=True)
class Run:
    """A run folder, read. Of a folder of photos: means, no events and no pictures."""

    folder: Path
    scenario: Scenario
    manifest: Manifest
    summary: Mapping[str, Summary]  # in the scenario's order
    timeline: tuple[Row, ...]
    events: tuple[Event, ...]
    spread: Mapping[str, SchemeSpread]  # over all runs; empty for a single one
    spread_rows: tuple[SpreadRow, ...]
    windows: tuple[Span, ...]  # empty where the link is always there

    @property
    def is_mean(self) -> bool:
        """Whether this is the mean over a folder of photos."""
        return bool(self.manifest.photos) and self.manifest.photos[0].run is not None

    def rows_of(self, scheme: str) -> tuple[Row, ...]:
        """Return a scheme's rows of the timeline, in order of time."""
        return tuple(row for row in self.timeline if row.scheme == scheme)

    def closed(self, end_s: float) -> list[Span]:
        """Return when the link was not there, up to `end_s`: before, between and after its windows."""
        if not self.windows:
            return []
        edges_s = [0.0, *(edge for window in self.windows for edge in window), end_s]
        gaps = zip(edges_s[::2], edges_s[1::2], strict=True)
        return [Span(from_s, min(to_s, end_s)) for from_s, to_s in gaps if from_s < min(to_s, end_s)]


def original_file(folder: Path) -> Path:
    """Return where the photo stands as it was sent."""
    return folder / IMAGES / ORIGINAL


def picture_file(folder: Path, scheme: str, stages: str) -> Path:
    """Return where the picture of a timeline row stands."""
    return folder / IMAGES / f"{scheme}-{stages}.png"


def picture_files(run: Run) -> list[Path]:
    """Return the original and the picture of each timeline row, in order; none of a folder of photos."""
    if run.is_mean:
        return []
    rows = (row for row in run.timeline if isinstance(row, TimelineRow))
    return [original_file(run.folder), *(picture_file(run.folder, row.scheme, row.stages) for row in rows)]


@contextmanager
def new_run(target: Path, overwrite: bool = False) -> Iterator[Path]:
    """Hand out an empty folder that becomes `target` if the block ends well, and vanishes if it does not.

    An existing run stays until the new one is complete. Raises RunFolderError before the block begins if
    `target` may not be replaced (no `overwrite`, or it is no run) or cannot be written.
    """
    check_target(target, overwrite)
    target = Path(os.path.realpath(target))  # what a link leads to, not the link
    made = _make_parents(target)
    try:
        with tempfile.TemporaryDirectory(prefix=f".{target.name[:50]}.", dir=target.parent) as workplace:
            draft = Path(workplace) / "new"
            draft.mkdir()  # not the workplace itself, whose mode keeps everyone else out
            yield draft
            check_target(target, overwrite)  # another run may have been written meanwhile
            _put_in_place(draft, target, Path(workplace) / "old")
    except BaseException as error:
        _remove_empty(made)
        if isinstance(error, Unwritable):  # of the draft
            raise Unwritable(target, error.reason) from None
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise Unwritable(target, str(error.strerror)) from None
        raise


def check_target(target: Path, overwrite: bool) -> None:
    """Raise RunFolderError unless a run may be written to `target`."""
    if not os.path.lexists(target):
        return
    if Path(os.path.realpath(target)) == Path.cwd():
        raise RunFolderError(f"{target}: found the folder this runs in, allowed is another, new or empty")
    if not target.is_dir():
        raise RunFolderError(f"{target}: found a file, allowed is a new folder")
    if not any(target.iterdir()):
        return
    if not all((target / name).is_file() for name in (SCENARIO, MANIFEST, SUMMARY, TIMELINE)):
        raise RunFolderError(f"{target}: found a folder with other things in it; allowed: a new or empty one")
    if not overwrite:
        raise RunFolderError(f"{target}: found a run; --overwrite replaces it, -o DIR writes elsewhere")


def _make_parents(target: Path) -> list[Path]:
    """Make the folders above `target` and try to write there; return those made, innermost first."""
    missing = [folder for folder in target.parents if not folder.exists()]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=target.parent):
            return missing
    except OSError as error:
        _remove_empty(missing)
        raise RunFolderError(f"{target}: cannot be written: {error.strerror}") from None


def _remove_empty(folders: Iterable[Path]) -> None:
    for folder in folders:
        with suppress(OSError):  # never made, or someone else has put something there
            folder.rmdir()


def _put_in_place(draft: Path, target: Path, old: Path) -> None:
    """Rename `draft` to `target`, and what stood there to `old`; put it back if that fails."""
    replaces = target.exists()
    if replaces:
        target.rename(old)
    try:
        draft.rename(target)
    except BaseException:
        if replaces:
            old.rename(target)
        raise


def write_run(folder: Path, scenario: Scenario, manifest: Manifest, summary: Mapping[str, Summary]) -> None:
    """Write scenario.yaml, manifest.json and summary.json."""
    (folder / SCENARIO).write_text(dump_scenario(scenario), encoding="utf-8")
    _write_json(folder / MANIFEST, asdict(manifest))
    _write_json(folder / SUMMARY, {name: asdict(each) for name, each in summary.items()})


def write_events(folder: Path, events: Iterable[Event]) -> None:
    """Write events.csv, its columns those of `Event`."""
    write_csv(folder / EVENTS, Event._fields, events)


def write_timeline(folder: Path, rows: Sequence[Row], columns: Sequence[str] = TimelineRow._fields) -> None:
    """Write timeline.csv, its columns those of `TimelineRow`, or of `MeanRow`."""
    write_csv(folder / TIMELINE, columns, rows)


def write_spread(folder: Path, spread: Mapping[str, SchemeSpread], rows: Sequence[SpreadRow]) -> None:
    """Write monte_carlo.json and monte_carlo.csv, its columns those of `SpreadRow`."""
    _write_json(folder / SPREAD, {name: asdict(each) for name, each in spread.items()})
    write_csv(folder / SPREAD_ROWS, SpreadRow._fields, rows)


def write_windows(folder: Path, windows: Iterable[Span]) -> None:
    """Write windows.csv: when the link was there, from_s to to_s."""
    write_csv(folder / WINDOWS, Span._fields, windows)


def _write_json(path: Path, fields: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(rounded(fields), indent=2, allow_nan=False) + "\n", encoding="utf-8")


def read_run(folder: Path) -> Run:
    """Read a run folder; raises RunFolderError if it is none, or one of its files is broken."""
    if not (folder / MANIFEST).is_file():
        raise RunFolderError(f"{folder}: has no {MANIFEST}; allowed is a folder that `satsim run` wrote")
    try:
        return _read_run(folder)
    except (OSError, ValueError, IndexError, AttributeError, csv.Error) as error:
        raise RunFolderError(f"{folder}: a broken run folder: {error}") from error


def _read_run(folder: Path) -> Run:
    manifest = TypeAdapter(Manifest).validate_json((folder / MANIFEST).read_bytes())
    is_mean = manifest.photos[0].run is not None
    summary_type, row_type = (MeanSummary, MeanRow) if is_mean else (SchemeSummary, TimelineRow)
    is_spread = (folder / SPREAD).is_file()
    scenario = load_scenario(folder / SCENARIO)
    summary = _read_summary(folder / SUMMARY, TypeAdapter[Summary](summary_type))
    unknown = summary.keys() - {scheme.name for scheme in scenario.schemes}
    if unknown:
        raise ValueError(f"{SUMMARY} has {min(unknown)}, which is no scheme of {SCENARIO}")
    return Run(
        folder=folder,
        scenario=scenario,
        manifest=manifest,
        summary=summary,
        timeline=_read_csv(folder / TIMELINE, TypeAdapter[Row](row_type)),
        events=() if is_mean else _read_csv(folder / EVENTS, TypeAdapter(Event)),
        spread=_read_summary(folder / SPREAD, TypeAdapter(SchemeSpread)) if is_spread else {},
        spread_rows=_read_csv(folder / SPREAD_ROWS, TypeAdapter(SpreadRow)) if is_spread else (),
        windows=_read_csv(folder / WINDOWS, TypeAdapter(Span)) if (folder / WINDOWS).is_file() else (),
    )


def _read_summary(path: Path, summary_type: TypeAdapter[AnySummary]) -> dict[str, AnySummary]:
    summaries = json.loads(path.read_bytes())
    if not summaries:
        raise ValueError(f"{path.name} has no scheme")
    return {scheme: summary_type.validate_python(fields) for scheme, fields in summaries.items()}


def _read_csv(path: Path, row_type: TypeAdapter[AnyRow]) -> tuple[AnyRow, ...]:
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(row_type.validate_python(_with_gaps(cells)) for cells in csv.DictReader(file))


def _with_gaps(cells: Mapping[str, str]) -> dict[str, str | None]:
    return {column: None if text == "" and column not in TEXTS else text for column, text in cells.items()}
