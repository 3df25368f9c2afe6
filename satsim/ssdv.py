"""Baseline JPEG in packets that can each be read alone, in the manner of SSDV.

SSDV (Philip Heron, github.com/fsphil/ssdv) cuts a baseline JPEG with fixed tables into packets of 256 bytes,
205 of them JPEG data, and writes in each where its first block stands. Here a packet is what the link carries
less our header, which stands for SSDV's own with its check sum; in it are five bytes and then whole blocks of
16x16 pixels (4:2:0) in raster order, where SSDV lets a block run on into the next packet. So a lost packet
costs its own blocks and no other's. What is not held is grey. As SSDV's, the tables are JPEG's standard ones
at a quality that the packet names, and so need not be sent.

    bits  field      meaning
       2  scale      the picture is at 1 / 2^scale of the photo's width and height
       7  quality    0..95, of the IJG's tables
      16  first      the first block's number, from 0
      15  blocks     how many blocks follow
          data       their Huffman codes, as in a JPEG of these blocks side by side
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

import bitstruct
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from progic import classical
from satsim.codec import UNKNOWN_GREY, Distance, Encoded, NothingFits, encoded_bytes
from satsim.units import MAX_STAGES

BLOCK_PX = 16  # an MCU of 4:2:0 JPEG
MOST_BLOCKS = 65500 // BLOCK_PX  # in a packet: libjpeg's widest picture, JPEG_MAX_DIMENSION in jmorecfg.h
QUALITIES = range(96)
_FIELDS = bitstruct.compile("u2 u7 u16 u15")
FIELDS_BYTES = 5
_SCAN = b"\xff\xda"

Pixels = NDArray[np.uint8]  # height, width, 3


class _Fields(NamedTuple):
    log2_scale: int
    quality: int
    first: int
    n_blocks: int


@dataclass(frozen=True)
class SsdvCodec:
    """The best quality at which all blocks fit `budget_bytes`, of the nearest scale by `distance`."""

    budget_bytes: int
    packet_bytes: int
    distance: Distance
    name: str = "SSDV-style JPEG"

    def encode(self, photo: Image.Image) -> Encoded:
        """Return the packets' contents, one a stage, in raster order."""
        written = [self._best(photo, scale) for scale in range(len(classical.SCALES))]
        there = [packets for packets in written if packets is not None]
        if not there:
            raise NothingFits
        shown = [self.decode(dict(enumerate(packets)), photo.size) for packets in there]
        best = there[min(range(len(there)), key=lambda n: self.distance(shown[n]))]
        return encoded_bytes(best, "ssdv", is_file=False)

    def decode(self, held: Mapping[int, bytes], size: tuple[int, int]) -> Image.Image:
        """Return the blocks held, where they belong, enlarged to `size`; the others are grey."""
        packets = [_parsed(held[n]) for n in sorted(held)]
        scale = classical.SCALES[packets[0][0].log2_scale]
        width, height = (max(1, side // scale) for side in size)
        columns = ceil(width / BLOCK_PX)
        shape = (ceil(height / BLOCK_PX) * BLOCK_PX, columns * BLOCK_PX, 3)
        canvas = np.full(shape, UNKNOWN_GREY, dtype=np.uint8)
        for fields, data in packets:
            for number, block in enumerate(_blocks_of(fields, data), fields.first):
                _place(canvas, number // columns, number % columns)[:] = block
        return classical.enlarged(Image.fromarray(canvas[:height, :width]), size)

    def _best(self, photo: Image.Image, log2_scale: int) -> tuple[bytes, ...] | None:
        blocks = _cut(classical.shrunk(photo, classical.SCALES[log2_scale]))
        return classical.best_that_fits(
            lambda quality: self._packets(blocks, log2_scale, quality), QUALITIES, self._fits
        )

    def _fits(self, packets: tuple[bytes, ...]) -> bool:
        return 0 < len(packets) <= MAX_STAGES and sum(map(len, packets)) <= self.budget_bytes

    def _packets(self, blocks: list[Pixels], log2_scale: int, quality: int) -> tuple[bytes, ...]:
        """Fill packet after packet with as many blocks as it holds; () if one block is too much for one."""
        packets: list[bytes] = []
        first = 0
        while first < len(blocks):
            count, data = self._filled(blocks[first : first + MOST_BLOCKS], quality)
            if not count or len(packets) == MAX_STAGES:
                return ()
            fields = bytes(_FIELDS.pack(*_Fields(log2_scale, quality, first, count)))
            packets.append(fields + data)
            first += count
        return tuple(packets)

    def _filled(self, blocks: list[Pixels], quality: int) -> tuple[int, bytes]:
        """Return the most of the first `blocks` that fit a packet, and their codes; 0 if not one does."""
        room = self.packet_bytes - FIELDS_BYTES
        filled = classical.best_that_fits(
            lambda count: (count, _codes(blocks[:count], quality)),
            range(1, len(blocks) + 1),
            lambda written: len(written[1]) <= room,
        )
        return filled or (0, b"")


def _parsed(packet: bytes) -> tuple[_Fields, bytes]:
    return _Fields(*_FIELDS.unpack(packet[:FIELDS_BYTES])), packet[FIELDS_BYTES:]


def _cut(picture: Image.Image) -> list[Pixels]:
    """Return the blocks in raster order; those at the right and bottom edge repeat the last pixel."""
    pixels = np.asarray(picture)
    high, wide = (ceil(side / BLOCK_PX) for side in pixels.shape[:2])
    more = (high * BLOCK_PX - pixels.shape[0], wide * BLOCK_PX - pixels.shape[1])
    padded = np.pad(pixels, ((0, more[0]), (0, more[1]), (0, 0)), mode="edge")
    return [_place(padded, row, column) for row in range(high) for column in range(wide)]


def _place(canvas: Pixels, row: int, column: int) -> Pixels:
    """Return the part of `canvas` that a block covers."""
    top, left = row * BLOCK_PX, column * BLOCK_PX
    return canvas[top : top + BLOCK_PX, left : left + BLOCK_PX]


def _codes(blocks: list[Pixels], quality: int) -> bytes:
    """Return the blocks' Huffman codes: the scan of their JPEG, without what stands around it."""
    _, codes = _split(_jpeg(Image.fromarray(np.hstack(blocks)), quality))
    return codes


def _blocks_of(fields: _Fields, codes: bytes) -> list[Pixels]:
    """Put the head of a JPEG with these tables back before the codes, and read it."""
    size = (fields.n_blocks * BLOCK_PX, BLOCK_PX)
    head, _ = _split(_jpeg(Image.new("RGB", size), fields.quality))
    with Image.open(io.BytesIO(head + codes + b"\xff\xd9")) as strip:
        return np.split(np.asarray(strip.convert("RGB")), fields.n_blocks, axis=1)


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality, subsampling="4:2:0", optimize=False)
    return file.getvalue()


def _split(jpeg: bytes) -> tuple[bytes, bytes]:
    """Return all up to the scan's data, and the data, without the end's marker."""
    scan = jpeg.rindex(_SCAN)
    data = scan + 2 + int.from_bytes(jpeg[scan + 2 : scan + 4], "big")
    return jpeg[:data], jpeg[data:-2]
