"""The main job on real parts: the bundled model, the real metrics, the scenario that is shipped."""

import json
import os
import resource
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from PIL import Image

from progic.config import DEFAULT_MODEL
from progic.images import to_tensor
from progic.metrics import PerceptualMetrics
from satsim.rundir import Run, picture_file, read_run

ROOT = Path(__file__).parents[2]
ALLOWED_S = 60
SLOTS_S = [60.56, 120.56, 180.56, 240.56, 300.56]  # 0.56 s to encode, then a slot of 60 s each


@pytest.fixture(scope="module")
def forest_fire(tmp_path_factory: pytest.TempPathFactory, metric_weights: object) -> Run:
    """One run as a user starts it, of all seven schemes; fails if it takes too long on one core."""
    folder = tmp_path_factory.mktemp("runs") / "forest_fire"
    command = [sys.executable, "-c", "from satsim.cli import main; main()", "run"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [*command, "scenarios/forest_fire.yaml", "-o", str(folder), "--quiet"],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # processor time, which other work on the machine does not stretch
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < ALLOWED_S
    return read_run(folder)


def test_five_pictures_in_five_minutes(forest_fire: Run) -> None:
    rows = forest_fire.rows_of("progressive")
    assert [row.time_s for row in rows] == SLOTS_S
    assert [row.stages for row in rows] == ["1", "1-2", "1-3", "1-4", "1-5"]
    assert [row.bytes for row in rows] == [340, 680, 1020, 1360, 1700]
    assert [row.bpp for row in rows] == pytest.approx(
        [n * 10 / 256 for n in range(1, 6)], abs=1e-6
    )  # N L / f^2


def test_low_bpp_is_the_first_packet_and_high_bpp_all_of_them(forest_fire: Run) -> None:
    first, *_, last = forest_fire.rows_of("progressive")
    (low,), (high,) = forest_fire.rows_of("low_bpp"), forest_fire.rows_of("high_bpp")
    assert low[1:] == first[1:]
    assert high[1:] == last[1:]


def test_files_are_shown_when_whole_and_within_their_budget(forest_fire: Run) -> None:
    pixels = 256 * 256
    for scheme, budget_bytes in (("webp_low", 320), ("webp_high", 1600), ("avif_high", 1600)):
        (row,) = forest_fire.rows_of(scheme)
        assert row.bpp * pixels / 8 <= budget_bytes
        assert row.time_s == SLOTS_S[row.packets - 1]
    assert forest_fire.summary["avif_low"].note == "AVIF: nothing fits in 320 bytes"


def test_one_packet_of_ours_is_usable_and_nearer_than_webp_and_each_improves_it(forest_fire: Run) -> None:
    ours, webp = forest_fire.summary["low_bpp"], forest_fire.summary["webp_low"]
    assert ours.t_usable_s == SLOTS_S[0]
    assert ours.dists_first is not None
    assert webp.dists_first is not None
    assert ours.dists_first < webp.dists_first
    dists = [row.dists for row in forest_fire.rows_of("progressive")]
    assert all(later < earlier for earlier, later in pairwise(dists))


def test_thresholds_and_scores_are_those_of_the_pictures_in_the_folder(
    forest_fire: Run, metric_weights: dict[str, torch.Tensor]
) -> None:
    metrics = PerceptualMetrics(metric_weights)
    with Image.open(forest_fire.folder / "images" / "original.png") as file:
        original = file.convert("RGB")
    for thumbnail_px, found in (
        (32, forest_fire.manifest.usable_dists),
        (64, forest_fire.manifest.detail_dists),
    ):
        small = original.resize((thumbnail_px, thumbnail_px), Image.Resampling.BICUBIC)
        back = small.resize((256, 256), Image.Resampling.BICUBIC)
        assert found == pytest.approx(metrics.dists(to_tensor(original), to_tensor(back)).item(), abs=1e-5)
    for row in (forest_fire.rows_of("progressive")[1], *forest_fire.rows_of("webp_low")):
        with Image.open(picture_file(forest_fire.folder, row.scheme, row.stages)) as picture:
            pair = to_tensor(original), to_tensor(picture)
        assert row.dists == pytest.approx(metrics.dists(*pair).item(), abs=1e-5)
        assert row.lpips == pytest.approx(metrics.lpips(*pair).item(), abs=1e-5)


def test_the_manifest_names_weights_and_implementation(forest_fire: Run) -> None:
    manifest = json.loads((forest_fire.folder / "manifest.json").read_text())
    assert manifest["codec_model"] == DEFAULT_MODEL
    assert len(manifest["codec_weights_sha256"]) == len(manifest["metric_weights_sha256"]) == 64
    assert "DISTS" in manifest["metric_implementation"]
