import json
import math
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from torch import Tensor

from progic.blockiness import blockiness, checkerboard
from progic.codec import Codec
from progic.errors import ConfigError, ImageError
from progic.evaluate import CodebookRow, _usage, check_subsets, entropy_bits, evaluate
from progic.images import to_tensor
from progic.metrics import PerceptualMetrics


def test_entropy_of_uniform_and_skewed_counts() -> None:
    assert entropy_bits(np.full(1024, 7)) == pytest.approx(10)
    assert entropy_bits(np.array([0, 5, 0])) == 0
    assert entropy_bits(np.array([1, 2, 1])) == pytest.approx(1.5)


def test_of_more_places_than_codes_all_codes_are_possible() -> None:
    half, twice = (_usage(0, [np.arange(n) % 32], 32) for n in (16, 64))
    assert half == CodebookRow(1, used_share=0.5, entropy_bits=4, possible_share=0.5)
    assert twice == CodebookRow(1, used_share=1, entropy_bits=5, possible_share=1)


def test_all_sets_of_up_to_ten_stages_are_scored(toy_codec: Codec) -> None:
    toy = toy_codec.config
    for n_stages in (10, 11):
        codec = SimpleNamespace(config=toy.model_copy(update={"n_stages": n_stages}))
        with nullcontext() if n_stages == 10 else pytest.raises(ConfigError, match="toy with N = 11 stages"):
            check_subsets(codec)  # type: ignore[arg-type]


def test_evaluation_is_the_mean_of_its_photos(
    toy_codec: Codec, metric_weights: dict[str, Tensor], photo: Image.Image, tmp_path: Path
) -> None:
    size = (48, 32)
    first, second = photo.resize(size), photo.rotate(180).resize(size)
    first.save(tmp_path / "a.png")
    second.save(tmp_path / "b.png")
    (tmp_path / "broken.png").write_bytes(b"no")
    metrics = PerceptualMetrics(metric_weights)
    result = evaluate(toy_codec, tmp_path, metrics, size)
    assert result.photos == ("a.png", "b.png")
    assert [str(tmp_path / "broken.png") in line for line in result.skipped] == [True]
    by_hand, blocks, dots, witness = [], [], [], []
    for image in (first, second):
        picture = toy_codec.decode(toy_codec.encode(image)[:2], size)
        blocks.append(float(blockiness(to_tensor(picture), toy_codec.config.downsampling_factor)))
        dots.append(float(checkerboard(to_tensor(picture), toy_codec.config.downsampling_factor)))
        by_hand.append(float(metrics.dists(to_tensor(image), to_tensor(picture))))
        witness.append(metrics.lpips_alex(to_tensor(image), to_tensor(picture)).item())
    row = result.stages[1]
    assert row.dists.mean == pytest.approx(sum(by_hand) / 2, abs=1e-5)
    # standard error of two values: half of their distance; t of one degree of freedom
    assert row.dists.half_interval == pytest.approx(12.706 * abs(by_hand[0] - by_hand[1]) / 2, abs=1e-5)
    assert row.blockiness.mean == pytest.approx(sum(blocks) / 2)
    assert row.checkerboard.mean == pytest.approx(sum(dots) / 2)
    assert result.as_json()["by_photo"]["b.png"][1]["checkerboard"] == dots[1]  # type: ignore[index]
    assert row.lpips_alex.mean == pytest.approx(sum(witness) / 2)
    assert result.as_json()["by_photo"]["b.png"][1]["lpips_alex"] == witness[1]  # type: ignore[index]
    own = [float(blockiness(to_tensor(image), 16)) for image in (first, second)]
    assert result.photos_blockiness.mean == pytest.approx(sum(own) / 2)
    dotted = [float(checkerboard(to_tensor(image), 16)) for image in (first, second)]
    assert result.photos_checkerboard.mean == pytest.approx(sum(dotted) / 2)
    assert (row.stages, row.bytes) == (2, 2 * math.ceil(3 * 2 * 5 / 8))
    assert row.bpp == row.bytes * 8 / (48 * 32)
    assert 0 < result.codebooks[0].used_share <= result.codebooks[0].possible_share == 12 / 32
    assert json.loads(json.dumps(result.as_json()))["model"] == "toy"


def test_a_folder_of_broken_photos_says_so(
    toy_codec: Codec, metric_weights: dict[str, Tensor], tmp_path: Path
) -> None:
    (tmp_path / "broken.png").write_bytes(b"no")
    with pytest.raises(ImageError, match="none of its 1 photos could be read"):
        evaluate(toy_codec, tmp_path, PerceptualMetrics(metric_weights), (32, 32))
