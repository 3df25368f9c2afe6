"""SSDV-style packets: each alone gives back its own blocks, exactly, whatever else is lost."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image

from satsim.codec import NothingFits
from satsim.ssdv import BLOCK_PX, FIELDS_BYTES, SsdvCodec
from satsim.units import MAX_STAGES

SIZE = (120, 72)  # 7.5 by 4.5 blocks: the last ones are cut
COLUMNS, N_BLOCKS = 8, 40


def textured(seed: int) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 256, (9, 15, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize(SIZE, Image.Resampling.BICUBIC)


def codec_for(photo: Image.Image, budget_bytes: int, packet_bytes: int) -> SsdvCodec:
    levels = np.asarray(photo, dtype=np.float64)
    return SsdvCodec(
        budget_bytes, packet_bytes, lambda picture: float(((np.asarray(picture) - levels) ** 2).mean())
    )


def blocks_in(packet: bytes) -> range:
    fields = int.from_bytes(packet[:FIELDS_BYTES], "big")  # 2, 7, 16 and 15 bits
    first, count = fields >> 15 & 0xFFFF, fields & 0x7FFF
    return range(first, first + count)


def covered(blocks: range) -> np.ndarray:
    """Return which pixels the blocks cover."""
    mask = np.zeros((SIZE[1], SIZE[0]), dtype=bool)
    for block in blocks:
        top, left = block // COLUMNS * BLOCK_PX, block % COLUMNS * BLOCK_PX
        mask[top : top + BLOCK_PX, left : left + BLOCK_PX] = True
    return mask


@hypothesis_settings(max_examples=20)
@given(seed=st.integers(0, 99), packet_bytes=st.integers(150, 500), data=st.data())
def test_any_packets_show_their_own_blocks_and_grey(
    seed: int, packet_bytes: int, data: st.DataObject
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("progic.classical.SCALES", (1,))
        codec = codec_for(textured(seed), 5000, packet_bytes)
        packets = codec.encode(textured(seed)).stages
        held = data.draw(st.sets(st.integers(0, len(packets) - 1), min_size=1))
        picture = np.asarray(codec.decode({number: packets[number] for number in held}, SIZE))
        whole = np.asarray(codec.decode(dict(enumerate(packets)), SIZE))
    assert [block for packet in packets for block in blocks_in(packet)] == list(range(N_BLOCKS))
    assert max(map(len, packets)) <= packet_bytes
    assert sum(map(len, packets)) <= 5000
    seen = np.zeros((SIZE[1], SIZE[0]), dtype=bool)
    for number in held:
        seen |= covered(blocks_in(packets[number]))
    assert (picture[seen] == whole[seen]).all()
    assert (picture[~seen] == 128).all()


def test_an_undamaged_block_has_the_photos_own_pixels() -> None:
    """A flat grey block is its mean alone, 8 (v - 128), which the table's step of 2 holds without a loss."""
    levels = np.random.default_rng(3).integers(0, 256, (5, 8), dtype=np.uint8)
    pixels = np.kron(levels, np.ones((BLOCK_PX, BLOCK_PX), np.uint8))[: SIZE[1], : SIZE[0]]
    photo = Image.fromarray(pixels).convert("RGB")
    codec = codec_for(photo, 20_000, 60)
    packets = codec.encode(photo).stages
    assert len(packets) > 3
    picture = np.asarray(codec.decode({1: packets[1], 3: packets[3]}, SIZE))
    seen = covered(blocks_in(packets[1])) | covered(blocks_in(packets[3]))
    assert (picture[seen] == np.asarray(photo)[seen]).all()
    assert (picture[~seen] == 128).all()


def test_a_packet_behind_the_head_of_a_jpeg_is_a_jpeg() -> None:
    """Any JPEG reader, given the standard tables at the packet's quality, reads the packet's blocks."""
    photo = textured(4)
    codec = codec_for(photo, 6000, 400)
    packet = codec.encode(photo).stages[0]
    count = len(blocks_in(packet))
    quality = int.from_bytes(packet[:FIELDS_BYTES], "big") >> 31 & 0x7F
    file = io.BytesIO()
    Image.new("RGB", (count * BLOCK_PX, BLOCK_PX)).save(file, "JPEG", quality=quality, subsampling="4:2:0")
    head = file.getvalue()
    head = head[: head.rindex(b"\xff\xda") + 14]  # a scan's head of three components has 2 + 12 bytes
    with Image.open(io.BytesIO(head + packet[FIELDS_BYTES:] + b"\xff\xd9")) as strip:
        first = np.asarray(strip.convert("RGB"))[:, :BLOCK_PX]
    assert (np.asarray(codec.decode({0: packet}, SIZE))[:BLOCK_PX, :BLOCK_PX] == first).all()


@given(budget_bytes=st.integers(100, 2500), packet_bytes=st.integers(20, 300))
@hypothesis_settings(max_examples=15)
def test_budget_and_packets_are_kept_or_nothing_fits(budget_bytes: int, packet_bytes: int) -> None:
    photo = textured(7)
    try:
        packets = codec_for(photo, budget_bytes, packet_bytes).encode(photo).stages
    except NothingFits:
        assert budget_bytes < 300 or packet_bytes < 40
        return
    assert sum(map(len, packets)) <= budget_bytes
    assert max(map(len, packets)) <= packet_bytes
    assert len(packets) <= MAX_STAGES


def test_a_small_budget_sends_a_smaller_picture() -> None:
    photo = textured(5)
    scales = {codec_for(photo, budget, 340).encode(photo).stages[0][0] >> 6 for budget in (250, 20_000)}
    assert 0 in scales
    assert len(scales) == 2


def test_nothing_fits_where_packets_run_out_before_the_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("satsim.ssdv.MAX_STAGES", 2)
    with pytest.raises(NothingFits):
        codec_for(textured(7), 100_000, 20).encode(textured(7))
