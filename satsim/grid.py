"""A grid over a scenario's keys: `link.loss.rate=0,0.05,0.2`, `codec.stages=1..5`, and every combination."""

import itertools
import json
import math
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from satsim.complaints import cut
from satsim.errors import InputError, ScenarioError
from satsim.yaml_text import parsed

MOST_POINTS = 100_000
MOST_RANGE_CHARS = 40  # of first..last
RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)")
ALLOWED = "KEY=VALUES, such as link.loss.rate=0,0.05,0.2, codec.stages=1..5 or repair=[{kind: none}, ...]"


class Axis(NamedTuple):
    """A scenario's key and the values that it takes, as YAML texts."""

    key: str
    values: tuple[str, ...]


class Point(NamedTuple):
    """One place of the grid."""

    number: int  # from 0, the last axis first
    values: tuple[str, ...]  # one an axis
    overrides: tuple[str, ...]  # as for `satsim run --set`


def axis_of(text: str) -> Axis:
    """Read one axis: values apart by commas, whole numbers as first..last, or a YAML list of anything.

    Raises InputError.
    """
    key, equals, listed = text.partition("=")
    if not equals or not all(key.split(".")) or not listed.strip():
        raise _refused(text, ALLOWED)
    values = _in_list(text, listed) if listed.lstrip().startswith("[") else _apart(text, listed)
    if len(set(values)) < len(values):
        raise _refused(text, "each value once")
    return Axis(key, values)


def points_of(axes: Sequence[Axis]) -> list[Point]:
    """Return every combination, the last axis running fastest; raises InputError for a key met twice."""
    keys = [axis.key for axis in axes]
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice:
        raise _refused(twice, "each key once")
    for key, other in itertools.permutations(keys, 2):
        if other.startswith(f"{key}."):
            raise _refused(f"{key} and {other}", f"one of the two, or -s {other}=VALUE for every point")
    n_points = math.prod(len(axis.values) for axis in axes)
    if n_points > MOST_POINTS:
        raise _refused(f"{n_points} combinations", f"at most {MOST_POINTS}")
    combinations = itertools.product(*(axis.values for axis in axes))
    return [
        Point(number, values, tuple(f"{key}={value}" for key, value in zip(keys, values, strict=True)))
        for number, values in enumerate(combinations)
    ]


def _apart(text: str, listed: str) -> tuple[str, ...]:
    values: list[str] = []
    for part in (part.strip() for part in listed.split(",")):
        ends = RANGE.fullmatch(part)
        if not part or any(char in part for char in "{}[]"):
            raise _refused(text, ALLOWED)
        if ends is None:
            values.append(part)
            continue
        if len(part) > MOST_RANGE_CHARS:
            raise _refused(text, ALLOWED)
        first, last = int(ends[1]), int(ends[2])
        if not first <= last < first + MOST_POINTS:
            raise _refused(text, f"first..last in that order, at most {MOST_POINTS} values")
        values += [str(value) for value in range(first, last + 1)]
    return tuple(values)


def _in_list(text: str, listed: str) -> tuple[str, ...]:
    try:
        values: Any = parsed(listed, "--grid")
    except ScenarioError:
        raise _refused(text, f"a list in YAML; {ALLOWED}") from None
    if not isinstance(values, list) or not values:
        raise _refused(text, f"a list of at least one value; {ALLOWED}")
    try:
        return tuple(_as_yaml(value) for value in values)
    except (ValueError, RecursionError):  # a number of thousands of digits
        raise _refused(text, f"values that a scenario can have; {ALLOWED}") from None


def _as_yaml(value: object) -> str:
    return json.dumps(value, default=str, ensure_ascii=False)


def _refused(found: str, allowed: str) -> InputError:
    return InputError(f"--grid: found {cut(found)}; allowed: {allowed}")
