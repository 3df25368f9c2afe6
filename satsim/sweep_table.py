"""A sweep's results as one table: sweep.csv and sweep.parquet, the same rows in both."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from satsim.csv_file import write_csv
from satsim.grid import Axis, Point
from satsim.yaml_text import parsed

CSV, PARQUET = "sweep.csv", "sweep.parquet"
TEXTS = frozenset({"scheme", "note"})

Cell = float | int | str | None


def table_of(
    axes: Sequence[Axis], points: Sequence[Point], results: Sequence[Sequence[Mapping[str, Cell]]]
) -> dict[str, list[Cell]]:
    """Return columns: a column an axis, by its key, then those of the results; a row a point and scheme.

    An axis of numbers alone is a column of numbers, any other a column of YAML texts. What a result does not
    have (`t_usable_s_mean` of a single run) is None.
    """
    rows = [(point, row) for point, rows in zip(points, results, strict=True) for row in rows]
    table: dict[str, list[Cell]] = {}
    for at, axis in enumerate(axes):
        cells = _cells_of(axis)
        table[axis.key] = [cells[point.values[at]] for point, _ in rows]
    for name in dict.fromkeys(name for _, row in rows for name in row):
        table[name] = [row.get(name) for _, row in rows]
    return table


def write_table(target: Path, table: Mapping[str, Sequence[Cell]]) -> None:
    """Write sweep.csv and sweep.parquet into `target`."""
    write_csv(target / CSV, list(table), zip(*table.values(), strict=True))
    pq.write_table(pa.table({name: _array(name, cells) for name, cells in table.items()}), target / PARQUET)


def records_of(table: Mapping[str, Sequence[Cell]]) -> list[dict[str, Cell]]:
    """Return a mapping for each row."""
    return [dict(zip(table, cells, strict=True)) for cells in zip(*table.values(), strict=True)]


def _cells_of(axis: Axis) -> dict[str, Cell]:
    values = {text: parsed(text, axis.key) for text in axis.values}
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values.values()):
        return values
    return {text: value if isinstance(value, str) else text for text, value in values.items()}


def _array(name: str, cells: Sequence[Cell]) -> pa.Array:
    """Return a column of one type: text, whole numbers, or numbers; of Nones alone, numbers."""
    there = [cell for cell in cells if cell is not None]
    if name in TEXTS or any(isinstance(cell, str) for cell in there):
        return pa.array(cells, pa.string())
    is_whole = there and all(isinstance(cell, int) for cell in there)
    return pa.array(cells, pa.int64() if is_whole else pa.float64())
