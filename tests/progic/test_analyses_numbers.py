"""Numbers of the analyses that are of several photos or stages at once."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from progic.analyses import bpp, entropy, gpu, range_coding, rd, resolution, satcom
from progic.analyses.curves import Curve, MeanPoint, Point, _means, _point
from progic.analyses.range_coding import Lengths, _counted, _lengths, _priors
from progic.analyses.study import Photo, Settings, Study
from progic.analyses.tsne import _rows
from progic.classical import enlarged
from progic.codec import Codec, CodecNet
from progic.config import CodecConfig
from progic.evaluate import Mean
from progic.flops import gflop_of
from progic.images import fit_photo, to_tensor
from progic.metrics import Scores


def test_variance_left_is_of_what_all_stages_so_far_miss() -> None:
    latents = np.array([[4, 0], [-4, 0], [0, 4], [0, -4]], np.float32)
    mean = np.array([10, -3], np.float32)  # which is no variance, and said by the first stage
    stages = [latents * np.float32(share) for share in (1 / 2, 1 / 4, 1 / 4)]
    rows = _rows(latents + mean, [stages[0] + mean, *stages[1:]])
    assert [row["left_of_variance_percent"] for row in rows] == [25, 6.25, 0]


def test_a_mean_is_of_depths_at_which_every_photo_has_a_picture() -> None:
    near, far = (Point(rate, Scores(dists, 0.3, 30.0, 0.9), 0.1) for rate, dists in ((0.1, 0.2), (0.3, 0.4)))
    (mean,) = _means([[None, near, near], [None, None, far]])
    assert (mean.bpp, mean.dists.mean) == pytest.approx((0.2, 0.3))


def test_bytes_kept_of_a_picture_are_bits_a_pixel() -> None:
    row = [320, 0.2, 0.3, 30.0, 0.9, 0.1]
    point = _point(row, Photo("a", Image.new("RGB", (256, 256))))
    assert point == (320 * 8 / 256**2, Scores(0.2, 0.3, 30.0, 0.9), 0.1)


def test_one_stream_is_of_all_stages_so_far() -> None:
    lengths = _lengths([np.arange(64) % 16] * 3, [np.full(16, 1 / 16)] * 3)
    assert lengths.ideal_bits == [256] * 3
    assert lengths.apart == pytest.approx([32] * 3, abs=1)
    assert lengths.together == pytest.approx([32, 64, 96], abs=1)


def test_gains_of_range_coding_are_of_all_stages_so_far() -> None:
    lengths = [
        Lengths([10, 18, 7], [9, 24, 30], [64, 160, 8]),
        Lengths([10, 22, 7], [9, 26, 30], [64, 160, 8]),
    ]
    assert list(range_coding._row(1, 20, lengths).values()) == [2, 40, 30, 25, 28, 25, 37.5, 30]


def test_a_run_is_told_in_minutes() -> None:
    row = satcom._row("progressive", {"t_first_s": 90.0, "t_final_s": 300.0, "bytes": 1700})
    assert (row["t_first_min"], row["t_usable_min"], row["t_final_min"], row["bytes"]) == (1.5, None, 5, 1700)


def test_ours_is_set_beside_the_published_point_of_the_nearest_rate() -> None:
    points = [MeanPoint(rate, *[Mean(0.2, 0.0)] * 5) for rate in (0.01, 0.079)]
    beside = rd._beside(Curve("toy", "toy", tuple(points)), "ms-illm")
    assert (beside.ours, beside.paper, beside.difference) == ("0.200", "0.109 at 0.081 BPP", "+0.091")


def test_the_nearer_of_two_resolutions_is_told() -> None:
    large, small = {"bytes": 640, "dists": 0.2}, {"bytes": 640, "dists": 0.1}
    assert resolution._verdict((large, small), "dists", "").difference == "agrees"
    assert resolution._verdict((small, large), "dists", "").difference == "differs: 512x512 is nearer"


class _Differences:
    """Mean differences in the place of DISTS, which takes long."""

    def reference(self, image: Tensor) -> Tensor:
        return image

    def scores(self, reference: Tensor, picture: Tensor) -> Scores:
        return Scores(float((reference - picture).abs().mean()), 0.0, 0.0, 0.0)


def test_the_smaller_picture_is_scored_enlarged_and_at_its_own_size(
    toy_config: CodecConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sides = {"LARGE": (128, 128), "SMALL": (64, 64), "DEPTHS": {(128, 128): 1, (64, 64): 4}}
    for name, value in sides.items():
        monkeypatch.setattr(resolution, name, value)
    torch.manual_seed(2)
    net = CodecNet(toy_config.model_copy(update={"n_stages": 4}))
    net.quantizer.codebooks.normal_()
    codec = Codec(net, "ab" * 32)
    noise = np.random.default_rng(3).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    photo = Image.fromarray(noise).resize((128, 128))
    photo.save(tmp_path / "a.png")
    study = Study(codec, "toy", tmp_path, tmp_path / "out", Settings())
    study.metrics = _Differences()  # type: ignore[assignment]
    large_row, small_row = resolution.analyse(study).rows

    def missed(original: Image.Image, picture: Image.Image) -> float:
        return round(float((to_tensor(original) - to_tensor(picture)).abs().mean()), 4)

    shrunk = fit_photo(photo, (64, 64))
    large = codec.decode(codec.encode(photo)[:1], (128, 128))
    small = codec.decode(codec.encode(shrunk), (64, 64))
    assert large_row["dists"] == large_row["dists_own_size"] == missed(photo, large)
    assert small_row["dists"] == missed(photo, enlarged(small, (128, 128)))
    assert small_row["dists_own_size"] == missed(shrunk, small)
    assert large_row["bytes"] == small_row["bytes"] == 40
    for row, size in ((large_row, (128, 128)), (small_row, (64, 64))):
        assert row["gflop"] == round(sum(gflop_of(codec, size)), 2)


def test_entropy_of_few_vectors_is_told_and_the_least_even_codebook_counts() -> None:
    assert "Under 10 a code" in entropy._enough(319, 32)
    assert "Under" not in entropy._enough(320, 32)
    rows = [{"entropy_bits": bits, "entropy_corrected_bits": bits + 0.1} for bits in (9.9, 9.5, 9.8)]
    assert entropy._beside(rows, 10).ours == "9.60 corrected, 9.50 plug-in"


def test_rates_are_listed_to_the_depth_of_the_deepest_model() -> None:
    shallow, deep = (CodecConfig(name=f"of-{n}", n_stages=n) for n in (2, 5))
    models = [row["models"] for row in bpp._rows(16, 10, [shallow, deep])]
    assert models == ["of-2 of-5", "of-2 of-5", "of-5", "of-5", "of-5"]


def test_each_photo_is_coded_with_the_priors_of_the_other_half(toy_codec: Codec, tmp_path: Path) -> None:
    for number in range(4):
        noise = np.random.default_rng(number).integers(0, 256, (48, 48, 3), dtype=np.uint8)
        Image.fromarray(noise).save(tmp_path / f"{number}.png")
    study = Study(toy_codec, "toy", tmp_path, tmp_path / "out", Settings())
    own = [study.indices(photo) for photo in study.photos(None, "photos")]
    wanted = [_counted(study, own[1::2]), _counted(study, own[0::2])] * 2
    for found, prior in zip(_priors(study), wanted, strict=True):
        assert np.array_equal(found.stages, prior.stages)
    assert not np.array_equal(wanted[0].stages, wanted[1].stages)


def test_a_device_is_given_back_where_a_call_fails(toy_codec: Codec, monkeypatch: pytest.MonkeyPatch) -> None:
    places: list[object] = []
    can_learn: list[bool] = []  # of weights moved so

    def fail(*_: object) -> torch.Tensor:
        raise RuntimeError("out of memory")

    def moved(net: CodecNet, place: object) -> None:
        places.append(place)
        can_learn.append(not torch.is_inference_mode_enabled())

    monkeypatch.setattr(CodecNet, "to", moved)
    monkeypatch.setattr(gpu, "_decode", fail)
    with pytest.raises(RuntimeError, match="out of memory"):
        gpu.costs_on(toy_codec.net, (32, 32), "cpu:0", 1)
    assert places == ["cpu:0", torch.device("cpu")]
    assert can_learn == [True, True]
