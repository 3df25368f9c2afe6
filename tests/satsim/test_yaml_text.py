"""What YAML says, or one line that names the file: no text hangs, and none ends in a traceback."""

import re
from pathlib import Path

import pytest

from satsim.errors import InputError, ScenarioError
from satsim.grid import axis_of
from satsim.scenario import load_scenario
from satsim.yaml_text import parsed

GOOD = Path(__file__).parent / "good_scenario.yaml"
MERGES = "b0: &b0 {x: 1}\n" + "".join(
    f"b{n}: &b{n} {{<<: [{', '.join([f'*b{n - 1}'] * 40)}]}}\n" for n in range(1, 7)
)


@pytest.mark.timeout(20)
def test_merges_of_merges_are_refused_at_once() -> None:
    with pytest.raises(
        ScenarioError, match="^many.yaml, line 2: found merge key <<; allowed: each key where"
    ):
        parsed(MERGES, "many.yaml")
    with pytest.raises(InputError, match="--grid: found .*; allowed: a list in YAML"):
        axis_of("repair=[&a {kind: none}, {<<: *a}]")


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ("1: 2", 2, "1"),
        ("~: 2", 2, "~"),
        (": 2", 2, "null"),
        ("2020-01-01: 2", 2, "2020-01-01"),
        ("? [a]\n: 2", 2, "of several values"),
        ("seed: 2\nlink: {true: 1}", 3, "true"),
        ("link: !!omap [1: 2]", 2, "1"),
        ("!a c: 2", 2, "c"),
    ],
)
def test_a_key_that_is_no_text_is_blamed_on_the_file_that_has_it(
    tmp_path: Path, text: str, line: int, key: str
) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(f"extends: {GOOD}\n{text}")
    said = f"{path}, line {line}: found key {key}, which is no text; allowed: keys that are texts"
    with pytest.raises(ScenarioError, match=f"^{re.escape(said)}$"):
        load_scenario(path)


def test_a_text_is_a_key_however_it_is_written() -> None:
    assert parsed('{"1": a, \'~\': b, !!str 2: c, "<<": d}', "") == {"1": "a", "~": "b", "2": "c", "<<": "d"}


@pytest.mark.parametrize("value", ['!!int ""', "!!int _", '!!float ""', "!!bool foo", '"\\UFFFFFFFF"'])
def test_a_value_that_is_not_what_it_says_is_named(tmp_path: Path, value: str) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(f"extends: {GOOD}\nseed: {value}")
    with pytest.raises(ScenarioError, match=r"small\.yaml: found broken syntax \(.+\); allowed: YAML 1\.2"):
        load_scenario(path)
    said = re.escape(f"override seed={value}: found broken syntax")
    with pytest.raises(ScenarioError, match=said):
        load_scenario(GOOD, [f"seed={value}"])
    with pytest.raises(InputError, match="--grid: found .*; allowed: a list in YAML"):
        axis_of(f"seed=[{value}]")
