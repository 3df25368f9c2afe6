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
                                  size say; of a report a bit a stage, 1 if held, stage 0 the most significant
                                  bit of the first byte, the last byte filled up with 0

A worked example by hand is in tests/satsim/test_packets.py. Knows no torch.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import bitstruct.c
import fastcrc

from satsim.errors import BadCrc, BadField, BadMagic, ShortPacket, UnknownVersion
from satsim.ulp import Protection, parse_protection
from satsim.units import (
    BITS_PER_BYTE,
    DOWNSAMPLING_FACTORS,
    HEADER_BYTES,
    MAX_BITS_PER_INDEX,
    MAX_SIDE_PX,
    MAX_STAGES,
    stage_bytes,
)

MAGIC = 0xA7
VERSION = 1
CRC_BYTES = 4
_STAGES, _PARITY, _REPORT, _PIECES = range(4)  # kind
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
    def name(self) -> str:
        """A file name that no other image has: when it was taken, its id, then all else of the header."""
        taken = datetime.fromtimestamp(self.capture_time, UTC).strftime("%Y%m%dT%H%M%SZ")
        codec = f"{self.fingerprint:04x}-n{self.n_stages}-l{self.bits_per_index}-f{self.downsampling_factor}"
        return f"{taken}-{self.image_id:04x}-{self.width}x{self.height}-{codec}"


@dataclass(frozen=True)
class Packet:
    """Consecutive stages of one image; BadField for parts that contradict each other."""

    image: ImageTag
    first_stage: int  # 0-based
    stage_count: int
    payload: bytes  # the stages, one after the other, all of the same length
    is_parity: bool = False  # parity stages, numbered from 0 on their own, at most MAX_STAGES of them

    def __post_init__(self) -> None:
        most = MAX_STAGES if self.is_parity else self.image.n_stages
        BadField.check("stage_count", self.stage_count, 1, most)
        BadField.check("first_stage", self.first_stage, 0, most - self.stage_count)
        if not self.payload or len(self.payload) % self.stage_count:
            raise BadField(f"payload is {len(self.payload)} bytes; allowed: {self.stage_count} equal stages")
        each = self.image.stage_bytes or len(self.payload) // self.stage_count
        BadField.check("bytes of a stage", len(self.payload) // self.stage_count, each, each)

    @property
    def label(self) -> str:
        """What a log calls it: "0", or "0-2" for first to last, or "parity 0"."""
        last = self.first_stage + self.stage_count - 1
        stages = f"{self.first_stage}" if self.stage_count == 1 else f"{self.first_stage}-{last}"
        return f"parity {stages}" if self.is_parity else stages

    @property
    def carried(self) -> range:
        """The numbers of the stages in it."""
        return range(self.first_stage, self.first_stage + self.stage_count)

    def stages(self) -> dict[int, bytes]:
        """Return each stage's bytes by its 0-based number."""
        length = len(self.payload) // self.stage_count
        starts = range(0, len(self.payload), length)
        return dict(zip(self.carried, (self.payload[at : at + length] for at in starts), strict=True))


@dataclass(frozen=True)
class Pieces:
    """A piece of every stage of an image (satsim.ulp); BadField for parts that contradict each other."""

    image: ImageTag
    number: int  # 0-based
    n_packets: int  # how many are sent, 1..64
    protection: Protection
    pieces: tuple[bytes, ...]  # one a stage

    def __post_init__(self) -> None:
        BadField.check("packets", self.n_packets, 1, MAX_STAGES)
        BadField.check("number of the piece", self.number, 0, self.n_packets - 1)
        BadField.check("needed", self.protection.needed[-1], 1, self.n_packets)
        n_stages = len(self.protection.needed)
        BadField.check("stages", n_stages, self.image.n_stages, self.image.n_stages)
        for length in self.protection.lengths:
            each = self.image.stage_bytes or length
            BadField.check("bytes of a stage", length, each, each)
        if [len(piece) for piece in self.pieces] != self.protection.piece_bytes:
            raise BadField(f"{len(self.pieces)} pieces; allowed: {self.protection.piece_bytes} bytes")

    @property
    def payload(self) -> bytes:
        """What follows the header."""
        return self.protection.pack() + b"".join(self.pieces)

    @property
    def carried(self) -> range:
        """The numbers of the stages in it: all."""
        return range(self.image.n_stages)

    @property
    def label(self) -> str:
        """What a log calls it: "0-4 piece 1", with piece 1 of each of five stages."""
        last = f"-{self.image.n_stages - 1}" if self.image.n_stages > 1 else ""
        return f"0{last} piece {self.number}"


AnyPacket = Packet | Pieces


@dataclass(frozen=True)
class Report:
    """What the receiver says on the return link: the stages of `image` that it holds, 0-based."""

    image: ImageTag
    held: frozenset[int]

    def __post_init__(self) -> None:
        for stage in self.held:
            BadField.check("held stage", stage, 0, self.image.n_stages - 1)


class _Fields(NamedTuple):
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


def pack(packet: AnyPacket) -> bytes:
    """Return the packet's bytes: 20 of header, then the payload."""
    if isinstance(packet, Pieces):
        return _packed(packet.image, packet.number, packet.n_packets, _PIECES, packet.payload)
    kind = _PARITY if packet.is_parity else _STAGES
    return _packed(packet.image, packet.first_stage, packet.stage_count, kind, packet.payload)


def pack_report(report: Report) -> bytes:
    """Return the report's bytes: 20 of header, then a bit a stage; 21 to 28 bytes."""
    n_stages = report.image.n_stages
    bits = sum(1 << (n_stages - 1 - stage) for stage in report.held)
    n_bytes = math.ceil(n_stages / BITS_PER_BYTE)
    bitmap = (bits << (n_bytes * BITS_PER_BYTE - n_stages)).to_bytes(n_bytes, "big")
    return _packed(report.image, 0, n_stages, _REPORT, bitmap)


def _packed(image: ImageTag, first_stage: int, stage_count: int, kind: int, payload: bytes) -> bytes:
    fields = _Fields(
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


def parse(data: bytes) -> AnyPacket:
    """Return the packet that `data` holds; for bytes that are none, raises the PacketError that says why."""
    fields = _checked(data)
    image, count, payload = _image(fields), fields.stage_count_less_1 + 1, data[HEADER_BYTES:]
    if fields.kind == _PIECES:
        return Pieces(image, fields.first_stage, count, *parse_protection(payload, image.n_stages))
    if fields.kind not in (_STAGES, _PARITY):
        raise BadField(f"kind is {fields.kind}; allowed: {_STAGES}, {_PARITY} or {_PIECES}")
    return Packet(image, fields.first_stage, count, payload, is_parity=fields.kind == _PARITY)


def parse_report(data: bytes) -> Report:
    """Return the report that `data` holds; for bytes that are none, raises the PacketError that says why."""
    fields = _checked(data)
    BadField.check("kind", fields.kind, _REPORT, _REPORT)
    image, bitmap = _image(fields), data[HEADER_BYTES:]
    BadField.check("first_stage", fields.first_stage, 0, 0)
    BadField.check("stage_count", fields.stage_count_less_1 + 1, image.n_stages, image.n_stages)
    n_bytes = math.ceil(image.n_stages / BITS_PER_BYTE)
    BadField.check("bytes of the report", len(bitmap), n_bytes, n_bytes)
    filler = n_bytes * BITS_PER_BYTE - image.n_stages
    bits = int.from_bytes(bitmap, "big")
    BadField.check("filler of the report", bits & ((1 << filler) - 1), 0, 0)
    held = bits >> filler
    return Report(image, frozenset(n for n in range(image.n_stages) if held >> (image.n_stages - 1 - n) & 1))


def _checked(data: bytes) -> _Fields:
    """Return the header of bytes that are whole and ours."""
    if len(data) < HEADER_BYTES:
        raise ShortPacket(f"{len(data)} bytes; allowed: at least the {HEADER_BYTES} of a header")
    fields = _Fields(*_FIELDS.unpack(data[:_FIELDS_BYTES]))
    if fields.magic != MAGIC:
        raise BadMagic(f"first byte is 0x{fields.magic:02X}; allowed: 0x{MAGIC:02X}")
    if fields.version != VERSION:
        raise UnknownVersion(f"header version is {fields.version}; allowed: {VERSION}")
    sent = int.from_bytes(data[_FIELDS_BYTES:HEADER_BYTES], "big")
    found = _crc(data[:_FIELDS_BYTES], data[HEADER_BYTES:])
    if found != sent:
        raise BadCrc(f"CRC-32 of {len(data)} bytes is {found:08X}; the header says {sent:08X}")
    return fields


def _image(fields: _Fields) -> ImageTag:
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
