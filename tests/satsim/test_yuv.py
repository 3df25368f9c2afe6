"""YUV 4:2:0: known levels of BT.709, and a round trip that loses chroma detail alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from satsim.yuv import from_yuv420, to_yuv420, yuv420_bytes


@pytest.mark.parametrize(
    ("colour", "levels"),
    [  # ITU-R BT.709-6 at 8 bits, and its colour bars as SMPTE RP 219 has them
        ((0, 0, 0), (16, 128, 128)),
        ((255, 255, 255), (235, 128, 128)),
        ((255, 0, 0), (63, 102, 240)),
        ((0, 255, 0), (173, 42, 26)),
        ((0, 0, 255), (32, 240, 118)),
    ],
)
def test_known_levels(colour: tuple[int, int, int], levels: tuple[int, int, int]) -> None:
    planes = to_yuv420(Image.new("RGB", (4, 2), colour))
    assert planes == bytes([levels[0]] * 8 + [levels[1]] * 2 + [levels[2]] * 2)


@given(width=st.integers(1, 9), height=st.integers(1, 9), seed=st.integers(0, 99))
def test_grey_comes_back_exactly_but_for_the_range(width: int, height: int, seed: int) -> None:
    grey = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    picture = Image.fromarray(grey).convert("RGB")
    planes = to_yuv420(picture)
    assert len(planes) == yuv420_bytes((width, height))
    back = np.asarray(from_yuv420(planes, (width, height)), dtype=int)
    assert abs(back - np.asarray(picture, dtype=int)).max() <= 1  # 256 levels in 220


@given(colour=st.tuples(*[st.integers(0, 255)] * 3), width=st.integers(1, 9), height=st.integers(1, 9))
def test_one_colour_comes_back(colour: tuple[int, int, int], width: int, height: int) -> None:
    picture = Image.new("RGB", (width, height), colour)
    back = np.asarray(from_yuv420(to_yuv420(picture), (width, height)), dtype=int)
    assert abs(back - np.array(colour)).max() <= 3  # a step of chroma is 2.1 of blue, of luma 1.2


def test_planes_stand_in_order() -> None:
    left_red = Image.new("RGB", (4, 4), (128, 128, 128))
    left_red.paste((255, 0, 0), (0, 0, 2, 4))
    luma, blue, red = np.split(np.frombuffer(to_yuv420(left_red), np.uint8), [16, 20])
    assert luma.reshape(4, 4)[0].tolist() == [63, 63, 126, 126]
    assert blue.tolist() == [102, 128, 102, 128]
    assert red.tolist() == [240, 128, 240, 128]
