"""The list of a scenario's keys is whole, and says what messages say."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from satsim.cli import app
from satsim.key_list import keys_of

LISTED_ONCE = {
    "schemes[].sender.": "sender.",
    "schemes[].repair.": "repair.",
    "repair.return_link.loss.": "link.loss.",
    "detail.": "usable.",
}
SCENARIOS = Path(__file__).parents[2] / "scenarios"


def dotted(keys: Any, prefix: str = "") -> set[str]:
    """Return the keys of a scenario file as the list names them."""
    if isinstance(keys, list):
        return {name for each in keys for name in dotted(each, f"{prefix.removesuffix('.')}[].")}
    if not isinstance(keys, dict):
        return set()
    own = {f"{prefix}{key}" for key in keys if key not in ("extends", "kind")}
    return own.union(*(dotted(value, f"{prefix}{key}.") for key, value in keys.items()))


def test_every_key_of_the_shipped_scenarios_is_listed() -> None:
    known = {key.name for key in keys_of()}
    for path in SCENARIOS.glob("*.yaml"):
        used = dotted(YAML(typ="safe").load(path.read_text(encoding="utf-8")))
        for again, first in LISTED_ONCE.items():
            used = {key.replace(again, first) for key in used}
        assert used <= known, (path.name, used - known)


def test_every_key_says_what_is_allowed() -> None:
    assert [key.name for key in keys_of() if not key.allowed] == []


def test_a_key_and_those_below_it() -> None:
    result = CliRunner().invoke(app, ["keys", "link.loss"])
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith(
        "link.loss: none, {rate}, {kind: gilbert_elliott, rate, mean_burst, loss_in_good,"
    )
    assert (
        "link.loss.mean_burst (kind: gilbert_elliott): a number from 1 to 1000000 (packets); required"
        in lines
    )
    assert 'link.loss.after_end (kind: trace): repeat, received or lost; else "repeat"' in lines
    assert all(line.startswith("link.loss") for line in lines)


def test_json_has_them_all() -> None:
    result = CliRunner().invoke(app, ["keys", "--json"])
    assert [key["name"] for key in json.loads(result.stdout)] == [key.name for key in keys_of()]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("repair.kind", "repair.kind (kind: ulp): ulp"),
        ("detail.dists", "detail.dists: a number above 0, up to 1"),
        ("schemes[].sender.encode_s", "schemes[].sender.encode_s: a number from 0 to 604800 (seconds)"),
        ("repair.return_link.loss.rate", "repair.return_link.loss.rate (kind: independent): a number from 0"),
        ("extends", "extends: the path of another scenario file"),
    ],
)
def test_every_key_can_be_asked_for_wherever_it_stands(name: str, line: str) -> None:
    assert line in CliRunner().invoke(app, ["keys", name]).stdout


@pytest.mark.parametrize(
    ("name", "default"),
    [
        ("repair", "{kind: arq_next_slot}"),
        ("sender", "{encode: measured}"),
        ("usable", "{thumbnail_px: 32}"),
        ("link.loss", "{kind: independent}"),
        ("schemes", "[progressive, low_bpp, high_bpp, webp_low, webp_high, avif_low, avif_high]"),
    ],
)
def test_a_section_says_what_holds_without_it(name: str, default: str) -> None:
    (key,) = [key for key in keys_of() if key.name == name]
    assert key.default == default


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("image.shown", "at least image.size; else image.size"),
        ("schemes[].repair", "{kind: ulp, packets, needed}; else the scenario's"),
        ("schemes[].sender.refine_s", "(seconds); else 0"),
        ("link.interval_s", "(seconds); else the preset's; required"),
        ("fleet.transmit_probability", "a number above 0, up to 1; else 1 / handsets"),
    ],
)
def test_a_key_without_a_value_of_its_own_says_what_holds_in_words(name: str, line: str) -> None:
    assert CliRunner().invoke(app, ["keys", name]).stdout.splitlines()[0].endswith(line)


def test_a_section_in_braces_has_all_its_keys() -> None:
    listed = {key.name: key for key in keys_of()}
    for name in ("link.loss", "repair"):
        below = {
            each.removeprefix(f"{name}.").split(".")[0] for each in listed if each.startswith(f"{name}.")
        }
        assert [key for key in below if key not in listed[name].allowed] == []


def test_a_section_whose_keys_say_it_does_not_say_it_again() -> None:
    assert [key.default for key in keys_of() if key.name in ("codec", "fleet", "link.latency")] == [""] * 3


@pytest.mark.parametrize(
    ("name", "near"), [("link.loss.rat", "link.loss.rate"), ("zzz", "a key of a scenario")]
)
def test_a_key_that_is_none_is_refused_with_what_is_near(name: str, near: str) -> None:
    result = CliRunner().invoke(app, ["keys", name])
    assert result.exit_code == 2
    assert f"keys: found {name}; allowed: {near}" in result.stderr


@pytest.mark.parametrize("module", ["satsim", "progic"])
def test_a_reader_that_has_seen_enough_ends_a_list_without_a_word(module: str) -> None:
    command = [sys.executable, "-m", module, {"satsim": "keys", "progic": "info"}[module]]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
