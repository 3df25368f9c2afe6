"""What the bundled model f16-s makes of one picture, stored: files that people have must stay readable."""

import base64

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import progic
from progic.bitstream import unpack_indices
from progic.codec import Codec

SIDE_PX, BLOCK_PX = 64, 8
STAGES = (
    "j9vReP+8z+0ounvuI3ou+NvW/b2EDHxbpFrwiyDHMenTnxay7NYSdaoJdWywSx7d4f26NVL1W7JaHPXeN3zWVRjJwlMecIIy7UsnS8eL"
    "rcJxiuIgQ+GCrhpnK6I7LIgSvh3mzA=="
)
BLOCK_MEANS = (
    "3LVuldyqX+GAbeI20Kw1q5RWRZo5Zn0dwo6PS6ezWceDo91FtuGoYc67aMFutK4jljGjOGG1eVtey35teIrHRq/Ohs98yLU3gzufRE6X"
    "qEBLu0NbRlqqQn2uvJRA0HozRZxhcoxdzmV5izBcLC87jSQ3zh49iDp1a8JeuK5NwMPCYZunWnZkxW9npVWIQlSEpIp43o5jdeSHTNGm"
    "osy4s9G1WMaeMJ1Uv45+uYRbWr80RrQ+xKNhrZt4T7RqZ7k+"
)


def _made() -> Image.Image:
    row, column = np.mgrid[:SIDE_PX, :SIDE_PX]
    rings = np.sin(np.hypot(row - 20, column - 40) / 4)
    waves = [np.sin(column / 5 + row / 9), np.cos(row / 7 - column / 23), rings]
    return Image.fromarray(np.uint8(np.rint(np.stack(waves, 2) * 100 + 128)))


def _indices(codec: Codec, stages: list[bytes]) -> NDArray[np.int64]:
    count = (SIDE_PX // codec.config.downsampling_factor) ** 2
    return np.stack([unpack_indices(stage, count, codec.config.bits_per_index) for stage in stages])


def _block_means(picture: Image.Image) -> NDArray[np.float64]:
    blocks = SIDE_PX // BLOCK_PX
    pixels = np.asarray(picture, np.float64).reshape(blocks, BLOCK_PX, blocks, BLOCK_PX, 3)
    means: NDArray[np.float64] = pixels.mean((1, 3)).reshape(-1)
    return means


@pytest.fixture(scope="module")
def codec() -> Codec:
    return progic.load("f16-s")


@pytest.fixture(scope="module")
def stored(codec: Codec) -> list[bytes]:
    every, each = base64.b64decode(STAGES), codec.bytes_per_stage((SIDE_PX, SIDE_PX))
    return [every[start : start + each] for start in range(0, len(every), each)]


def test_the_bundled_model_codes_as_it_did(codec: Codec, stored: list[bytes]) -> None:
    """Other weights need other numbers: STAGES is base64 of `b"".join(codec.encode(_made()))`."""
    same = _indices(codec, codec.encode(_made())) == _indices(codec, stored)
    assert same.mean() >= 0.999


def test_the_bundled_model_draws_stored_files_as_it_did(codec: Codec, stored: list[bytes]) -> None:
    """Other weights need other numbers: `_block_means` of the picture, rounded to bytes, in base64."""
    wanted = np.frombuffer(base64.b64decode(BLOCK_MEANS), np.uint8)
    seen = codec.decode(stored, (SIDE_PX, SIDE_PX))
    assert np.abs(_block_means(seen) - wanted).max() < 1.5
