"""A sweep: every point once, in any number of processes, into one table."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image
from typer.testing import CliRunner

from satsim import workers
from satsim.cli import app
from satsim.scenario import load_scenario
from satsim.sweep_point import run_point
from satsim.terminal import sweep_table
from tests.satsim.conftest import work_here
from tests.satsim.tiny_sweep import SCENARIO, command_of, rows_of, swept, tiny_in

SHOWN = {"t_first_s_median": 60.0, "t_first_s_share": 1.0}
GRID = ["-g", "link.loss.rate=0,0.3", "-g", "link.payload_bytes=600,1200"]
PROCESSES = workers.local_workers


@pytest.fixture(autouse=True)
def _no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    work_here(monkeypatch)


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return tiny_in(tmp_path)


def test_the_table_has_what_each_point_alone_gives_in_any_number_of_processes(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = swept(tiny, *GRID, out="one")
    monkeypatch.setattr(workers, "local_workers", PROCESSES)
    two = swept(tiny, *GRID, "-j2", out="two")
    assert (one / "sweep.csv").read_bytes() == (two / "sweep.csv").read_bytes()
    rows = rows_of(one)
    assert [(row["link.loss.rate"], row["link.payload_bytes"], row["scheme"]) for row in rows] == [
        (rate, payload, scheme)
        for rate in ("0", "0.3")
        for payload in ("600", "1200")
        for scheme in ("raw", "webp")
    ]
    point = load_scenario(tiny, ["link.loss.rate=0.3", "link.payload_bytes=600"])
    alone = run_point(point)
    assert float(rows[4]["t_final_s"]) == alone[0]["t_final_s"]
    assert int(rows[4]["packets_lost"]) == alone[0]["packets_lost"] > 0


def test_parquet_and_json_hold_the_rows_of_the_csv(tiny: Path) -> None:
    target = tiny.parent / "out"
    command = ["sweep", str(tiny), "-o", str(target), *GRID, "--runs", "20", "--json"]
    result = CliRunner().invoke(app, command)
    records = json.loads(result.stdout)
    assert pq.read_table(target / "sweep.parquet").to_pylist() == records
    assert list(rows_of(target)[0]) == list(records[0])
    assert records[0]["t_first_s_median"] == 60 and records[0]["t_first_s_share"] == 1
    assert pq.read_schema(target / "sweep.parquet").field("link.loss.rate").type == "double"


def test_a_larger_grid_runs_only_what_is_new(tiny: Path) -> None:
    target = swept(tiny, "-g", "seed=1..2")
    before = {path: path.stat().st_mtime_ns for path in (target / "points").iterdir()}
    swept(tiny, "-g", "seed=1..3")
    after = {path: path.stat().st_mtime_ns for path in (target / "points").iterdir()}
    assert len(before) == 2 and len(after) == 3
    assert before.items() <= after.items()


def test_another_photo_or_a_broken_result_is_run_again(tiny: Path) -> None:
    target = swept(tiny, "-g", "seed=1")
    (first,) = (target / "points").iterdir()
    whole = first.read_bytes()
    first.write_bytes(whole[:50])
    swept(tiny, "-g", "seed=1")
    assert first.read_bytes() == whole
    Image.new("RGB", (40, 40), "red").save(tiny.parent / "photo.png")
    subprocess.run(command_of(tiny, "-g", "seed=1"), check=True, capture_output=True)
    assert len(list((target / "points").iterdir())) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["-g", "link.loss.rate=0,2"],
            "override link.loss.rate=2: link.loss.rate: found 2; allowed: a",
        ),
        (["-g", "link.lose=1"], "link.lose: found an unknown key; allowed: preset, payload_bytes"),
        (["-g", "seed=1", "-g", "seed=2"], "--grid: found seed; allowed: each key once"),
        (["-g", "image.path=gone.png"], "image.path=gone.png: "),
    ],
)
def test_what_cannot_be_swept_is_named_before_anything_is_written(
    tiny: Path, arguments: list[str], message: str
) -> None:
    target = tiny.parent / "out"
    result = CliRunner().invoke(app, ["sweep", str(tiny), "-o", str(target), *arguments])
    assert result.exit_code == 2
    assert re.search(re.escape(message), result.stderr), result.stderr
    assert not target.exists()


@pytest.mark.parametrize(("rates", "same"), [("0", True), ("0.3", False), ("0,0.3", False)])
def test_runs_that_are_all_the_same_are_told_so(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, rates: str, same: bool
) -> None:
    row = {"scheme": "raw", **SHOWN}
    monkeypatch.setattr("satsim.sweep.run_tasks", lambda tasks, *_: [[row] for _ in tasks])
    command = ["sweep", str(tiny), "-o", str(tiny.parent), "-g", f"link.loss.rate={rates}"]
    result = CliRunner().invoke(app, [*command, "--runs", "3"])
    assert result.exit_code == 0, result.output
    assert ("all 3 runs are the same: nothing in this scenario" in result.stdout) == same


def test_points_that_cannot_be_sent_are_left_out_where_that_is_asked_for(tiny: Path) -> None:
    target = tiny.parent / "out"
    command = ["sweep", str(tiny), "-o", str(target), "-g", "link.payload_bytes=20,0,600"]
    refused = CliRunner().invoke(app, command)
    assert (refused.exit_code, target.exists()) == (2, False)
    done = CliRunner().invoke(app, [*command, "--keep-going", "--json"])
    rows = json.loads(done.stdout)
    assert [(row["link.payload_bytes"], row["scheme"]) for row in rows] == [(600, "raw"), (600, "webp")]
    lines = done.stderr.splitlines()
    assert [line.partition(": ")[0] for line in lines] == ["left out"] * 2
    assert lines[0].partition(": ")[2] == refused.stderr.strip().removeprefix("satsim: ")
    none = CliRunner().invoke(app, ["sweep", str(tiny), "-g", "link.payload_bytes=0,20", "-k"])
    assert (none.exit_code, none.stderr.count("\n")) == (2, 1)


def test_a_folder_with_other_things_is_left_alone(tiny: Path) -> None:
    other = tiny.parent / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("mine")
    result = CliRunner().invoke(app, ["sweep", str(tiny), "-o", str(other), "-g", "seed=1"])
    assert result.exit_code == 2
    assert "found something else; allowed: a new or empty folder, or a sweep's" in result.stderr
    assert [path.name for path in other.iterdir()] == ["thesis.txt"]


def test_a_photo_folder_gives_means(tiny: Path) -> None:
    album = tiny.parent / "album"
    album.mkdir()
    for name in ("a.png", "b.png"):
        Image.open(tiny.parent / "photo.png").save(album / name)
    (album / "cut.png").write_bytes(b"cut")
    target = swept(tiny, "-g", "seed=1..2", "--image", str(album))
    rows = rows_of(target)
    assert [row["photos"] for row in rows] == ["2", "2", "2", "2"]
    many = rows_of(swept(tiny, "-g", "seed=1..2", "--image", str(album), "--runs", "40", out="many"))
    assert any(float(row["t_first_s_mean_ci95"]) > 0 for row in many), "photos that meet losses of their own"
    assert many[0]["t_first_s_p5"] != many[0]["t_first_s_p95"]
    again = ["sweep", str(tiny), "-g", "seed=1", "--image", str(album), "-o", str(target)]
    assert f"left out: {album}/cut.png: not an image" in CliRunner().invoke(app, again).stdout


def test_without_distributed_dask_says_what_to_install(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    result = CliRunner().invoke(app, ["sweep", str(tiny), "-g", "seed=1", "--dask", "tcp://127.0.0.1:1"])
    assert result.exit_code == 2
    assert "pip install 'progic-satsim[dask]'" in result.stderr


@pytest.mark.parametrize(
    ("row", "cells"),
    [
        ({"t_first_s": 60.0, "t_usable_s": 60.0, "t_final_s": 300.0, "dists_final": 0.2}, ["–"]),
        (SHOWN, ["–"]),  # pictures, but no DISTS
        ({"t_first_s_share": 0.0, "t_usable_s_share": 0.0}, ["100.0%"]),
        (SHOWN | {"t_usable_s_share": 0.75, "dists_final_mean": 0.2}, ["25.0%"]),
    ],
)
def test_a_table_of_single_and_many_runs_shows_both(row: dict[str, float], cells: list[str]) -> None:
    many = {"scheme": "raw", "t_first_s_median": 60.0}
    table = sweep_table([], [many, {"scheme": "raw", **row}])
    shown = [list(column.cells)[1] for column in table.columns]
    assert shown[-1:] == cells
    assert (shown[1] == "1:00") == ("t_first_s" in row or "t_first_s_median" in row)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([*GRID, "-s", "codec.model=f99"], "override codec.model=f99 (at {point}): codec.model: found f99;"),
        ([*GRID, "-s", "codec.stages=7"], "override codec.stages=7 (at {point}): codec.stages: found 7;"),
        (["-g", "codec.bits_per_index=9"], "override codec.bits_per_index=9: codec.bits_per_index: found 9;"),
        (GRID, "{base} (at {point}): codec.downsampling_factor: found 8;"),
    ],
)
def test_a_codec_that_is_none_is_told_before_the_sweep_with_its_source_and_key(
    tiny: Path, arguments: list[str], told: str
) -> None:
    text = SCENARIO.replace("codec: identity", "codec: progic").replace("[32, 32]", "[64, 64]")
    base = tiny.with_name("base.yaml")
    base.write_text(f"{text}codec: {{downsampling_factor: {16 if '{base}' not in told else 8}}}\n")
    tiny.write_text("extends: base.yaml\n")
    out = tiny.parent / "out"
    result = CliRunner().invoke(app, ["sweep", str(tiny), "-o", str(out), *arguments])
    assert result.exit_code == 2
    point = "link.loss.rate=0, link.payload_bytes=600"
    assert result.output.startswith("satsim: " + told.format(base=base, point=point)), result.output
    assert not out.exists()
