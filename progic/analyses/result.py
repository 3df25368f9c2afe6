"""What an analysis gives, and its files: one figure (PNG and SVG), one CSV, one JSON."""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure

from progic.json_text import json_text
from progic.replacing import replacing

Cell = str | int | float | None
Row = Mapping[str, Cell]
DOTS_PER_INCH = 150


@dataclass(frozen=True)
class Beside:
    """One of our values beside the paper's, as text."""

    what: str
    ours: str
    paper: str
    difference: str
    source: str  # of the paper's value


@dataclass(frozen=True)
class Result:
    """One analysis, made."""

    name: str
    title: str
    reference: str  # what it makes again
    model: str
    photos: int
    rows: tuple[Row, ...]  # all have the same keys
    beside: tuple[Beside, ...]
    notes: tuple[str, ...]  # how it was measured, and what to know before use
    figure: Figure = field(repr=False, compare=False)

    def as_json(self) -> dict[str, object]:
        """Plain data: everything but the figure."""
        return {
            "name": self.name,
            "title": self.title,
            "reference": self.reference,
            "model": self.model,
            "photos": self.photos,
            "beside": [asdict(each) for each in self.beside],
            "notes": list(self.notes),
            "rows": [dict(row) for row in self.rows],
        }


def write(result: Result, out: Path, digest: str) -> list[Path]:
    """Write the four files of a result, each whole or not at all, the JSON last; return their paths.

    `digest` names what the result was made from; `made_from` reads it back.
    """
    paths = _paths(out, result.name)
    paths[3].unlink(missing_ok=True)  # it says what the others are of, until one of them is written
    for path in paths[:2]:
        with replacing(path) as partial, rc_context({"svg.hashsalt": "progic"}):
            result.figure.savefig(
                partial, format=path.suffix[1:], dpi=DOTS_PER_INCH, metadata=_dateless(path.suffix)
            )
    content = {**result.as_json(), "made_from": digest}
    for path, text in (
        (paths[2], _csv(result.rows)),
        (paths[3], json_text(content) + "\n"),
    ):
        with replacing(path) as partial:
            partial.write_text(text, encoding="utf-8", newline="\n")
    return paths


def made_from(out: Path, name: str) -> str | None:
    """The digest that an analysis in `out` was made from; None where a file is missing or damaged."""
    *others, path = _paths(out, name)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    digest = content.get("made_from") if isinstance(content, dict) else None
    return digest if isinstance(digest, str) and all(other.is_file() for other in others) else None


def _paths(out: Path, name: str) -> list[Path]:
    return [out / f"{name}{suffix}" for suffix in (".png", ".svg", ".csv", ".json")]


def _csv(rows: tuple[Row, ...]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _dateless(suffix: str) -> dict[str, str | None]:
    """No date in the file: the same result is the same bytes."""
    return {"Date": None} if suffix == ".svg" else {}
