from pathlib import Path

import pytest
from PIL import Image
from safetensors.torch import load_file, save_file

from progic import weights
from progic.codec import Codec
from progic.errors import WeightsError


def test_saved_weights_load_to_the_same_codec(toy_codec: Codec, photo: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / "toy.safetensors"
    digest = weights.save(path, toy_codec.net, {"steps": 1})
    again = weights.load(path)
    assert again.fingerprint == digest
    assert again.config == toy_codec.config
    weights.save(tmp_path / "again.safetensors", again.net, {"steps": 1})
    twice = weights.load(tmp_path / "again.safetensors")  # float16 is reached: now bit for bit
    assert twice.encode(photo) == again.encode(photo)


@pytest.mark.parametrize("kept", [0, 5, 1000, -1])
def test_cut_weights_are_named(toy_codec: Codec, tmp_path: Path, kept: int) -> None:
    path = tmp_path / "toy.safetensors"
    weights.save(path, toy_codec.net, {})
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(WeightsError, match=r"toy\.safetensors: found \d+ bytes that are not the weights"):
        weights.load(path)


@pytest.mark.parametrize("training", [None, "no JSON", "[]", '{"recipe": []}', '{"recipe": {}}'])
def test_weights_of_others_say_nothing_of_a_teacher(
    toy_codec: Codec, tmp_path: Path, training: str | None
) -> None:
    path = tmp_path / "toy.safetensors"
    weights.save(path, toy_codec.net, {})
    metadata = weights.read_metadata(path) | {"training": training or ""}
    if training is None:
        del metadata["training"]
    save_file(load_file(path), path, metadata)
    assert weights.teacher_of(path) == ""
    assert weights.load(path).config == toy_codec.config


def test_a_scale_without_codebooks_is_named(toy_codec: Codec, tmp_path: Path) -> None:
    path = tmp_path / "toy.safetensors"
    weights.save(path, toy_codec.net, {})
    tensors = load_file(path)
    tensors[weights.CODEBOOK_SCALE] = tensors.pop(weights.CODEBOOKS)
    save_file(tensors, path, weights.read_metadata(path))
    with pytest.raises(WeightsError, match=r"toy\.safetensors: found \d+ bytes that are not the weights"):
        weights.load(path)


def test_other_bytes_than_recorded_are_refused(toy_codec: Codec, tmp_path: Path) -> None:
    path = tmp_path / "toy.safetensors"
    weights.save(path, toy_codec.net, {})
    with pytest.raises(WeightsError, match="sha256 is .*, allowed 00"):
        weights.load_file(path, "00" * 32)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"none\.safetensors: No such file"):
        weights.load(tmp_path / "none.safetensors")


def test_weights_that_are_no_numbers_are_named(toy_codec: Codec, tmp_path: Path) -> None:
    path = tmp_path / "toy.safetensors"
    weights.save(path, toy_codec.net, {})
    tensors = load_file(path)
    tensors["encoder.linear.weight"][0] = float("nan")
    save_file(tensors, path, weights.read_metadata(path))
    told = r"toy\.safetensors: encoder\.linear\.weight: found numbers that are not finite"
    with pytest.raises(WeightsError, match=told):
        weights.load(path)
