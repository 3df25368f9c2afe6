"""All analyses of a small model on two small photos: files, page, and going on where it was stopped."""

import csv
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from PIL import Image
from torch import Tensor
from typer.testing import CliRunner

from progic.analyses import catalogue, runtime
from progic.analyses.catalogue import ANALYSES, Outcome, make, make_all
from progic.analyses.page import cell_text, write_page
from progic.analyses.study import Settings, Study
from progic.cli import app
from progic.codec import Codec
from progic.errors import InputError, ProgicError
from progic.evaluate import evaluate
from progic.metrics import PerceptualMetrics
from progic.runtime import Cost, Time
from tests.progic.conftest import SIZE


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What satsim run leaves, as far as it is read."""
    folder = tmp_path_factory.mktemp("run")
    times = {"t_first_s": 60.5, "t_usable_s": None, "t_final_s": 300.5, "bytes": 1700}
    (folder / "summary.json").write_text(json.dumps({"progressive": times}))
    (folder / "timeline.csv").write_text("scheme,time_s\nprogressive,60.5\n")
    Image.new("RGB", (180, 120), "grey").save(folder / "timeline.png")
    return folder


@pytest.fixture(scope="module")
def study(
    toy_codec: Codec,
    folder: Path,
    run: Path,
    metric_weights: dict[str, Tensor],
    tmp_path_factory: pytest.TempPathFactory,
) -> Study:
    out = tmp_path_factory.mktemp("out")
    study = Study(toy_codec, "toy", folder, out, Settings(size=SIZE, formats=("webp",), run=str(run)))
    study.metrics = PerceptualMetrics(metric_weights)
    return study


@pytest.fixture(scope="module")
def outcomes(study: Study) -> list[Outcome]:
    def timed(_model: str, sizes: list[tuple[int, int]], threads: int, calls: int) -> Iterator[Cost]:
        for width, height in sizes:
            yield Cost("encode", width, height, threads, Time(0.003, 0.002, 0.004, calls), 400 << 20, 1.0)
            yield Cost("decode", width, height, threads, Time(0.005, 0.004, 0.006, calls), 500 << 20, 2.0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runtime, "costs", timed)
        return make_all(study, lambda outcome: None)


def test_what_does_not_fit_the_model_is_passed_over_with_its_reason(outcomes: list[Outcome]) -> None:
    assert [each.name for each in outcomes] == list(ANALYSES)
    complaints = {each.name: each.complaint for each in outcomes if each.complaint}
    assert list(complaints) == ["resolution"]
    assert "found N = 3 stages" in complaints["resolution"]


@pytest.mark.usefixtures("outcomes")
@pytest.mark.parametrize("name", [name for name in ANALYSES if name != "resolution"])
def test_each_writes_figure_csv_and_json(study: Study, name: str) -> None:
    content = json.loads((study.out / f"{name}.json").read_text())
    assert content["beside"]
    assert content["photos"] == {"bpp": 0, "runtime": 0, "satcom": 1}.get(name, 2)
    with (study.out / f"{name}.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [list(row) for row in rows] == [list(row) for row in content["rows"]]
    with Image.open(study.out / f"{name}.png") as image:
        assert min(image.size) > 100
    assert (study.out / f"{name}.svg").read_text().rstrip().endswith("</svg>")


@pytest.mark.usefixtures("outcomes")
def test_scores_of_rd_are_those_of_progressive(study: Study) -> None:
    rows = json.loads((study.out / "progressive.json").read_text())["rows"]
    curve = [row for row in json.loads((study.out / "rd.json").read_text())["rows"] if row["size"] == "64x48"]
    ours = [row for row in curve if row["codec"] == "toy"]
    evaluation = evaluate(study.codec, study.paths[0].parent, study.metrics, SIZE)
    for row, stage in zip(ours, evaluation.stages, strict=True):
        at_depth = [each["dists"] for each in rows if each["bpp"] == row["bpp"]]
        assert row["dists"] == pytest.approx(np.mean(at_depth), abs=2e-4)
        assert row["lpips_alex"] == pytest.approx(stage.lpips_alex.mean, abs=1e-4)
        assert row["bpp"] == pytest.approx(stage.bpp, abs=1e-6)
    assert [row["stages"] for row in rows] == [1, 2, 3] * 2
    assert len(ours) == 3


@pytest.mark.usefixtures("outcomes")
def test_entropy_counts_every_code_of_every_photo(study: Study, toy_codec: Codec) -> None:
    rows = json.loads((study.out / "entropy.json").read_text())["rows"]
    assert [row["vectors"] for row in rows] == [2 * 4 * 3] * toy_codec.config.n_stages


def test_what_is_there_is_not_made_again(
    study: Study, outcomes: list[Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Study) -> None:
        raise AssertionError

    for name in ANALYSES:
        if name != "resolution":
            monkeypatch.setitem(catalogue.ANALYSES, name, fail)  # type: ignore[arg-type]
    again = make_all(study, lambda outcome: None)
    assert [each.was_there for each in again] == [each.name != "resolution" for each in outcomes]


def test_other_settings_photos_or_weights_are_another_digest(
    study: Study, tmp_path: Path, folder: Path
) -> None:
    other = shutil.copytree(folder, tmp_path / "other")
    Image.new("RGB", SIZE, "red").save(other / "a.png")
    variants = [
        Study(study.codec, "toy", folder, study.out, study.settings),
        Study(study.codec, "toy", other, study.out, study.settings),
        Study(study.codec, "toy", folder, study.out, Settings(size=SIZE)),
        Study(Codec(study.codec.net, "cd" * 32), "toy", folder, study.out, study.settings),
    ]
    assert len({each.digest("rd") for each in variants}) == 4
    assert variants[0].digest("rd") == study.digest("rd") != study.digest("entropy")
    searches = [Settings(refine_steps=3, refine_stagewise=stagewise) for stagewise in (False, True)]
    before, stagewise = (Study(study.codec, "toy", folder, study.out, search) for search in searches)
    assert study.coding != before.coding != stagewise.coding


@pytest.mark.usefixtures("outcomes")
def test_the_page_is_one_small_file_that_shows_all(study: Study) -> None:
    page = write_page(study.out, list(ANALYSES), {"resolution": "<too few stages>"})
    text = page.read_text(encoding="utf-8")
    assert page.stat().st_size < 5_000_000
    assert set(re.findall(r'(?:src|href)="([^"]{5})', text)) <= {
        "data:",
        *(f"#{name}"[:5] for name in ANALYSES),
    }
    assert "<script" not in text and "http" not in re.sub(r"data:[^\"]*", "", text)
    assert "&lt;too few stages&gt;" in text
    for name in ANALYSES:
        assert (f'<section id="{name}">' in text) == (name != "resolution")
    lines = (study.out / "findings.md").read_text().splitlines()
    assert {line.count("|") for line in lines} == {7}
    assert any("published" in line or "0.9 %" in line for line in lines)


@pytest.mark.usefixtures("outcomes")
def test_what_could_not_be_made_anew_is_not_shown_as_it_was(study: Study) -> None:
    text = write_page(study.out, ["bpp", "entropy"], {"entropy": "no more memory"}).read_text(
        encoding="utf-8"
    )
    assert '<section id="bpp">' in text and '<section id="entropy">' not in text
    assert "no more memory" in text
    assert "`entropy`" not in (study.out / "findings.md").read_text(encoding="utf-8")


@pytest.mark.usefixtures("outcomes")
def test_runtime_adds_both_ways_and_the_greater_peak(study: Study) -> None:
    row = json.loads((study.out / "runtime.json").read_text())["rows"][0]
    assert (row["encode_ms"], row["decode_ms"], row["decode_high_ms"]) == (3.0, 5.0, 6.0)
    assert (row["gflop"], row["peak_mib"]) == (3.0, 500)


def test_cells_are_short() -> None:
    assert [cell_text(value) for value in (None, "", 0.1234567891, 1280, "WebP")] == [
        "–", "–", "0.123457", "1280", "WebP",
    ]  # fmt: skip


def test_satcom_without_a_run_says_how_to_get_one(
    toy_codec: Codec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        InputError, match=r"give a run: satsim run scenarios/forest_fire\.yaml -o runs/forest_fire"
    ):
        make("satcom", Study(toy_codec, "toy", None, tmp_path / "out", Settings()))
    with pytest.raises(InputError, match="found no run, allowed is a folder that satsim run wrote"):
        make("satcom", Study(toy_codec, "toy", None, tmp_path / "out", Settings(run=str(tmp_path))))


@pytest.mark.parametrize("summary", ["{}", "[]", '{"a": {"t_first_s": "x"}}', "1"])
def test_satcom_of_an_odd_summary_is_one_line(toy_codec: Codec, tmp_path: Path, summary: str) -> None:
    (tmp_path / "summary.json").write_text(summary)
    (tmp_path / "timeline.png").touch()
    with pytest.raises(InputError, match="found no run, allowed is a folder that satsim run wrote"):
        make("satcom", Study(toy_codec, "toy", None, tmp_path / "out", Settings(run=str(tmp_path))))


def test_satcom_runs_the_model_of_this_folder(
    toy_codec: Codec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path in a scenario would start at the scenario."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "forest_fire.yaml").touch()
    calls: list[list[str]] = []
    monkeypatch.setattr(
        subprocess, "run", lambda words, **_: calls.append(words) or Mock(returncode=1, stderr="")
    )
    plain, stagewise = Settings(), Settings(refine_steps=3, refine_stagewise=True)
    for model, search in (("mine.safetensors", plain), ("f16", stagewise)):
        with pytest.raises(ProgicError, match="satsim run ended with: exit code 1"):
            make("satcom", Study(toy_codec, model, None, tmp_path / "out", search))
    searches = [[word for word in words if word.startswith("codec.refine")] for words in calls]
    assert searches == [["codec.refine_steps=0"], ["codec.refine_steps=3", "codec.refine_stagewise=true"]]
    models = [word.partition("=")[2] for words in calls for word in words if word.startswith("codec.model=")]
    assert models == [json.dumps(str(tmp_path / "mine.safetensors")), "f16"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["figure9"], "analysis: found 'figure9', allowed progressive, resolution"),
        (["entropy"], "entropy measures photos: give their folder: progic analyse entropy DIR"),
        (["all"], "all measures photos: give their folder: progic analyse all DIR"),
        (["rd", "nowhere"], "nowhere: found no folder; allowed: a folder of photos"),
        (["bd-rate", ".", "--anchor", "gif"], "--anchor: found 'gif', allowed ms-illm"),
        (["rd", ".", "--against", "gif"], "--against: found 'gif', allowed webp"),
        (["bpp", "--model", "f99"], "found 'f99', allowed f16"),
        (
            ["rd", ".", "--stagewise"],
            "--stagewise: found --refine 0 with it; allowed: --refine of at",
        ),
    ],
)
def test_bad_input_ends_with_two(arguments: list[str], complaint: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["analyse", *arguments, "-o", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert complaint in result.output


def test_the_command_prints_only_json_when_asked(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["analyse", "bpp", "-o", str(tmp_path), "--json"])
    assert result.exit_code == 0
    content = json.loads(result.stdout)
    assert content["name"] == "bpp"
    assert {row["bpp"] for row in content["rows"]} >= {0.009765625, 0.001953125, 0.0390625, 0.1953125}
