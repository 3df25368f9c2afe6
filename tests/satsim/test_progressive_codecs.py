"""Progressive JPEG and JPEG 2000 in packets: within budget, and a picture from the first packets on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image

from satsim.codec import Encoded, NothingFits
from satsim.packetize import chunk
from satsim.progressive_codecs import ProgressiveFileCodec
from satsim.settings import Growing
from satsim.units import HEADER_BYTES

SIZE = (96, 80)
FORMATS: tuple[Growing, ...] = ("jpeg_progressive", "jp2")


def photo_of(seed: int) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 256, (10, 12, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize(SIZE, Image.Resampling.BICUBIC)


def sent(
    file_format: Growing, photo: Image.Image, budget_bytes: int, piece_bytes: int
) -> tuple[ProgressiveFileCodec, Encoded, tuple[bytes, ...]]:
    levels = np.asarray(photo, dtype=np.float64)
    codec = ProgressiveFileCodec(
        file_format,
        budget_bytes,
        piece_bytes,
        lambda picture: float(((np.asarray(picture) - levels) ** 2).mean()),
    )
    encoded = codec.encode(photo)
    return codec, encoded, chunk(encoded.stages[0], piece_bytes + HEADER_BYTES)


@pytest.mark.parametrize("file_format", FORMATS)
@hypothesis_settings(max_examples=8)
@given(seed=st.integers(0, 999), budget_bytes=st.integers(700, 2500), piece_bytes=st.integers(60, 700))
def test_more_packets_come_nearer_within_the_budget(
    file_format: Growing, seed: int, budget_bytes: int, piece_bytes: int
) -> None:
    photo = photo_of(seed)
    codec, encoded, pieces = sent(file_format, photo, budget_bytes, piece_bytes)
    assert sum(map(len, pieces)) <= budget_bytes
    pictures = [codec.decode(dict(enumerate(pieces[:count])), SIZE) for count in range(1, len(pieces) + 1)]
    grey = Image.new("RGB", SIZE, (128, 128, 128))
    first = encoded.first_stages
    assert all(picture.getcolors(1) for picture in pictures[: first - 1])  # one colour: nothing to see
    assert pictures[first - 1].getcolors(1) is None
    assert {picture.size for picture in pictures} == {SIZE}
    assert codec.distance(pictures[-1]) < codec.distance(grey)
    nearest = min(map(codec.distance, pictures[first - 1 :]))
    # of JPEG, a coarse scan that libjpeg has smoothed can be a hair nearer than the whole
    assert codec.distance(pictures[-1]) <= (nearest if file_format == "jp2" else 1.02 * nearest)


@pytest.mark.parametrize("file_format", FORMATS)
def test_nothing_fits_in_a_header(file_format: Growing) -> None:
    with pytest.raises(NothingFits):
        sent(file_format, photo_of(1), 60, 60)


def test_a_photo_of_one_colour_is_shown_when_whole() -> None:
    _, encoded, pieces = sent("jp2", Image.new("RGB", SIZE, (90, 90, 90)), 1000, 50)
    assert encoded.first_stages == len(pieces) > 1
