"""A grid means exactly the points that its text says."""

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satsim.errors import InputError
from satsim.grid import Axis, axis_of, points_of


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("link.loss.rate=0,0.05, 0.2", ("0", "0.05", "0.2")),
        ("codec.stages=1..5", ("1", "2", "3", "4", "5")),
        ("codec.stages=1..2,5", ("1", "2", "5")),
        ("a=-2..-1", ("-2", "-1")),
        ("link=iridium_sbd_9603,skylo_nbntn", ("iridium_sbd_9603", "skylo_nbntn")),
        (
            "repair=[{kind: none}, {kind: repeat, times: 2}]",
            ('{"kind": "none"}', '{"kind": "repeat", "times": 2}'),
        ),
        ("image.size=[[64, 64], [128, 64]]", ("[64, 64]", "[128, 64]")),
    ],
)
def test_an_axis_takes_the_values_that_stand_there(text: str, values: tuple[str, ...]) -> None:
    assert axis_of(text) == Axis(text.partition("=")[0], values)


def test_points_are_all_combinations_the_last_axis_fastest() -> None:
    points = points_of([axis_of("a.b=1..2"), axis_of("c=x,y")])
    assert [point.overrides for point in points] == [
        ("a.b=1", "c=x"),
        ("a.b=1", "c=y"),
        ("a.b=2", "c=x"),
        ("a.b=2", "c=y"),
    ]
    assert [point.number for point in points] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("link.loss.rate", "found link.loss.rate; allowed: KEY=VALUES"),
        ("=1,2", "found =1,2; allowed: KEY=VALUES"),
        ("a..b=1", "found a..b=1; allowed: KEY=VALUES"),
        ("a=", "found a=; allowed: KEY=VALUES"),
        ("a=1,,2", "found a=1,,2; allowed: KEY=VALUES"),
        ("a=1,1", "found a=1,1; allowed: each value once"),
        ("a=5..1", "found a=5..1; allowed: first..last in that order"),
        ("a=0..1000000000", "found a=0..1000000000; allowed: first..last in that order, at most 100000"),
        ("a=[1, 2", "found a=[1, 2; allowed: a list in YAML"),
        ("a=[]", "found a=[]; allowed: a list of at least one value"),
        ("a={x: 1}", "found a={x: 1}; allowed: KEY=VALUES"),
    ],
)
def test_a_broken_axis_is_named(text: str, found: str) -> None:
    with pytest.raises(InputError, match=re.escape(f"--grid: {found}")):
        axis_of(text)


def test_a_key_twice_or_too_many_points_are_refused() -> None:
    with pytest.raises(InputError, match=r"--grid: found a; allowed: each key once"):
        points_of([axis_of("a=1"), axis_of("a=2")])
    with pytest.raises(InputError, match=r"--grid: found 1000000 combinations; allowed: at most 100000"):
        points_of([axis_of("a=1..1000"), axis_of("b=1..1000")])
    with pytest.raises(InputError, match="found a and a.b; .* or -s a.b=VALUE for every point"):
        points_of([axis_of("a.b=1"), axis_of("a=1,2")])


@pytest.mark.parametrize("text", ["a=[{[1]: 2}]", "a=[{2020-01-01: x}]", "a=[&a [*a]]", f"a=1..{'9' * 5000}"])
def test_values_that_no_scenario_has_are_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"--grid: found .*; allowed: "):
        axis_of(text)


def test_a_key_within_another_is_refused() -> None:
    axes = [axis_of("link.loss.rate=0,0.1"), axis_of("link.loss=[{rate: 0.5}]")]
    for each in (axes, axes[::-1]):
        with pytest.raises(InputError, match="found link.loss and link.loss.rate; allowed: one of the two"):
            points_of(each)


@given(st.text(max_size=30))
def test_any_text_is_an_axis_or_an_input_error(text: str) -> None:
    with contextlib.suppress(InputError):
        assert axis_of(text).values
