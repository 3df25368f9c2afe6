"""`satsim score`: exact lines, JSON, and refusals."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from PIL import Image
from typer.testing import CliRunner

from satsim import cli


def satsim(*arguments: object) -> Result:
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments])


def pictures(folder: Path) -> tuple[Path, Path]:
    noise = np.random.default_rng(3).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    original = Image.fromarray(noise).resize((180, 180), Image.Resampling.BICUBIC)
    original.save(folder / "original.png")
    original.resize((45, 45)).resize((180, 180)).save(folder / "picture.png")
    return folder / "original.png", folder / "picture.png"


def test_score_prints_all_four(tmp_path: Path, metric_weights: object) -> None:
    original, picture = pictures(tmp_path)
    result = satsim("score", original, picture)
    assert result.exit_code == 0
    names = [line[:10].rstrip() for line in result.stdout.splitlines()]
    assert names == ["DISTS", "LPIPS", "PSNR (dB)", "MS-SSIM"]
    scores = json.loads(satsim("score", original, picture, "--json").stdout)
    shown = [float(line[10:]) for line in result.stdout.splitlines()]
    assert shown == pytest.approx([scores[key] for key in ("dists", "lpips", "psnr_db", "ms_ssim")], abs=6e-5)


def test_score_of_equal_pictures_is_json(tmp_path: Path) -> None:
    original, _ = pictures(tmp_path)
    result = satsim("score", original, original, "--json", "--metrics", "psnr,ms_ssim")
    assert json.loads(result.stdout) == {"dists": None, "lpips": None, "psnr_db": None, "ms_ssim": 1.0}


def test_the_authors_example(metric_weights: object) -> None:
    folder = Path(__file__).parents[3] / "shared" / "data" / "dists"
    if not folder.is_dir():
        pytest.skip("the authors' pictures are not here")
    result = satsim("score", folder / "r0.png", folder / "r1.png", "--json")
    assert json.loads(result.stdout)["dists"] == pytest.approx(0.3347, abs=5e-5)


def test_score_of_unequal_sizes_says_both(tmp_path: Path) -> None:
    original, _ = pictures(tmp_path)
    Image.new("RGB", (64, 32)).save(tmp_path / "small.png")
    result = satsim("score", original, tmp_path / "small.png", "--metrics", "psnr")
    small = tmp_path / "small.png"
    assert result.stderr == f"satsim: {small}: found 64x32 pixels, allowed 180x180, as {original}\n"
    assert result.exit_code == 2


def test_score_of_too_small_a_picture_names_it(tmp_path: Path, metric_weights: object) -> None:
    Image.new("RGB", (9, 5)).save(tmp_path / "small.png")
    small = tmp_path / "small.png"
    result = satsim("score", small, small, "--metrics", "dists")
    said = f"satsim: {small}: cannot score 9x5 pixels: 16 a side are the least\n"
    assert (result.exit_code, result.stderr) == (2, said)


def test_score_refuses_an_unknown_metric(tmp_path: Path) -> None:
    result = satsim("score", *pictures(tmp_path), "--metrics", "psnr,vmaf")
    assert result.exit_code == 2
    assert result.stderr.startswith(
        "satsim: --metrics: found psnr,vmaf; allowed: some of dists,lpips,psnr_db,ms_ssim"
    )
