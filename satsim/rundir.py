"""The files of a run folder: how they are called, written and read back.

Nothing here knows what made the numbers; plots and reports read a run through this room alone.
"""

import csv
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from satsim.complaints import cut, dotted, shown
from satsim.csv_file import json_text, write_csv
from satsim.errors import RunFolderError
from satsim.manifest import Manifest
from satsim.means import MeanRow, MeanSummary
from satsim.records import Event, SchemeSummary, TimelineRow
from satsim.scenario import dump_scenario, load_scenario
from satsim.settings import Scenario
from satsim.spread import SchemeSpread, SpreadRow
from satsim.windows import Span

SCENARIO, MANIFEST, SUMMARY = "scenario.yaml", "manifest.json", "summary.json"
EVENTS, TIMELINE = "events.csv", "timeline.csv"
IMAGES, ORIGINAL = "images", "original.png"
SPREAD, SPREAD_ROWS = "monte_carlo.json", "monte_carlo.csv"  # of more than one run
TRACE = "trace.csv"  # the recorded losses, where the scenario plays some back
WINDOWS = "windows.csv"  # when the link was there, where it was not always

PHOTOS = "photos"  # the runs of a folder of photos
FIGURE, REPORT = "timeline", "report.html"  # drawn from the others; the figure as .png and .svg

TEXTS = frozenset({"scheme", "event", "stage", "stages", "detail"})  # columns where an empty cell is text
STAGES = re.compile(r"[0-9+-]*")  # of a picture, as satsim.wording.stages_text writes them
PSNR = "psnr_db"  # infinite of a picture that is the photo
MOST = 2**53  # of any number, as of a seed: more seconds than any run takes, and an axis could show

Row = TimelineRow | MeanRow
Summary = SchemeSummary | MeanSummary
Valid = TypeVar("Valid")
Line = TypeVar("Line", bound=TimelineRow | MeanRow | Event | SpreadRow | Span)  # of a table


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
    path.write_text(json_text(fields) + "\n", encoding="utf-8")


def read_run(folder: Path) -> Run:
    """Read a run folder; raises RunFolderError if it is none, or one of its files is broken."""
    if not (folder / MANIFEST).is_file():
        raise RunFolderError(f"{folder}: has no {MANIFEST}; allowed is a folder that `satsim run` wrote")
    try:
        return _read_run(folder)
    except (OSError, ValueError) as error:
        raise RunFolderError(f"{folder}: a broken run folder: {error}") from error


def _read_run(folder: Path) -> Run:
    manifest = _valid(MANIFEST, TypeAdapter(Manifest), _read_json(folder / MANIFEST))
    if not manifest.photos:
        raise ValueError(f"{MANIFEST}: photos: found none, allowed one or more")
    if (manifest.usable_dists is None) != (manifest.detail_dists is None):
        raise ValueError(f"{MANIFEST}: found one of usable_dists and detail_dists, allowed both or neither")
    is_mean = manifest.photos[0].run is not None
    is_spread = (folder / SPREAD).is_file()
    scenario = load_scenario(folder / SCENARIO)
    summary = _read_summary(folder / SUMMARY, TypeAdapter[Summary](MeanSummary if is_mean else SchemeSummary))
    unknown = summary.keys() - {scheme.name for scheme in scenario.schemes}
    if unknown:
        raise ValueError(f"{SUMMARY} has {cut(min(unknown))}, which is no scheme of {SCENARIO}")
    return Run(
        folder=folder,
        scenario=scenario,
        manifest=manifest,
        summary=summary,
        timeline=_read_csv(folder / TIMELINE, MeanRow if is_mean else TimelineRow, summary),
        events=() if is_mean else _read_csv(folder / EVENTS, Event, summary),
        spread=_read_summary(folder / SPREAD, TypeAdapter(SchemeSpread)) if is_spread else {},
        spread_rows=_read_csv(folder / SPREAD_ROWS, SpreadRow, summary) if is_spread else (),
        windows=_read_csv(folder / WINDOWS, Span) if (folder / WINDOWS).is_file() else (),
    )


def _read_summary(path: Path, summary_type: TypeAdapter[Valid]) -> dict[str, Valid]:
    summaries = _read_json(path)
    if not isinstance(summaries, dict) or not summaries:
        raise ValueError(f"{path.name}: found {shown(summaries)}, allowed: a mapping with an entry a scheme")
    return {
        scheme: _valid(f"{path.name}: {scheme}", summary_type, fields) for scheme, fields in summaries.items()
    }


def _read_csv(path: Path, kind: type[Line], schemes: Collection[str] = ()) -> tuple[Line, ...]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:  # a spreadsheet puts a mark first
            reader, row_type = csv.DictReader(file), TypeAdapter(kind)
            columns = reader.fieldnames or ()
            if sorted(columns) != sorted(kind._fields):  # else a table without rows could be any
                found = cut(",".join(columns))
                raise ValueError(f'{path.name}: header: found "{found}", allowed: {",".join(kind._fields)}')
            return tuple(_valid(where, row_type, row) for where, row in _cells(reader, path, schemes))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path.name}: {error}") from None


def _cells(
    reader: "csv.DictReader[str]", file: Path, schemes: Collection[str]
) -> Iterator[tuple[str, dict[str, str | None]]]:
    """Yield each row with its place; an empty cell is None.

    ValueError for a row of another length, a number beyond `MOST`, a time before 0, and for a scheme or
    stages that no run has: rows of others would be passed over, and pictures are found by both.
    """
    for row in reader:
        where, n_columns = f"{file.name}, line {reader.line_num}", len(reader.fieldnames or ())
        n_cells = sum(text is not None for text in row.values()) + len(row.get(None, ())[1:])
        if n_cells != n_columns:  # of a cut row the last cells would count as not measured
            raise ValueError(f"{where}: found {n_cells} cells, allowed: {n_columns}, as in the header")
        if "scheme" in row and row["scheme"] not in schemes:
            raise ValueError(f"{where}: scheme: found {shown(row['scheme'])}, allowed: {', '.join(schemes)}")
        if not STAGES.fullmatch(row.get("stages") or ""):
            raise ValueError(f"{where}: stages: found {shown(row['stages'])}, allowed: such as 1-2+4")
        numbers = {column: text for column, text in row.items() if column not in TEXTS}
        for column, text in numbers.items():
            least = 0 if column.endswith("_s") else -MOST
            if not (_is_within(text, least) or (column == PSNR and text == "inf")):
                allowed = f"numbers from {least} to {MOST}"
                raise ValueError(f"{where}: {column}: found {cut(str(text))}, allowed: {allowed}")
        yield where, row | {column: text or None for column, text in numbers.items()}


def _is_within(text: object, least: float = -MOST) -> bool:
    """Whether a text is no number, or one from `least` to `MOST`."""
    try:
        return least <= float(str(text)) <= MOST  # nor a nan
    except ValueError:
        return True


def _read_json(path: Path) -> Any:
    """Return what a JSON file says; raises ValueError naming it, for a number beyond `MOST` too."""

    def within(text: str) -> float:
        if not _is_within(text):
            raise ValueError(f"found {cut(text)}, allowed: numbers from {-MOST} to {MOST}")
        return float(text)

    def whole(text: str) -> int:
        within(text)
        return int(text)

    try:
        return json.loads(path.read_bytes(), parse_float=within, parse_int=whole, parse_constant=within)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path.name}: {error}") from None


def _valid(where: str, kind: TypeAdapter[Valid], content: object) -> Valid:
    """Return plain data as what it is; raises ValueError naming the place of the first fault."""
    try:
        return kind.validate_python(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = f"{where}: {dotted(first['loc'])}".removesuffix(": ")
        raise ValueError(f"{place}: found {shown(first['input'])}; {first['msg']}") from None
