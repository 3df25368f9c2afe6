"""Numbers of the analyses that are of several photos or stages at once."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from progic.analyses import gpu
from progic.analyses.curves import Point, _means
from progic.analyses.range_coding import _counted, _priors
from progic.analyses.study import Settings, Study
from progic.analyses.tsne import _rows
from progic.codec import Codec, CodecNet
from progic.metrics import Scores


def test_variance_left_is_of_what_all_stages_so_far_miss() -> None:
    latents = np.array([[4, 0], [-4, 0], [0, 4], [0, -4]], np.float32)
    rows = _rows(latents, [latents * np.float32(share) for share in (1 / 2, 1 / 4, 1 / 4)])
    assert [row["left_of_variance_percent"] for row in rows] == [25, 6.25, 0]


def test_a_mean_is_of_depths_at_which_every_photo_has_a_picture() -> None:
    near, far = (Point(bpp, Scores(dists, 0.3, 30.0, 0.9), 0.1) for bpp, dists in ((0.1, 0.2), (0.3, 0.4)))
    (mean,) = _means([[None, near, near], [None, None, far]])
    assert (mean.bpp, mean.dists.mean) == pytest.approx((0.2, 0.3))


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
