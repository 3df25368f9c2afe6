"""What the README promises of the bundled model, on photos that it was not trained on."""

from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image

import progic
from progic import weights
from progic.images import fit_photo, open_photo
from progic.metrics import PerceptualMetrics
from progic.weights import bundled_models, config_of, expected_sha256, file_bytes
from satsim.codec import short_fingerprint
from satsim.file_codecs import FileCodec
from satsim.gallery import Gallery, NoPicture
from satsim.header import ImageTag
from satsim.quality import Scorer, thumbnail_view

ROOT = Path(__file__).parents[1]
HELD_OUT = ROOT.parent / "shared" / "data" / "val"
SIZE = (256, 256)
ONE_STAGE_BYTES = 320  # 16 * 16 indices of 10 bits


def _scorer(path: Path, metrics: PerceptualMetrics) -> Scorer:
    return Scorer(fit_photo(open_photo(path), SIZE), ("dists",), metrics)


def _distances(scorer: Scorer, model: str) -> list[float]:
    codec = progic.load(model)
    stages = codec.encode(scorer.original)
    return [scorer.distance(codec.decode(stages[:depth], SIZE)) for depth in range(1, 6)]


def _webp(scorer: Scorer) -> float:
    codec = FileCodec("webp", ONE_STAGE_BYTES, scorer.distance)
    return scorer.distance(codec.decode(dict(enumerate(codec.encode(scorer.original).stages)), SIZE))


def test_the_shipped_scene_is_usable_at_one_packet_and_improves_with_each(metrics: PerceptualMetrics) -> None:
    scorer = _scorer(ROOT / "scenarios" / "forest_fire.png", metrics)
    distances = _distances(scorer, "f16")  # f16-s is that of the scenario's own run, test_forest_fire.py
    assert distances[0] < scorer.distance(thumbnail_view(scorer.original, 32))
    assert distances[0] < _webp(scorer)
    assert all(later < earlier for earlier, later in pairwise(distances))


@pytest.mark.skipif(not HELD_OUT.is_dir(), reason="the held-out photos are not beside the project")
@pytest.mark.parametrize("model", ["f16", "f16-s"])
def test_one_packet_beats_webp_in_as_many_bytes_on_held_out_photos(
    model: str, metrics: PerceptualMetrics
) -> None:
    scorers = [_scorer(path, metrics) for path in sorted(HELD_OUT.glob("*.png"))[::16]]
    ours = [_distances(scorer, model)[0] for scorer in scorers]
    webp = [_webp(scorer) for scorer in scorers]
    assert sum(ours) / len(ours) < sum(webp) / len(webp)


def test_any_stage_alone_and_any_gap_still_give_a_picture() -> None:
    codec = progic.load("f16")
    stages = codec.encode(Image.effect_mandelbrot(SIZE, (-2, -1.5, 1, 1.5), 60).convert("RGB"))
    pictures = {
        codec.decode({k: stages[k] for k in held}, SIZE).tobytes() for held in ((1,), (0, 2), (0, 1, 3, 4))
    }
    assert len(pictures) == 3


# name: N, L, f, bytes of a stage at 256x256, BPP of a stage
RATES = {
    "f16": (5, 10, 16, 320, 0.0390625),  # arXiv 2603.02897, supplement: 0.0391 to 0.1953
    "f16-s": (5, 10, 16, 320, 0.0390625),
    "f16-l6": (5, 6, 16, 192, 0.0234375),
    "f16-l8": (5, 8, 16, 256, 0.03125),
    "f16-l12": (5, 12, 16, 384, 0.046875),
    "f32": (16, 10, 32, 80, 0.009765625),  # the same, Fig. 7: 0.009766
    "f32-l6": (16, 6, 32, 48, 0.005859375),
    "f32-l8": (16, 8, 32, 64, 0.0078125),
    "f32-l12": (16, 12, 32, 96, 0.01171875),
    "f64": (48, 8, 64, 16, 0.001953125),  # the same, Fig. 7: 0.001953
    "f64-l6": (48, 6, 64, 12, 0.00146484375),
    "f64-l10": (48, 10, 64, 20, 0.00244140625),
}
MOST_BYTES = 60_000_000  # of all models together


def test_the_models_are_those_of_the_table_and_small_together() -> None:
    assert sorted(bundled_models()) == sorted(RATES)
    assert sum(file_bytes(model) for model in RATES) <= MOST_BYTES
    assert len({short_fingerprint(expected_sha256(model)) for model in RATES}) == len(RATES)


@pytest.mark.parametrize("model", RATES)
def test_bundled_models_have_the_rates_of_equation_1(model: str) -> None:
    n_stages, bits, f, stage_bytes, step_bpp = RATES[model]
    codec = progic.load(model)
    config = codec.config
    assert (config.n_stages, config.bits_per_index, config.downsampling_factor) == (n_stages, bits, f)
    assert config.bits_per_pixel_step == bits / f**2 == step_bpp == stage_bytes * 8 / (256 * 256)
    assert config.bits_per_pixel == n_stages * bits / f**2
    stages = codec.encode(Image.linear_gradient("L").convert("RGB"))
    assert [len(stage) for stage in stages] == [stage_bytes] * n_stages
    assert codec.decode(stages[:1], SIZE).size == SIZE


def test_the_papers_rates_to_the_digits_that_it_prints() -> None:
    """Supplement of arXiv 2603.02897, equation 1 and Fig. 7."""
    steps = {model: config_of(model).bits_per_pixel_step for model in ("f16", "f32", "f64")}
    assert [f"{steps['f32']:.6f}", f"{steps['f64']:.6f}"] == ["0.009766", "0.001953"]
    assert [f"{depth * steps['f16']:.4f}" for depth in (1, 5)] == ["0.0391", "0.1953"]


def test_a_packet_that_claims_more_pixels_than_are_drawn_does_not_end_a_receiver() -> None:
    tag = ImageTag(7, 16, 6, 32, 4096, 4096, short_fingerprint(weights.expected_sha256("f32-l6")), 0)
    with pytest.raises(NoPicture, match="it has 16777216 pixels; drawn are at most 8294400, which --max-p"):
        Gallery().draw(tag, {0: bytes(128 * 128 * 6 // 8)})
    with pytest.raises(NoPicture, match="at most 100,"):
        Gallery(max_pixels=100).draw(tag, {})


def test_a_list_of_models_and_a_receiver_read_no_more_weights_than_they_draw_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    codec = progic.load("f32-l6")
    stages = codec.encode(Image.linear_gradient("L").convert("RGB"))
    loaded: list[str] = []
    load_file = weights.load_file
    monkeypatch.setattr(
        weights, "load_file", lambda path, *more: loaded.append(path.stem) or load_file(path, *more)
    )
    assert [config_of(model).name for model in bundled_models()] == bundled_models()
    assert loaded == []
    tag = ImageTag(7, 16, 6, 32, *SIZE, short_fingerprint(codec.fingerprint), 0)
    Gallery().draw(tag, {0: stages[0]})
    assert loaded == ["f32-l6", "f32", "f16-s"]  # it stands on f32, and that on f16-s
