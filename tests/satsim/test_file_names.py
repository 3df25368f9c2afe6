"""File names that are no UTF-8: old archives have them, and whole folders would be lost for one."""

import csv
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from satsim.cli import app
from satsim.complaints import printable
from satsim.intake import photo_seed
from satsim.rundir import read_run
from tests.satsim.conftest import smooth_photo

SCENARIO = """
name: names
image: {path: photos, size: [32, 32]}
sender: {encode_s: 0}
link: {payload_bytes: 600, interval_s: 60}
schemes: [{name: raw, codec: identity, delivery: progressive, budget_bytes: 4000}]
metrics: [psnr_db]
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere all file names are Unicode")


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    """A scenario over photos whose names are Latin-1, two alike to a reader, and a text file beside them."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in ("caf\udce9.png", "caf\udce8.png", "b.png"):
        smooth_photo(5).save(photos / name)
    (photos / "r\udce9sum\udce9.txt").write_text("no photo")
    (tmp_path / "names.yaml").write_text(SCENARIO, encoding="utf-8")
    return tmp_path / "names.yaml"


def test_a_run_over_a_folder_takes_them(scenario: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["run", str(scenario), "-o", str(tmp_path / "out"), "-q"])
    assert result.exit_code == 0, result.output
    manifest = read_run(tmp_path / "out").manifest
    assert [photo.name for photo in manifest.photos] == ["b.png", "caf\ufffd.png", "caf\ufffd.png"]
    folders = [photo.run for photo in manifest.photos]
    assert folders == ["photos/b", "photos/caf\ufffd", "photos/caf\ufffd.png"]
    for folder in folders:
        assert read_run(tmp_path / "out" / str(folder)).summary["raw"].packets_sent
    assert [skipped.name for skipped in manifest.skipped] == ["r\ufffdsum\ufffd.txt"]


def test_a_comparison_takes_them(scenario: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["compare", str(scenario), "-o", str(tmp_path / "out"), "-q"])
    assert result.exit_code == 0, result.output
    with (tmp_path / "out" / "photos.csv").open(encoding="utf-8", newline="") as file:
        assert [row["photo"] for row in csv.DictReader(file)] == ["b.png", "caf\ufffd.png", "caf\ufffd.png"]


@pytest.mark.parametrize(
    ("name", "shown"), [("caf\udce9.png", "caf\ufffd.png"), ('\U0001f600 "\\u00e9".png', None)]
)
def test_one_can_be_named_as_an_option(scenario: Path, tmp_path: Path, name: str, shown: str | None) -> None:
    photo = scenario.parent / "photos" / name
    smooth_photo(5).save(photo)
    options = ["--image", str(photo), "-o", str(tmp_path / "out"), "-q"]
    result = CliRunner().invoke(app, ["run", str(scenario), *options])
    assert result.exit_code == 0, result.output
    assert read_run(tmp_path / "out").manifest.photos[0].name == (shown or name)


def test_a_name_that_is_no_utf8_has_a_seed_of_its_own() -> None:
    names = ("caf\udce9.png", "caf\udce8.png", "cafe.png")
    assert len({photo_seed(1, name) for name in names}) == len(names)


def test_a_name_keeps_its_spaces_and_loses_what_no_page_can_hold() -> None:
    assert printable("3.04\u202fPM 夏\u3000休み.png") == "3.04\u202fPM 夏\u3000休み.png"
    assert printable("photo\u202egnp.exe\u2066") == "photo\\u202egnp.exe\\u2066"
    assert printable("\U0001f468\u200d\U0001f33e שלום.png") == "\U0001f468\u200d\U0001f33e שלום.png"
    assert printable("a\x1b[31m\nb\u2028c\uffff") == "a\\x1b[31m\\nb\\u2028c\\uffff"
