import numpy as np
import pytest
import torch
from PIL import Image

import progic
from progic.codec import Codec, padded
from progic.errors import ImageError, PayloadError, WeightsError
from progic.images import to_tensor


def test_exported_names_are_sorted_and_there() -> None:
    assert progic.__all__ == sorted(progic.__all__)
    assert all(hasattr(progic, name) for name in progic.__all__)


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (17, 33), (300, 40)])
def test_any_size_is_padded_to_f_and_cropped_back(toy_codec: Codec, size: tuple[int, int]) -> None:
    photo = Image.new("RGB", size, (200, 80, 20))
    stages = toy_codec.encode(photo)
    cells = -(-size[0] // 16) * -(-size[1] // 16)
    assert [len(stage) for stage in stages] == [-(-cells * 5 // 8)] * 3
    assert toy_codec.bytes_per_stage(size) == len(stages[0])
    assert toy_codec.decode(stages, size).size == size


def test_photos_are_padded_with_their_last_pixels() -> None:
    pixels = torch.rand(1, 3, 17, 30, generator=torch.Generator().manual_seed(1))
    wanted = np.pad(pixels.numpy(), ((0, 0), (0, 0), (0, 15), (0, 2)), "edge")
    assert np.array_equal(padded(pixels, 16).numpy(), wanted)


def test_a_prefix_equals_a_mapping_of_the_same_stages(toy_codec: Codec, photo: Image.Image) -> None:
    stages = toy_codec.encode(photo)
    for depth in (1, 2, 3):
        whole = toy_codec.decode(stages[:depth], photo.size)
        backwards = toy_codec.decode({k: stages[k] for k in reversed(range(depth))}, photo.size)
        assert whole.tobytes() == backwards.tobytes()


def test_a_callers_half_precision_changes_neither_codes_nor_pictures(
    toy_codec: Codec, photo: Image.Image
) -> None:
    stages = toy_codec.encode(photo)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert toy_codec.encode(photo) == stages
        there = toy_codec.decode(stages, photo.size)
    assert there.tobytes() == toy_codec.decode(stages, photo.size).tobytes()


def test_the_decoder_is_told_which_stages_are_held(toy_codec: Codec, photo: Image.Image) -> None:
    stages = toy_codec.encode(photo)
    seen: list[list[float]] = []
    hook = toy_codec.net.decoder.register_forward_pre_hook(lambda _, given: seen.append(given[1][0].tolist()))
    for held in ({0: stages[0], 2: stages[2]}, {1: stages[1]}):
        toy_codec.decode(held, photo.size)
    hook.remove()
    assert seen == [[1, 0, 1], [0, 1, 0]]


def test_every_stage_changes_the_picture(toy_codec: Codec, photo: Image.Image) -> None:
    stages = toy_codec.encode(photo)
    pictures = {toy_codec.decode(stages[:depth], photo.size).tobytes() for depth in (1, 2, 3)}
    assert len(pictures) == 3


def test_a_stage_codes_only_what_earlier_ones_left(toy_codec: Codec, photo: Image.Image) -> None:
    """Change of a later codebook changes no earlier stage's bytes."""
    before = toy_codec.encode(photo)
    codebook = toy_codec.net.quantizer.codebooks[2]
    kept = codebook.clone()
    codebook.copy_(kept.flip(0))
    after = toy_codec.encode(photo)
    codebook.copy_(kept)
    assert before[:2] == after[:2]
    assert before[2] != after[2]


def test_a_codec_says_what_it_is(toy_codec: Codec) -> None:
    assert repr(toy_codec) == "<Codec toy: N=3, L=5, f=16>"


def test_bad_stages_are_named(toy_codec: Codec) -> None:
    with pytest.raises(PayloadError, match="no stage"):
        toy_codec.decode([], (16, 16))
    with pytest.raises(PayloadError, match=r"found 3, allowed 0\.\.2"):
        toy_codec.decode({3: b"\0"}, (16, 16))
    with pytest.raises(
        PayloadError, match="stage 1 of a 16x16 photo: stage payload: found 2 bytes, allowed 1"
    ):
        toy_codec.decode([b"\0", b"\0\0"], (16, 16))


def test_what_is_no_photo_and_a_payload_alone_are_named(toy_codec: Codec) -> None:
    pixels = np.zeros((16, 16, 3), np.uint8)
    with pytest.raises(ImageError, match=r"photo: found <class 'numpy.ndarray'>, allowed is a PIL"):
        toy_codec.encode(pixels)  # type: ignore[arg-type]
    with pytest.raises(ImageError, match="photo: found 0x16, allowed is a PIL"):
        toy_codec.encode(Image.new("RGB", (0, 16)))
    with pytest.raises(PayloadError, match="stages: found one payload, allowed is a sequence"):
        toy_codec.decode(toy_codec.encode(Image.fromarray(pixels))[0], (16, 16))


@pytest.mark.parametrize("size", [(0, 0), (16, 0), (0, 16)])
def test_a_size_without_pixels_is_named(toy_codec: Codec, size: tuple[int, int]) -> None:
    with pytest.raises(PayloadError, match=f"size: found {size[0]}x{size[1]}; allowed: at least 1x1"):
        toy_codec.decode([b""] * 3, size)


def test_large_pictures_have_no_seams_between_attention_windows(toy_codec: Codec) -> None:
    """Far from the change, and in the same phase of windows, codes do not move."""
    noise = np.random.default_rng(1).integers(0, 256, (256, 640, 3), dtype=np.uint8)
    changed = noise.copy()
    changed[:, 500:] = 0
    first, second = (to_tensor(Image.fromarray(pixels)) for pixels in (noise, changed))
    with torch.inference_mode():
        a, b = toy_codec.net.encoder(first), toy_codec.net.encoder(second)
    assert torch.equal(a[..., :16], b[..., :16])
    assert not torch.equal(a[..., -5:], b[..., -5:])


@pytest.mark.parametrize("name", ["f16", "f16-s"])
def test_bundled_model_has_the_card_configuration_and_its_sha256(name: str) -> None:
    codec = progic.load(name)
    config = codec.config
    assert (config.n_stages, config.bits_per_index, config.downsampling_factor) == (5, 10, 16)
    assert config.bits_per_pixel == pytest.approx(0.1953125)  # 5 * 10 / 256, equation 1
    stages = codec.encode(Image.new("RGB", (256, 256), "grey"))
    assert [len(stage) for stage in stages] == [320] * 5
    assert len(codec.fingerprint) == 64


def test_unknown_model_names_what_there_is() -> None:
    with pytest.raises(WeightsError, match="found 'f17', allowed f16"):
        progic.load("f17")
