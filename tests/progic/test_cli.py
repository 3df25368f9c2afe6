import json
import re
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest
from PIL import Image
from torch import Tensor
from typer.testing import CliRunner

import progic
import satsim
from progic.bitstream import StageFile, read_stage_file, write_stage_file
from progic.cli import app
from progic.images import open_photo
from progic.weights import bundled_models, expected_sha256

runner = CliRunner()


@pytest.fixture
def coded(tmp_path: Path) -> Path:
    Image.effect_noise((100, 60), 80).convert("RGB").resize((300, 200)).save(tmp_path / "photo.png")
    result = runner.invoke(
        app, ["encode", str(tmp_path / "photo.png"), str(tmp_path / "photo.progic"), "--size", "96x64"]
    )
    assert (result.exit_code, result.output) == (
        0,
        f"{tmp_path / 'photo.progic'}: 96x64, 5 stages of 30 bytes\n",  # 6 * 4 cells * 10 bit
    )
    return tmp_path / "photo.progic"


@pytest.mark.parametrize(
    ("size", "out", "complaint"),
    [
        ((16, 16), "none/photo.progic", "none/photo.progic: there is no folder"),
        ((65536, 1), "photo.progic", "photo.png: found 65536x1 pixels, allowed sides of up to 65535; --size"),
    ],
)
def test_what_cannot_be_written_is_told_before_a_search_of_minutes(
    size: tuple[int, int], out: str, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("progic.commands.coding.refined", lambda *_, **__: pytest.fail("searched first"))
    Image.new("RGB", size).save(tmp_path / "photo.png")
    given = [str(tmp_path / "photo.png"), str(tmp_path / out)]
    result = runner.invoke(app, ["encode", *given, "--refine", "1000"])
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert result.stderr.startswith(f"progic: {tmp_path}/{complaint}")


def test_decode_draws_prefixes_and_subsets(coded: Path) -> None:
    drawn = {}
    for stages in ("", "1", "2", "1,3"):
        out = coded.with_name(f"seen{stages}.png")
        given = ["--stages", stages] if stages else []
        result = runner.invoke(app, ["decode", str(coded), str(out), *given])
        assert (result.exit_code, result.output) == (0, f"{out}: 96x64\n")
        drawn[stages] = Image.open(out).tobytes()
    assert len(set(drawn.values())) == 4


@pytest.mark.parametrize(
    ("stages", "complaint"),
    [
        ("6", "found '6', the file holds 1, 2, 3, 4, 5"),
        ("1000000000", "found '1000000000', the file holds"),  # not so many numbers one by one
        ("0", "found '0'"),
        ("x", "found 'x', allowed a count"),
    ],
)
def test_bad_stages_end_with_two(coded: Path, stages: str, complaint: str) -> None:
    out = coded.with_name("seen.png")
    result = runner.invoke(app, ["decode", str(coded), str(out), "--stages", stages])
    assert result.exit_code == 2
    assert complaint in result.output
    assert not out.exists()


@pytest.mark.parametrize("out", ["photo.png", "other.jpg", "other.gif", "other.jp2", "photo"])
def test_a_photo_is_never_written_over_with_codes(tmp_path: Path, out: str) -> None:
    photo = tmp_path / ("photo" if out == "photo" else "photo.png")
    Image.effect_noise((64, 64), 50).convert("RGB").save(photo, "png")
    others = [tmp_path / f"other.{suffix}" for suffix in ("jpg", "gif", "jp2")]
    for other in others:
        other.write_bytes(b"another photo")
    result = runner.invoke(app, ["encode", str(photo), str(tmp_path / out)])
    assert result.exit_code == 2
    assert "is the name of a photo, allowed is one for the codes" in result.output
    assert {other.read_bytes() for other in others} == {b"another photo"}
    assert open_photo(photo).size == (64, 64)


def test_a_damaged_file_ends_with_two(coded: Path) -> None:
    coded.write_bytes(coded.read_bytes()[:-1])
    result = runner.invoke(app, ["decode", str(coded), str(coded.with_name("seen.png"))])
    complaint = f"progic: {coded}: CRC-32 at byte 28: the file is damaged or cut\n"
    assert (result.exit_code, result.output) == (2, complaint)


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("no.progic", "No such file or directory; allowed: a .progic file"),
        (".", "Is a directory; allowed: a .progic file"),
        ("photo.png", r"not a .progic file: \d+ bytes that start with b'.x89PNG', allowed b'PGIC' and .*"),
    ],
)
def test_what_is_no_progic_file_is_named(coded: Path, source: str, complaint: str) -> None:
    path = coded.parent / source
    result = runner.invoke(app, ["decode", str(path), str(coded.with_name("seen.png"))])
    assert result.exit_code == 2
    assert re.fullmatch(f"progic: {re.escape(str(path))}: {complaint}\n", result.output)


def test_decode_takes_the_bundled_model_that_wrote_the_file(tmp_path: Path) -> None:
    photo, coded, seen = (tmp_path / name for name in ("photo.png", "photo.progic", "seen.png"))
    Image.effect_noise((64, 64), 50).convert("RGB").save(photo)
    runner.invoke(app, ["encode", str(photo), str(coded), "--model", "f16-s"])
    assert runner.invoke(app, ["decode", str(coded), str(seen)]).exit_code == 0
    by_name = tmp_path / "by_name.png"
    assert runner.invoke(app, ["decode", str(coded), str(by_name), "--model", "f16-s"]).exit_code == 0
    assert seen.read_bytes() == by_name.read_bytes()
    other = runner.invoke(app, ["decode", str(coded), str(seen), "--model", "f16"])
    ours, theirs = expected_sha256("f16-s")[:16], expected_sha256("f16")[:16]
    told = f"progic: {coded}: written with weights {ours}, those of f16-s; f16 has {theirs}\n"
    assert (other.exit_code, other.output) == (2, told)


def test_a_file_of_no_bundled_model_asks_for_one(coded: Path) -> None:
    content = replace(read_stage_file(coded.read_bytes()), fingerprint="0123456789abcdef")
    coded.write_bytes(write_stage_file(content))
    result = runner.invoke(app, ["decode", str(coded), str(coded.with_name("seen.png"))])
    told = "written with weights 0123456789abcdef, of no bundled model; --model FILE gives another"
    assert (result.exit_code, result.output) == (2, f"progic: {coded}: {told}\n")


@pytest.mark.parametrize("suffix", [".xyz", ".psd", ".xpm", ".ico", ".icns", ""])
def test_an_unwritable_format_leaves_nothing(coded: Path, suffix: str) -> None:
    before = sorted(coded.parent.iterdir())
    result = runner.invoke(app, ["decode", str(coded), str(coded.with_name(f"seen{suffix}"))])
    assert result.exit_code == 2
    assert f"suffix '{suffix}' is no format that can be written" in result.output
    assert sorted(coded.parent.iterdir()) == before


def test_missing_photo_and_model_end_with_two(tmp_path: Path) -> None:
    missing = runner.invoke(app, ["encode", str(tmp_path / "no.png"), str(tmp_path / "out.progic")])
    assert (missing.exit_code, missing.output) == (2, f"progic: {tmp_path / 'no.png'}: no such file\n")
    model = runner.invoke(app, ["info", "--model", "f99"])
    assert model.exit_code == 2
    assert "found 'f99', allowed f16" in model.output


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_is_there_by_both_names(option: str) -> None:
    for command in ((), ("encode",)):
        result = runner.invoke(app, [*command, option])
        assert result.exit_code == 0 and "Usage" in result.output


def test_the_version_is_that_installed() -> None:
    assert runner.invoke(app, ["--version"]).output == f"progic {version('progic-satsim')}\n"
    assert progic.__version__ == satsim.__version__ == version("progic-satsim")


def test_info_as_json_gives_rate_and_digest() -> None:
    facts = json.loads(runner.invoke(app, ["info", "--json"]).output)
    assert facts["sha256"] == expected_sha256("f16-s")
    text = runner.invoke(app, ["info"], env={"COLUMNS": "80"}).output
    assert facts["sha256"] in "".join(re.findall(r"│ ([0-9a-f]{20,}) +│", text))
    assert facts["bits per pixel, first to last stage"] == [0.039062, 0.078125, 0.117188, 0.15625, 0.195312]
    assert facts["bytes per stage at 256x256"] == 320


def test_info_lists_the_rate_of_every_bundled_model_by_f_and_l() -> None:
    listed = json.loads(runner.invoke(app, ["info", "--json"]).output)["bundled models"]
    assert sorted(each["model"] for each in listed) == bundled_models()
    assert [(each["f"], each["L"]) for each in listed] == sorted((each["f"], each["L"]) for each in listed)
    for each in listed:
        n, bits, f = each["N"], each["L"], each["f"]
        assert each["bytes a stage at 256x256"] == 256 * 256 * bits / f**2 / 8
        assert each["smallest step, BPP (L / f^2)"] == pytest.approx(bits / f**2, abs=6e-7)
        assert each["all stages, BPP (N L / f^2)"] == pytest.approx(n * bits / f**2, abs=6e-7)
    text = runner.invoke(app, ["info"], env={"COLUMNS": "80"}).output
    rows = [line for line in text.splitlines() if line.startswith("│ f")]
    assert [row.split()[1] for row in rows] == [each["model"] for each in listed]


@pytest.mark.parametrize(
    ("option", "value", "complaint"),
    [
        (
            "--against",
            "webp,gif",
            "--against: found 'gif', allowed webp, avif, jpeg, jpeg_progressive, jp2, jxl, heic",
        ),
        ("--figure", "rate.doc", "--figure: found 'rate.doc', allowed suffixes are .png, .svg and .pdf"),
        ("--figure", "nowhere/rate.png", "--figure: nowhere: no such folder"),
        (
            "--figure",
            "{photos}/a.png",
            "--figure: found {photos}/a.png, among the photos; allowed: one outside of {photos}",
        ),
    ],
)
def test_evaluate_refuses_before_it_measures(tmp_path: Path, option: str, value: str, complaint: str) -> None:
    value, complaint = (text.replace("{photos}", str(tmp_path)) for text in (value, complaint))
    result = runner.invoke(app, ["evaluate", str(tmp_path), option, value])
    assert (result.exit_code, result.output) == (2, f"progic: {complaint}\n")


def test_a_file_that_contradicts_its_weights_is_named(tmp_path: Path) -> None:
    path = tmp_path / "short.progic"
    content = StageFile(expected_sha256("f16-s")[:16], 3, 10, 16, (16, 16), {0: bytes(2)})
    path.write_bytes(write_stage_file(content))
    result = runner.invoke(app, ["decode", str(path), str(tmp_path / "a.png")])
    told = f"progic: {path}: N, L, f at byte 13: found 3, 10, 16, allowed 5, 10, 16, its weights'\n"
    assert (result.exit_code, result.output) == (2, told)


def test_too_many_pixels_are_refused_before_memory_ends(coded: Path, tmp_path: Path) -> None:
    path = tmp_path / "huge.progic"
    content = StageFile(expected_sha256("f16-s")[:16], 5, 1, 64, (40000, 40000), {0: bytes(48829)})
    path.write_bytes(write_stage_file(content))
    for line, found in (
        (
            ["decode", str(path), str(tmp_path / "a.png")],
            f"{path}: 40000x40000 pixels, allowed at most 100000000",
        ),
        (
            ["encode", str(coded.with_name("photo.png")), "a.progic", "--size", "65535x65535"],
            "--size: found '65535x65535', allowed are",
        ),
    ):
        result = runner.invoke(app, line)
        assert (result.exit_code, result.output.startswith(f"progic: {found}")) == (2, True), result.output


def test_a_figure_that_cannot_be_written_takes_no_result_along(
    tmp_path: Path, metric_weights: dict[str, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("progic.commands.evaluate.load_metric_weights", lambda: metric_weights)
    (tmp_path / "photos").mkdir()
    (tmp_path / "rate.png").mkdir()
    Image.effect_noise((64, 64), 50).convert("RGB").save(tmp_path / "photos" / "a.png")
    (tmp_path / "photos" / "gpj.\u202e\n.png").write_bytes(b"no")
    options = ["--size", "64x64", "--json", "--figure", str(tmp_path / "rate.png")]
    result = runner.invoke(app, ["evaluate", str(tmp_path / "photos"), *options])
    assert result.exit_code == 2
    assert json.loads(result.stdout)["photos"] == ["a.png"]
    skipped, why = result.stderr.splitlines()
    assert skipped.startswith(rf"skipped: {tmp_path}/photos/gpj.\u202e\n.png: not an image")
    assert "rate.png" in why


def test_every_set_of_many_stages_is_refused_before_it_hangs(tmp_path: Path) -> None:
    result = runner.invoke(app, ["evaluate", str(tmp_path), "--subsets", "--model", "f64-l6"])
    allowed = "allowed are models of at most 10"
    found = f"progic: --subsets: found f64-l6 with N = 48 stages, 2^N - 1 sets; {allowed}\n"
    assert (result.exit_code, result.output) == (2, found)
