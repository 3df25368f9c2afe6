"""Scores are progic's, marks are what they are defined to be, and nothing is measured twice."""

import numpy as np
import pytest
from PIL import Image

from progic.images import to_tensor
from progic.metrics import PerceptualMetrics, ms_ssim, psnr_db
from satsim.quality import Scorer, Scores
from satsim.settings import Mark, Metric

ALL: tuple[Metric, ...] = ("dists", "lpips", "psnr_db", "ms_ssim")


def noisy(seed: int, size: int = 64) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 256, (size // 4, size // 4, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((size, size), Image.Resampling.BICUBIC)


def test_scores_are_those_of_progic(metrics: PerceptualMetrics) -> None:
    original, picture = noisy(1, 176), noisy(2, 176)
    a, b = to_tensor(original), to_tensor(picture)
    found = Scorer(original, ALL, metrics).scores(picture)
    expected = Scores(
        metrics.dists(a, b).item(),
        metrics.lpips(a, b).item(),
        psnr_db(a, b).item(),
        ms_ssim(a, b).item(),
    )
    assert found == pytest.approx(expected, abs=1e-5)


def test_only_what_is_asked_is_given(metrics: PerceptualMetrics) -> None:
    scores = Scorer(noisy(1), ("dists", "ms_ssim"), metrics).scores(noisy(2))
    assert (scores.lpips, scores.psnr_db) == (None, None)
    assert scores.dists is not None
    assert scores.ms_ssim is None  # not defined below 161 pixels


def test_a_thumbnail_mark_is_the_dists_of_the_thumbnail(metrics: PerceptualMetrics) -> None:
    original = noisy(3)
    scorer = Scorer(original, ("dists",), metrics)
    for thumbnail_px in (8, 16, 32):
        small = original.resize((thumbnail_px, thumbnail_px), Image.Resampling.BICUBIC)
        back = small.resize((64, 64), Image.Resampling.BICUBIC)
        expected = metrics.dists(to_tensor(original), to_tensor(back)).item()
        assert scorer.mark_dists(Mark(thumbnail_px=thumbnail_px)) == pytest.approx(expected, abs=1e-5)


def test_a_fixed_mark_is_itself(metrics: PerceptualMetrics) -> None:
    assert Scorer(noisy(3), ("dists",), metrics).mark_dists(Mark(dists=0.3)) == 0.3


def test_without_dists_there_is_no_mark_and_psnr_decides() -> None:
    scorer = Scorer(noisy(1), ("ms_ssim",), None)
    assert scorer.mark_dists(Mark(dists=0.3)) is None
    near, far = Image.blend(noisy(1), noisy(2), 0.1), noisy(2)
    assert scorer.distance(near) < scorer.distance(far) < 0
    assert scorer.distance(near) == -psnr_db(to_tensor(noisy(1)), to_tensor(near)).item()


def test_with_dists_dists_decides(metrics: PerceptualMetrics) -> None:
    scorer = Scorer(noisy(1), ("dists", "psnr_db"), metrics)
    assert scorer.distance(noisy(2)) == scorer.scores(noisy(2)).dists


def test_an_equal_picture_is_measured_once(
    metrics: PerceptualMetrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = []
    score = metrics.scores

    def counted(*pair: object) -> object:
        measured.append(pair)
        return score(*pair)

    monkeypatch.setattr(metrics, "scores", counted)
    scorer = Scorer(noisy(1), ALL, metrics)
    assert scorer.scores(noisy(2)) == scorer.scores(noisy(2).copy())
    scorer.distance(noisy(2))
    assert len(measured) == 1
