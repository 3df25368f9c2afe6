import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from progic import weights
from progic.codec import Codec, CodecNet
from progic.errors import WeightsError


def test_saved_weights_load_to_the_same_codec(toy_codec: Codec, photo: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / "toy.safetensors"
    digest = weights.save(path, toy_codec.net, {"steps": 1})
    again = weights.load(path)
    assert again.fingerprint == digest
    assert again.config == toy_codec.config
    kinds = {name: tensor.dtype for name, tensor in load_file(path).items()}
    assert kinds.pop(weights.CODEBOOKS) == torch.float32 and set(kinds.values()) == {torch.float16}
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


@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        ({}, "their header has no config"),
        ({"config": '{"name": "x", "foo": 1}'}, "foo: Extra inputs are not permitted"),
    ],
)
def test_tensors_of_others_are_named_by_what_they_lack(
    tmp_path: Path, metadata: dict[str, str], told: str
) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"weight": torch.zeros(3)}, path, metadata)
    with pytest.raises(WeightsError, match=rf"not the weights of a progic model, or cut: {told}$"):
        weights.load(path)


def test_a_scale_without_codebooks_is_named(toy_codec: Codec, tmp_path: Path) -> None:
    path = tmp_path / "toy.safetensors"
    weights.save(path, toy_codec.net, {})
    tensors = load_file(path)
    tensors[weights.CODEBOOK_SCALE] = tensors.pop(weights.CODEBOOKS)
    save_file(tensors, path, weights.read_metadata(path))
    with pytest.raises(WeightsError, match=r"toy\.safetensors: found \d+ bytes that are not the weights"):
        weights.load(path)


def test_weights_that_are_not_those_of_their_config_are_named(toy_codec: Codec, tmp_path: Path) -> None:
    path = tmp_path / "toy.safetensors"
    weights.save(path, toy_codec.net, {})
    tensors, metadata = load_file(path), weights.read_metadata(path)
    del tensors["encoder.last.bias"]
    save_file(tensors, path, metadata)
    with pytest.raises(WeightsError, match=r"encoder\.last\.bias: found none, allowed \(8,\), by its config"):
        weights.load(path)


def test_a_few_bytes_make_no_net_of_gigabytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    levels = {"encoder_widths": [1024] * 5, "decoder_widths": [1024] * 5}
    levels |= {"encoder_blocks": [64] * 5, "decoder_blocks": [64] * 5}
    config = {"name": "x", "downsampling_factor": 64, "n_stages": 64, "bits_per_index": 16, **levels}
    save_file({"a": torch.zeros(1)}, tmp_path / "x.safetensors", {"config": json.dumps(config)})
    made: list[torch.device] = []
    old = CodecNet.__init__

    def told(net: CodecNet, *args: Any) -> None:
        made.append(torch.empty(0).device)  # a net of 60 GB elsewhere
        assert made == [torch.device("meta")]
        old(net, *args)

    monkeypatch.setattr(CodecNet, "__init__", told)
    with pytest.raises(WeightsError, match=r"x\.safetensors: a: found \(1,\), allowed none, by its config"):
        weights.load(tmp_path / "x.safetensors")


def test_weights_that_do_not_fit_their_trunk_are_named(tmp_path: Path) -> None:
    metadata = {"config": json.dumps({"name": "x", "trunk": "f16", "downsampling_factor": 8})}
    metadata["trunk_sha256"] = weights.load("f16").fingerprint
    save_file({"a": torch.zeros(1)}, tmp_path / "x.safetensors", metadata)
    with pytest.raises(WeightsError, match=r"x\.safetensors: .* found 8 on trunk f16 of f = 16"):
        weights.load(tmp_path / "x.safetensors")


def test_other_bytes_than_recorded_are_refused(toy_codec: Codec, tmp_path: Path) -> None:
    path = tmp_path / "toy.safetensors"
    weights.save(path, toy_codec.net, {})
    with pytest.raises(WeightsError, match="sha256 is .*, allowed 00"):
        weights.load_file(path, "00" * 32)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"none\.safetensors: No such file"):
        weights.load(tmp_path / "none.safetensors")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_weights_that_are_no_numbers_are_named(toy_codec: Codec, tmp_path: Path, value: float) -> None:
    path = tmp_path / "toy.safetensors"
    weights.save(path, toy_codec.net, {})
    tensors = load_file(path)
    tensors["encoder.linear.weight"][0] = value
    save_file(tensors, path, weights.read_metadata(path))
    told = r"toy\.safetensors: encoder\.linear\.weight: found numbers that are not finite"
    with pytest.raises(WeightsError, match=told):
        weights.load(path)
