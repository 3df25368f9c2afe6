"""A comparison from the command line: exact tables, any number of processes, and what is refused.

All tests but the one of processes work in this one.
"""

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from satsim import workers
from satsim.cli import app
from satsim.compare_photo import send_photo_by_all
from satsim.contest import load_contest, open_photos
from satsim.errors import ScenarioError
from tests.satsim.conftest import work_here

SCENARIO = """
name: tiny
image: {path: photos, size: [32, 32]}
sender: {encode_s: 0}
link: {payload_bytes: 1044, interval_s: 60}
schemes:
  - {name: raw, codec: identity, delivery: progressive, budget_bytes: 4000}
  - {name: whole, codec: identity, delivery: high, budget_bytes: 4000}
metrics: [psnr_db]
seed: 3
"""
SLOW = "extends: tiny.yaml\nname: slow\nlink: {interval_s: 120}\n"
PROCESSES = workers.local_workers
FILES = ["compare.csv", "compare.json", "compare.png", "compare.svg", "minutes.csv", "photos.csv"]


@pytest.fixture(autouse=True)
def _no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    work_here(monkeypatch)


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    for number, name in enumerate(("a.png", "b.png", "c.png")):
        pixels = np.random.default_rng(number).integers(0, 256, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / name)
    (tmp_path / "tiny.yaml").write_text(SCENARIO, encoding="utf-8")
    (tmp_path / "slow.yaml").write_text(SLOW, encoding="utf-8")
    return tmp_path / "tiny.yaml"


def compared(tiny: Path, *arguments: str, out: str = "out") -> Path:
    target = tiny.parent / out
    result = CliRunner().invoke(app, ["compare", str(tiny), "-o", str(target), *arguments])
    assert result.exit_code == 0, result.output
    return target


def refusal(tiny: Path, *arguments: str) -> str:
    target = tiny.parent / "out"
    result = CliRunner().invoke(app, ["compare", str(tiny), "-o", str(target), *arguments])
    assert result.exit_code == 2, result.output
    assert not target.exists()
    return result.stderr


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def psnr_db(photo: Path, n_pieces: int) -> float:
    """Of the first pieces of the raw pixels, the rest grey."""
    with Image.open(photo) as image:
        pixels = np.asarray(image, dtype=np.float64).reshape(-1)
    missing = pixels[n_pieces * 1024 :] - 128
    return 10 * math.log10(255**2 / ((missing**2).sum() / len(pixels)))


def test_tables_are_worked_by_hand(tiny: Path) -> None:
    target = compared(tiny)
    assert sorted(path.name for path in target.iterdir()) == sorted([*FILES, "photos"])
    raw, whole = rows_of(target / "compare.csv")
    assert [raw[name] for name in ("competitor", "photos", "runs", "photos_usable")] == ["raw", "3", "1", ""]
    assert [raw[f"t_{mark}_s_mean"] for mark in ("first", "usable", "final")] == ["60.0", "", "180.0"]
    assert [whole[f"t_{mark}_s_mean"] for mark in ("first", "usable", "final")] == ["180.0", "", "180.0"]
    assert whole["t_final_s_mean_ci95"] == "0.0"
    assert (raw["usable_win_rate_mean"], whole["psnr_db_final_win_rate_mean"]) == ("", "0.5")
    assert raw["bd_time_percent_mean"] == "0.0"
    assert whole["bd_note"] == "no curve: never two pictures, the second the better"
    first = [psnr_db(tiny.parent / "photos" / name, 1) for name in ("a.png", "b.png", "c.png")]
    assert float(raw["psnr_db_first_mean"]) == pytest.approx(np.mean(first), abs=2e-4)
    ci95 = 4.3027 * np.std(first, ddof=1) / math.sqrt(3)
    assert float(raw["psnr_db_first_mean_ci95"]) == pytest.approx(ci95, abs=2e-4)


def test_each_slot_has_a_row_where_all_is_soon_over(tiny: Path) -> None:
    rows = rows_of(compared(tiny) / "minutes.csv")
    assert [(row["competitor"], row["time_s"], row["share_shown"]) for row in rows] == [
        ("raw", "60.0", "1.0"),
        ("raw", "120.0", "1.0"),
        ("raw", "180.0", "1.0"),
        ("whole", "60.0", "0.0"),
        ("whole", "120.0", "0.0"),
        ("whole", "180.0", "1.0"),
    ]
    two = [psnr_db(tiny.parent / "photos" / name, 2) for name in ("a.png", "b.png", "c.png")]
    assert float(rows[1]["psnr_db_mean"]) == pytest.approx(np.mean(two), abs=2e-4)
    assert float(rows[1]["psnr_db_median"]) == pytest.approx(np.median(two), abs=2e-4)
    assert rows[2]["psnr_db_mean"] == "", "equal pictures have no finite PSNR"


def test_one_and_two_processes_give_the_same_bytes_and_nothing_is_done_twice(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ("-s", "link.loss.rate=0.3", "--runs", "5")
    one = compared(tiny, *options, out="one")
    with monkeypatch.context() as patch:
        patch.setattr(workers, "local_workers", PROCESSES)
        two = compared(tiny, *options, "-j2", out="two")
    for name in FILES:
        assert (one / name).read_bytes() == (two / name).read_bytes(), name
    before = {path: path.stat().st_mtime_ns for path in (one / "photos").iterdir()}
    assert len(before) == 3
    (one / "compare.csv").unlink()
    compared(tiny, *options, out="one")
    assert {path: path.stat().st_mtime_ns for path in (one / "photos").iterdir()} == before
    assert (one / "compare.csv").read_bytes() == (two / "compare.csv").read_bytes()


def test_twice_the_interval_is_twice_the_waiting_time(tiny: Path) -> None:
    target = compared(tiny, str(tiny.parent / "slow.yaml"), "--schemes", "raw")
    fast, slow = rows_of(target / "compare.csv")
    assert [fast["competitor"], slow["competitor"]] == ["tiny", "slow"], (
        "the scenario alone, of one scheme each"
    )
    assert float(slow["bd_time_percent_mean"]) == pytest.approx(100, abs=1e-6)
    assert float(slow["bd_rate_percent_mean"]) == pytest.approx(0, abs=1e-6)
    assert (slow["bd_time_percent_mean_ci95"], slow["bd_share"], slow["bd_note"]) == ("0.0", "1.0", "")


def test_the_anchor_can_be_any_and_json_holds_the_tables(tiny: Path) -> None:
    target = tiny.parent / "out"
    command = ["compare", str(tiny), str(tiny.parent / "slow.yaml"), "-o", str(target), "--json"]
    result = CliRunner().invoke(app, [*command, "--anchor", "slow/raw"])
    found = json.loads(result.stdout)
    assert result.stdout == (target / "compare.json").read_text("utf-8")
    assert (found["anchor"], found["metric"], found["photos"]) == ("slow/raw", "psnr_db", 3)
    assert list(found["competitors"]) == ["tiny/raw", "tiny/whole", "slow/raw", "slow/whole"]
    assert found["competitors"]["tiny/raw"]["bd_time_percent"]["mean"] == pytest.approx(-50, abs=1e-6)
    assert [list(map(str, row.values())) for row in found["by_photo"]] == [
        [value or "None" for value in row.values()] for row in rows_of(target / "photos.csv")
    ]
    assert [row["time_s"] for row in found["minutes"][:6]] == [60, 120, 180, 240, 300, 360]


def test_a_photo_can_be_run_alone_by_its_seed(tiny: Path) -> None:
    loss = ["-s", "link.loss.rate=0.5", "--schemes", "raw"]
    rows = rows_of(compared(tiny, *loss) / "photos.csv")
    assert len({row["seed"] for row in rows}) == 3, "each photo meets losses of its own"
    for row in rows:
        photo = str(tiny.parent / "photos" / row["photo"])
        alone = compared(tiny, *loss, "--image", photo, "--seed", row["seed"], out=row["photo"])
        assert rows_of(alone / "photos.csv") == [row]


def test_many_runs_of_a_photo_spread_as_in_a_run_folder(tiny: Path) -> None:
    options = ["--image", str(tiny.parent / "photos" / "a.png"), "-s", "link.loss.rate=0.3", "--runs", "40"]
    ours = json.loads((compared(tiny, *options) / "compare.json").read_text())["competitors"]
    folder = tiny.parent / "run"
    result = CliRunner().invoke(app, ["run", str(tiny), "-o", str(folder), *options])
    assert result.exit_code == 0, result.output
    theirs = json.loads((folder / "monte_carlo.json").read_text())
    for scheme in ("raw", "whole"):
        for figure in ("t_first_s", "t_final_s"):
            assert ours[scheme][figure] == theirs[scheme][figure]
        assert theirs[scheme]["t_final_s"]["mean_ci95"] > 0


def test_where_one_scenario_draws_nothing_its_runs_are_equal(tiny: Path) -> None:
    lossy = tiny.parent / "lossy.yaml"
    lossy.write_text("extends: tiny.yaml\nname: lossy\nlink: {loss: {rate: 0.3}}\n", encoding="utf-8")
    photo = str(tiny.parent / "photos" / "a.png")
    contest = load_contest([tiny, lossy], [f"image.path={photo}", "runs=4"], ["raw"], None)
    (job,) = open_photos(contest).jobs
    still, drawn = (row["trials"] for row in send_photo_by_all(job.given))
    assert len(still) == len(drawn) == 4
    assert all(trial == still[0] for trial in still)
    assert any(trial != drawn[0] for trial in drawn)


def test_schemes_of_one_model_share_pictures_of_a_photo(
    toy_scenario: Path, toy_codec: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("satsim.compare_photo._models", lambda name, steps: dict.fromkeys(steps, toy_codec))
    other = toy_scenario.parent / "other.yaml"
    text = "extends: toy.yaml\nname: other\nlink: {interval_s: 30}\ncodec: {stages: 2}\n"
    other.write_text(text, encoding="utf-8")
    contest = load_contest([toy_scenario, other], [], ["progressive", "low_bpp", "high_bpp"], None)
    (job,) = open_photos(contest).jobs
    rows = send_photo_by_all(job.given)
    assert [len(row["trials"][0]["pictures"]) for row in rows] == [3, 1, 1, 2, 1, 1]
    assert (toy_codec.n_encoded, toy_codec.n_decoded) == (1, 3)  # type: ignore[attr-defined]


def test_a_photo_may_be_sent_smaller_than_it_is_shown(tiny: Path) -> None:
    small = tiny.parent / "small.yaml"
    small.write_text(
        "extends: tiny.yaml\nname: small\nimage: {size: [16, 16], shown: [32, 32]}\n", encoding="utf-8"
    )
    both = rows_of(compared(tiny, str(small)) / "photos.csv")
    for scenario in (tiny, small):
        alone = rows_of(compared(scenario, out=f"alone_{scenario.stem}") / "photos.csv")
        own = [row for row in both if row["competitor"].startswith(f"{scenario.stem}/")]
        assert [row["psnr_db_final"] for row in own] == [row["psnr_db_final"] for row in alone]
    assert all(float(row["psnr_db_final"]) < 20 for row in own)  # noise loses three pixels of four


def test_the_table_and_the_figure_name_who_is_compared(tiny: Path) -> None:
    target = tiny.parent / "out"
    command = ["compare", str(tiny), "-o", str(target)]
    result = CliRunner().invoke(app, command)
    assert "no BD-time – whole: no curve" in result.stdout
    assert "compare.csv" in result.stdout
    assert CliRunner().invoke(app, [*command, "--quiet"]).stdout == ""
    figure = (target / "compare.svg").read_text("utf-8")
    assert "<!-- raw -->" in figure and "<!-- tiny: 3 photos -->" in figure


def test_unknown_names_are_answered_with_those_there_are(tiny: Path) -> None:
    said = "--schemes: found row; allowed: raw, whole (did you mean raw?)"
    assert said in refusal(tiny, "--schemes", "raw,row")
    assert "--anchor: found slow; allowed: raw, whole" in refusal(tiny, "--anchor", "slow")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("image: {size: [64, 64]}", "image.shown: found 64, 64; allowed: 32, 32 as in "),
        ("image: {path: photos/a.png}", "or one for all by --image PATH"),
        ("metrics: [ms_ssim]", "metrics: found ms_ssim; allowed: psnr_db as in "),
        ("usable: {thumbnail_px: 16}", "usable: found thumbnail_px 16; allowed: thumbnail_px 32"),
        ("runs: 7", "runs: found 7; allowed: 1 as in "),
    ],
)
def test_scenarios_that_cannot_be_compared_are_refused(tiny: Path, keys: str, message: str) -> None:
    other = tiny.parent / "other.yaml"
    other.write_text(f"extends: tiny.yaml\nname: other\n{keys}\n", encoding="utf-8")
    found = refusal(tiny, str(other))
    assert message in found and found.startswith(f"satsim: {other}: ")


def test_scenarios_have_names_of_their_own(tiny: Path) -> None:
    assert 'name: found "tiny"; allowed: a name of its own' in refusal(tiny, str(tiny))


def test_a_folder_without_photos_and_a_missing_photo_are_refused(tiny: Path) -> None:
    empty = tiny.parent / "empty"
    empty.mkdir()
    assert "found no photo, it is empty" in refusal(tiny, "--image", str(empty))
    assert "gone.png" in refusal(tiny, "--image", str(tiny.parent / "gone.png"))


def test_a_folder_with_other_things_is_left_alone(tiny: Path) -> None:
    other = tiny.parent / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("mine")
    result = CliRunner().invoke(app, ["compare", str(tiny), "-o", str(other)])
    assert result.exit_code == 2
    assert "allowed: a new or empty folder, or a comparison's" in result.stderr
    assert [path.name for path in other.iterdir()] == ["thesis.txt"]


def test_files_that_are_no_photos_are_said(tiny: Path) -> None:
    (tiny.parent / "photos" / "notes.txt").write_text("no photo")
    target = tiny.parent / "out"
    result = CliRunner().invoke(app, ["compare", str(tiny), "-o", str(target)])
    assert "left out: " in result.stdout and "notes.txt" in result.stdout
    assert json.loads((target / "compare.json").read_text())["skipped"][0]["name"] == "notes.txt"


def test_a_fleet_is_not_compared_by_its_first_handset(tiny: Path) -> None:
    with pytest.raises(ScenarioError, match="fleet.handsets: found 10; allowed: 1 where schemes"):
        load_contest([tiny], ["fleet={handsets: 10, access: turns}"], [], None)
