"""What the README promises of the bundled model, on photos that it was not trained on."""

from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image
from torch import Tensor

import progic
from progic.images import fit_photo, open_photo
from progic.metrics import PerceptualMetrics
from satsim.file_codecs import FileCodec
from satsim.quality import Scorer, thumbnail_view

ROOT = Path(__file__).parents[1]
HELD_OUT = ROOT.parent / "shared" / "data" / "val"
SIZE = (256, 256)
ONE_STAGE_BYTES = 320  # 16 * 16 indices of 10 bits


@pytest.fixture(scope="module")
def metrics(metric_weights: dict[str, Tensor]) -> PerceptualMetrics:
    return PerceptualMetrics(metric_weights)


def _scorer(path: Path, metrics: PerceptualMetrics) -> Scorer:
    return Scorer(fit_photo(open_photo(path), SIZE), ("dists",), metrics)


def _distances(scorer: Scorer) -> list[float]:
    codec = progic.load("f16")
    stages = codec.encode(scorer.original)
    return [scorer.distance(codec.decode(stages[:depth], SIZE)) for depth in range(1, 6)]


def _webp(scorer: Scorer) -> float:
    codec = FileCodec("webp", ONE_STAGE_BYTES, scorer.distance)
    return scorer.distance(codec.decode(dict(enumerate(codec.encode(scorer.original).stages)), SIZE))


def test_the_shipped_scene_is_usable_at_one_packet_and_improves_with_each(metrics: PerceptualMetrics) -> None:
    scorer = _scorer(ROOT / "scenarios" / "forest_fire.png", metrics)
    distances = _distances(scorer)
    assert distances[0] < scorer.distance(thumbnail_view(scorer.original, 32))
    assert distances[0] < _webp(scorer)
    assert all(later < earlier for earlier, later in pairwise(distances))


@pytest.mark.skipif(not HELD_OUT.is_dir(), reason="the held-out photos are not beside the project")
def test_one_packet_beats_webp_in_as_many_bytes_on_held_out_photos(metrics: PerceptualMetrics) -> None:
    scorers = [_scorer(path, metrics) for path in sorted(HELD_OUT.glob("*.png"))[::8]]
    ours = [_distances(scorer)[0] for scorer in scorers]
    webp = [_webp(scorer) for scorer in scorers]
    assert sum(ours) / len(ours) < sum(webp) / len(webp)


def test_any_stage_alone_and_any_gap_still_give_a_picture() -> None:
    codec = progic.load("f16")
    stages = codec.encode(Image.effect_mandelbrot(SIZE, (-2, -1.5, 1, 1.5), 60).convert("RGB"))
    pictures = {
        codec.decode({k: stages[k] for k in held}, SIZE).tobytes() for held in ((1,), (0, 2), (0, 1, 3, 4))
    }
    assert len(pictures) == 3


@pytest.mark.parametrize(
    ("model", "step_bpp", "stage_bytes", "n_stages"),
    [
        ("f16", 0.0390625, 320, 5),  # arXiv 2603.02897, supplement: 0.0391 to 0.1953
        ("f16-s", 0.0390625, 320, 5),
        ("f32", 0.009766, 80, 16),  # the same, Fig. 7
        ("f64", 0.001953, 16, 48),  # the same, Fig. 7
    ],
)
def test_bundled_models_have_the_rates_of_equation_1(
    model: str, step_bpp: float, stage_bytes: int, n_stages: int
) -> None:
    codec = progic.load(model)
    assert codec.config.bits_per_pixel / codec.config.n_stages == pytest.approx(step_bpp, abs=5e-7)
    stages = codec.encode(Image.linear_gradient("L").convert("RGB"))
    assert [len(stage) for stage in stages] == [stage_bytes] * n_stages
    assert codec.decode(stages[:1], SIZE).size == SIZE
