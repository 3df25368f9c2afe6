"""How satsim writes tables as CSV, and numbers in JSON: the same six decimals in both."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

DECIMALS = 6  # of every figure written: a microsecond, a millionth of a DISTS


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a header and rows; None is an empty cell, truth is true or false, floats have six decimals."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_cell(value) for value in row] for row in rows)


def rounded(value: Any) -> Any:
    """Return plain data with its floats to six decimals, as in the tables."""
    if isinstance(value, Mapping):
        return {key: rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(each) for each in value]
    return round(value, DECIMALS) if isinstance(value, float) else value


def json_text(value: object) -> str:
    """Return plain data as JSON, its numbers as in the tables."""
    return json.dumps(rounded(value), indent=2, allow_nan=False)


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return round(value, DECIMALS) if isinstance(value, float) else value  # csv writes None as nothing
