"""A tune's search against brute force, through a kill, and what it says where nothing can be sent."""

import csv
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from torch import Tensor
from typer.testing import CliRunner

from progic.codec import CodecNet
from progic.config import CodecConfig
from progic.weights import save
from satsim.cli import app
from satsim.errors import InputError
from satsim.kept import Row
from satsim.scenario import load_scenario
from satsim.settings import Scenario
from satsim.sweep_point import run_point
from satsim.tune import Asked, Tuning, prepare, scenario_of, search
from satsim.tune_answers import answers_of, cost_of, front_of
from satsim.tune_folder import record_of, write_tuning
from tests.satsim.conftest import smooth_photo, work_here

SCENARIO = """
name: small
image: {path: photo.png, size: [64, 64]}
sender: {encode_s: 0.5}
link: {payload_bytes: 44, interval_s: 60, billing: {unit_bytes: 10, price_usd: 0.5}}
usable: {dists: 0.44}
metrics: [dists]
"""


def tiny_model(path: Path, seed: int, stages: int, factor: int, bits: int) -> None:
    levels = factor.bit_length() - 2
    config = CodecConfig(
        name="tiny",
        n_stages=stages,
        bits_per_index=bits,
        downsampling_factor=factor,
        code_dim=8,
        encoder_widths=(8,) * (levels - 1) + (32,),
        encoder_blocks=(1,) * levels,
        decoder_widths=(32,) + (8,) * (levels - 1),
        decoder_blocks=(1,) * levels,
        fine_width=8,
    )
    torch.manual_seed(seed)
    net = CodecNet(config)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.normal_(std=0.05)
        net.quantizer.codebooks.normal_()
    save(path, net, {})


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, metric_weights: dict[str, Tensor]) -> Path:
    """A folder with two tiny models, f = 16 and f = 8, a photo and a scenario."""
    folder = tmp_path_factory.mktemp("tune")
    tiny_model(folder / "a.safetensors", seed=1, stages=3, factor=16, bits=5)
    tiny_model(folder / "b.safetensors", seed=2, stages=4, factor=8, bits=4)
    smooth_photo(5, (80, 64)).save(folder / "photo.png")
    (folder / "small.yaml").write_text(SCENARIO, encoding="utf-8")
    return folder


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


def asked_of(home: Path, **more: object) -> Asked:
    models = tuple(str(home / f"{name}.safetensors") for name in "ab")
    return Asked(**({"models": models, "sides_px": (32, 48, 64)} | more))  # type: ignore[arg-type]


def tuned(home: Path, target: Path, threads: ThreadPoolExecutor, *overrides: str, **more: object) -> Tuning:
    tuning = prepare(home / "small.yaml", overrides, asked_of(home, **more))
    return search(tuning, target, threads, lambda step, done: None)


def as_run(scenario: Scenario) -> Row:
    """The row that `satsim sweep`, and so `satsim run`, gives for a scenario."""
    return run_point(scenario)[0]


def test_each_candidate_is_what_a_run_of_its_scenario_gives_and_the_answers_are_the_best(
    home: Path, tmp_path: Path, threads: ThreadPoolExecutor
) -> None:
    tuning = tuned(home, tmp_path / "out", threads)
    models = {candidate.model.name[-13:] for candidate in tuning.rows}
    assert len(tuning.rows) >= 8 and models == {"a.safetensors", "b.safetensors"}
    runs = {candidate: as_run(scenario_of(tuning, candidate)) for candidate in tuning.rows}
    for candidate, row in tuning.rows.items():
        run = runs[candidate]
        assert row["dists_deadline"] == run["dists_final"]
        assert row["t_usable_s"] == (run["t_usable_s"] or tuning.limits.deadline_s)
        assert row["messages"] == run["packets_sent"]
        assert row["bytes_on_air"] == run["bytes"]
    usable = [each for each in runs if runs[each]["t_usable_s"] is not None]
    assert 0 < len(usable) < len(runs), "the mark tells nothing"
    answers = {answer.goal: answer.candidate for answer in answers_of(tuning)}
    assert runs[answers["usable"]]["t_usable_s"] == min(runs[each]["t_usable_s"] for each in usable)
    assert runs[answers["deadline"]]["dists_final"] == min(run["dists_final"] for run in runs.values())
    cheapest = min(cost_of(tuning.rows[each]) for each in usable)
    assert cost_of(tuning.rows[answers["cheapest"]]) == cheapest and answers["cheapest"] in usable


def test_the_front_holds_all_that_nothing_beats(
    home: Path, tmp_path: Path, threads: ThreadPoolExecutor
) -> None:
    rows = tuned(home, tmp_path / "out", threads).rows
    points = {(time_s, dists) for row in rows.values() for time_s, dists in row["curve"]}
    unbeaten = {at for at in points if not any(o != at and o[0] <= at[0] and o[1] <= at[1] for o in points)}
    assert {(point.time_s, point.dists) for point in front_of(rows)} == unbeaten


def test_means_over_lossy_runs_are_those_of_a_run(
    home: Path, tmp_path: Path, threads: ThreadPoolExecutor
) -> None:
    tuning = tuned(home, tmp_path / "out", threads, "link.loss.rate=0.3", "runs=40")
    kinds = {candidate.repair.kind for candidate in tuning.rows}
    assert kinds == {"none", "arq_next_slot", "carousel", "repeat", "unequal", "erasure", "ulp"}
    usable = [each for each in tuning.rows if tuning.rows[each]["share_usable"] not in (0, 1)]
    by_pieces = [each for each in usable if each.repair.kind == "ulp"]
    assert by_pieces
    for candidate in usable[:3] + usable[-3:] + by_pieces[:2]:
        row, run = tuning.rows[candidate], as_run(scenario_of(tuning, candidate))
        share = row["share_usable"]
        assert share == run["t_usable_s_share"]
        expected = share * run["t_usable_s_mean"] + (1 - share) * tuning.limits.deadline_s
        assert row["t_usable_s"] == pytest.approx(expected, abs=1e-4)
        assert row["t_first_s"] == run["t_first_s_mean"]


def test_what_is_left_out_has_its_reason(home: Path, tmp_path: Path, threads: ThreadPoolExecutor) -> None:
    tuning = tuned(home, tmp_path / "out", threads, deadline_s=121.0)
    reasons = {
        (each.model.name[-13], each.size[0], each.n_stages): each.reason for each in tuning.space.left_out
    }
    # b at 64x64: 8x8 cells of 4 bits are 32 bytes and 20 of the header
    assert reasons["b", 64, None] == "a stage of 32 bytes and its header of 20 do not fit into 44"
    # b at 48x48: 18 bytes, one a message, and only two messages by 121 s
    assert reasons["b", 48, 3] == "3 messages, of which at most 2 arrive by the deadline"
    # a at 32x32: 2x2 cells of 5 bits are 3 bytes: all three stages ride in the first message, at a bill of 3
    assert reasons["a", 32, 1] == "the last message has room for another stage at no cost"


def test_limits_hold(home: Path, tmp_path: Path, threads: ThreadPoolExecutor) -> None:
    tuning = tuned(home, tmp_path / "out", threads, budget_bytes=60, max_cost_usd=3.0)
    assert tuning.rows
    assert max(row["bytes_on_air"] for row in tuning.rows.values()) <= 60
    assert max(row["price_usd"] for row in tuning.rows.values()) <= 3.0
    tuning = tuned(home, tmp_path / "lossy", threads, "link.loss.rate=0.5", "runs=30", budget_bytes=60)
    assert any("with repeats, over the budget of 60" in each.reason for each in tuning.space.left_out)
    assert max(row["bytes_on_air"] for row in tuning.rows.values()) <= 60


def command_of(home: Path, target: Path, *arguments: str) -> list[str]:
    models = ",".join(str(home / f"{name}.safetensors") for name in "ab")
    command = ["tune", str(home / "small.yaml"), "-o", str(target), "--models", models]
    return [*command, "--sides", "32,48,64", "-j1", *arguments]


def test_a_killed_tune_goes_on_and_ends_with_the_same_files(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work_here(monkeypatch)
    whole, target = tmp_path / "whole", tmp_path / "killed"
    assert CliRunner().invoke(app, command_of(home, whole, "-q")).exit_code == 0
    start = [sys.executable, "-m", "satsim", *command_of(home, target, "-q")]
    process = subprocess.Popen(start, start_new_session=True)
    until_s = time.monotonic() + 120
    while not list(target.glob("points/*.json")):
        assert process.poll() is None and time.monotonic() < until_s
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    before = {path: path.stat().st_mtime_ns for path in target.glob("points/*.json")}
    assert not (target / "tune.json").exists(), "killed too late to tell anything"
    assert CliRunner().invoke(app, command_of(home, target, "-q")).exit_code == 0
    after = {path: path.stat().st_mtime_ns for path in target.glob("points/*.json")}
    assert before.items() < after.items()
    files = sorted(path.name for path in whole.iterdir() if path.is_file())
    assert {"candidates.csv", "front.csv", "tune.json", "tune.png", "tune.svg", "deadline.yaml"} <= set(files)
    assert files == sorted(path.name for path in target.iterdir() if path.is_file())
    for name in files:
        assert (whole / name).read_bytes() == (target / name).read_bytes(), name


def test_the_answers_run_as_they_are_and_say_why(
    home: Path, tmp_path: Path, threads: ThreadPoolExecutor
) -> None:
    tuning = tuned(home, tmp_path / "out", threads)
    answers, front = answers_of(tuning), front_of(tuning.rows)
    write_tuning(tmp_path / "out", tuning, answers, front)
    record = json.loads((tmp_path / "out" / "tune.json").read_bytes())
    for goal in ("usable", "deadline", "cheapest"):
        path = tmp_path / "out" / f"{goal}.yaml"
        assert path.read_text("utf-8").startswith("# ")
        run = as_run(load_scenario(path))
        assert run["dists_final"] == record["answers"][goal]["dists_deadline"]
        assert "-byte message to " in record["answers"][goal]["why"]
    with (tmp_path / "out" / "candidates.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(tuning.rows) + len(tuning.space.left_out)
    assert all(bool(row["left_out"]) != bool(row["dists_deadline"]) for row in rows)


def test_a_folder_gives_means_over_its_photos(
    home: Path, tmp_path: Path, threads: ThreadPoolExecutor
) -> None:
    album = tmp_path / "album"
    (album / "below").mkdir(parents=True)
    for seed, name in enumerate(names := ["a.png", "below/a.png"], 5):
        smooth_photo(seed, (80, 64)).save(album / name)
    both = tuned(home, tmp_path / "both", threads, f"image.path={album}", deadline_s=130.0)
    assert record_of(both, [], [])["photos"] == names
    alone = [
        tuned(home, tmp_path / f"{number}", threads, f"image.path={album / name}", deadline_s=130.0).rows
        for number, name in enumerate(names)
    ]
    for candidate, row in both.rows.items():
        each = [rows[candidate]["dists_deadline"] for rows in alone]
        assert row["dists_deadline"] == pytest.approx(sum(each) / 2)


@pytest.mark.parametrize(
    ("overrides", "more", "message"),
    [
        ([], {"deadline_s": 30.0}, r"--deadline: found 30 s; allowed: at least 60.5 s"),
        (
            [],
            {"budget_bytes": 22},
            r"--budget-bytes: found 22, but the smallest .* takes 23 bytes .* at least 23",
        ),
        ([], {"max_cost_usd": 1.0}, r"--max-cost: found 1, but a message of 23 bytes costs 1.5 USD"),
        (
            ["link.payload_bytes=22"],
            {},
            r"small.yaml: link.payload_bytes: found 22, but the smallest stage there is, .* takes 23 bytes"
            r" with its header of 20; allowed: at least 23, or a model of L at most 4, or a model of f",
        ),
        (["codec.model=f99"], {"models": ()}, r"small.yaml: codec.model: found f99; allowed: f16"),
        (["codec.model=pyproject.toml"], {"models": ()}, r"small.yaml: codec.model: found pyproject.toml;"),
        ([], {"max_cost_usd": math.inf}, "--max-cost: found inf; allowed: US dollars"),
        (["link.billing=null"], {"max_cost_usd": 1.0}, "--max-cost: found a link without a price"),
    ],
)
def test_what_cannot_be_sent_is_said_before_anything_is_tried(
    home: Path, overrides: list[str], more: dict[str, float], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        prepare(home / "small.yaml", overrides, asked_of(home, **more))


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--deadline", "5", "--deadline: found 5; allowed: hours, minutes and seconds"),
        ("--deadline", "0s", "--deadline: found 0s; allowed: hours"),
        ("--sides", "128,big", "--sides: found 128,big; allowed: whole numbers from 32"),
        ("--loss", "2", "Invalid value for '--loss'"),
    ],
)
def test_bad_options_end_with_two(home: Path, tmp_path: Path, option: str, value: str, message: str) -> None:
    result = CliRunner().invoke(app, command_of(home, tmp_path / "out", option, value))
    assert result.exit_code == 2 and message in result.stderr, result.stderr
    assert not (tmp_path / "out").exists()


def test_nobody_usable_is_said(home: Path, tmp_path: Path, threads: ThreadPoolExecutor) -> None:
    tuning = tuned(home, tmp_path / "out", threads, "usable.dists=0.01")
    answers = {answer.goal: answer for answer in answers_of(tuning)}
    assert answers["usable"].candidate is None
    assert "no candidate is usable by 10:00: the nearest" in answers["usable"].measured
    assert answers["deadline"].candidate is not None


def test_where_nothing_arrives_there_is_no_best(
    home: Path, tmp_path: Path, threads: ThreadPoolExecutor
) -> None:
    late = "link.windows={open: [{from_s: 3600, to_s: 7200}]}"
    with pytest.raises(InputError, match="--deadline: found 600 s; allowed: at least 3660 s, when the first"):
        tuned(home, tmp_path / "out", threads, late, deadline_s=600.0)
    answers = answers_of(tuned(home, tmp_path / "out", threads, "link.loss.rate=1", deadline_s=600.0))
    assert {(each.candidate, each.measured) for each in answers} == {(None, "nothing arrives by 10:00")}
