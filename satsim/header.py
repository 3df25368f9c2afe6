"""The packet on the air: a 20-byte header that can be read alone, then whole stages.

Bits, most significant first, no gaps:

    offset bits field
         0    8 magic             0xA7
         8    4 version           1
        12   16 image id          0..65535
        28    6 first stage       0..63, the stage with which the payload begins
        34    6 stage count - 1   stages in this payload, one after the other, all of the same length
        40    6 stages - 1        stages of this image that are sent, in all packets together
        46    4 L - 1             bits per index
        50    3 log2 f            downsampling factor
        53   12 width - 1         pixels
        65   12 height - 1        pixels
        77   16 fingerprint       first two bytes of the sha256 of the weights (other codecs: of the name)
        93   32 capture time      seconds since 1970-01-01 UTC
       125    3 kind              0: stages; 1: parity stages (satsim.fec), numbered from 0 on their own;
                                  2: a report, sent back, of the stages held
                                  3: a piece of every stage (satsim.ulp); then first stage is the piece's
                                  number and stage count the number of pieces, one a packet
       128   32 CRC-32            (ISO-HDLC, as zlib's) of bytes 0..15 and the payload
       160      payload           at least one byte; stages of a model (f above 1) are as long as L, f and the
                                  size say, the last byte of each filled up with 0; of a report a bit a stage,
                                  1 if held, stage 0 the most significant bit of the first byte, filled up too

A worked example by hand is in tests/satsim/test_packets.py. Knows no torch.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import bitstruct.c
import fastcrc

from satsim.errors import BadCrc, BadField, BadMagic, ShortPacket, UnknownVersion
from satsim.units import (
    BITS_PER_BYTE,
    DOWNSAMPLING_FACTORS,
    HEADER_BYTES,
    MAX_BITS_PER_INDEX,
    MAX_SIDE_PX,
    MAX_STAGES,
    cells,
    stage_bytes,
)

MAGIC = 0xA7
VERSION = 1
CRC_BYTES = 4
STAGES, PARITY, REPORT, PIECES = range(4)  # kind
_FIELDS = bitstruct.c.compile("u8 u4 u16 u6 u6 u6 u4 u3 u12 u12 u16 u32 u3")
_FIELDS_BYTES = HEADER_BYTES - CRC_BYTES


@dataclass(frozen=True)
class ImageTag:
    """What every packet of one image says of it; BadField for a value that the header cannot hold."""

    image_id: int  # 0..65535
    n_stages: int  # 1..64: those that are sent
    bits_per_index: int  # 1..16
    downsampling_factor: int  # a power of two, 1..128
    width: int  # 1..4096 px
    height: int  # 1..4096 px
    fingerprint: int  # 0..65535, see satsim.codec.short_fingerprint
    capture_time: int  # seconds since 1970-01-01 UTC, 32 bits

    def __post_init__(self) -> None:
        BadField.check("image_id", self.image_id, 0, 0xFFFF)
        BadField.check("n_stages", self.n_stages, 1, MAX_STAGES)
        BadField.check("bits_per_index", self.bits_per_index, 1, MAX_BITS_PER_INDEX)
        if self.downsampling_factor not in DOWNSAMPLING_FACTORS:
            allowed = ", ".join(map(str, DOWNSAMPLING_FACTORS))
            raise BadField(f"downsampling_factor is {self.downsampling_factor}; allowed: {allowed}")
        BadField.check("width", self.width, 1, MAX_SIDE_PX)
        BadField.check("height", self.height, 1, MAX_SIDE_PX)
        BadField.check("fingerprint", self.fingerprint, 0, 0xFFFF)
        BadField.check("capture_time", self.capture_time, 0, 0xFFFFFFFF)

    @property
    def stage_bytes(self) -> int | None:
        """What L, f and the size make of each stage; None where f is 1: pieces of a file have any length."""
        if self.downsampling_factor == 1:
            return None
        return stage_bytes((self.width, self.height), self.bits_per_index, self.downsampling_factor)

    @property
    def filler(self) -> int:
        """Mask of the bits of a stage's last byte that its indices leave, which are 0."""
        if self.stage_bytes is None:
            return 0
        indices = cells((self.width, self.height), self.downsampling_factor)
        return (1 << (self.stage_bytes * BITS_PER_BYTE - indices * self.bits_per_index)) - 1

    @property
    def name(self) -> str:
        """A file name that no other image has: when it was taken, its id, then all else of the header."""
        taken = datetime.fromtimestamp(self.capture_time, UTC).strftime("%Y%m%dT%H%M%SZ")
        codec = f"{self.fingerprint:04x}-n{self.n_stages}-l{self.bits_per_index}-f{self.downsampling_factor}"
        return f"{taken}-{self.image_id:04x}-{self.width}x{self.height}-{codec}"


class Fields(NamedTuple):
    """The header as numbers, in the order of the bits."""

    magic: int
    version: int
    image_id: int
    first_stage: int
    stage_count_less_1: int
    n_stages_less_1: int
    bits_per_index_less_1: int
    log2_factor: int
    width_less_1: int
    height_less_1: int
    fingerprint: int
    capture_time: int
    kind: int


def packed(image: ImageTag, first_stage: int, stage_count: int, kind: int, payload: bytes) -> bytes:
    """Return header and payload as bytes."""
    fields = Fields(
        MAGIC,
        VERSION,
        image.image_id,
        first_stage,
        stage_count - 1,
        image.n_stages - 1,
        image.bits_per_index - 1,
        DOWNSAMPLING_FACTORS.index(image.downsampling_factor),
        image.width - 1,
        image.height - 1,
        image.fingerprint,
        image.capture_time,
        kind,
    )
    head = bytes(_FIELDS.pack(*fields))
    return head + _crc(head, payload).to_bytes(CRC_BYTES, "big") + payload


def checked(data: bytes) -> Fields:
    """Return the header of bytes that are whole and ours."""
    if len(data) < HEADER_BYTES:
        raise ShortPacket(f"{len(data)} bytes; allowed: at least the {HEADER_BYTES} of a header")
    fields = Fields(*_FIELDS.unpack(data[:_FIELDS_BYTES]))
    if fields.magic != MAGIC:
        raise BadMagic(f"first byte is 0x{fields.magic:02X}; allowed: 0x{MAGIC:02X}")
    if fields.version != VERSION:
        raise UnknownVersion(f"header version is {fields.version}; allowed: {VERSION}")
    sent = int.from_bytes(data[_FIELDS_BYTES:HEADER_BYTES], "big")
    found = _crc(data[:_FIELDS_BYTES], data[HEADER_BYTES:])
    if found != sent:
        raise BadCrc(f"CRC-32 of {len(data)} bytes is {found:08X}; the header says {sent:08X}")
    return fields


def image_of(fields: Fields) -> ImageTag:
    """Return what a header says of its image; BadField for what no image has."""
    return ImageTag(
        image_id=fields.image_id,
        n_stages=fields.n_stages_less_1 + 1,
        bits_per_index=fields.bits_per_index_less_1 + 1,
        downsampling_factor=1 << fields.log2_factor,
        width=fields.width_less_1 + 1,
        height=fields.height_less_1 + 1,
        fingerprint=fields.fingerprint,
        capture_time=fields.capture_time,
    )


def _crc(head: bytes, payload: bytes) -> int:
    return int(fastcrc.crc32.iso_hdlc(payload, fastcrc.crc32.iso_hdlc(head)))
