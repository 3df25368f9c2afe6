"""What is on the air: whole stages, pieces of stages, or a report of those held, behind one header.

A worked example by hand is in tests/satsim/test_packets.py. Knows no torch.
"""

import math
from dataclasses import dataclass

from satsim.errors import BadField
from satsim.header import PARITY, PIECES, REPORT, STAGES, ImageTag, checked, image_of, packed
from satsim.ulp import Protection, parse_protection
from satsim.units import BITS_PER_BYTE, HEADER_BYTES, MAX_STAGES


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
        for stage in () if self.is_parity else self.stages().values():
            BadField.check("filler of a stage", stage[-1] & self.image.filler, 0, 0)

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

    @property
    def last_stage(self) -> int:
        """The last stage, 0-based, without which it cannot be made."""
        return self.image.n_stages - 1 if self.is_parity else self.carried[-1]

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
    def last_stage(self) -> int:
        """The last stage, 0-based, without which it cannot be made: that of the image."""
        return self.carried[-1]

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


def pack(packet: AnyPacket) -> bytes:
    """Return the packet's bytes: 20 of header, then the payload."""
    if isinstance(packet, Pieces):
        return packed(packet.image, packet.number, packet.n_packets, PIECES, packet.payload)
    kind = PARITY if packet.is_parity else STAGES
    return packed(packet.image, packet.first_stage, packet.stage_count, kind, packet.payload)


def pack_report(report: Report) -> bytes:
    """Return the report's bytes: 20 of header, then a bit a stage; 21 to 28 bytes."""
    n_stages = report.image.n_stages
    bits = sum(1 << (n_stages - 1 - stage) for stage in report.held)
    n_bytes = math.ceil(n_stages / BITS_PER_BYTE)
    bitmap = (bits << (n_bytes * BITS_PER_BYTE - n_stages)).to_bytes(n_bytes, "big")
    return packed(report.image, 0, n_stages, REPORT, bitmap)


def parse(data: bytes) -> AnyPacket:
    """Return the packet that `data` holds; for bytes that are none, raises the PacketError that says why."""
    fields = checked(data)
    image, count, payload = image_of(fields), fields.stage_count_less_1 + 1, data[HEADER_BYTES:]
    if fields.kind == PIECES:
        return Pieces(image, fields.first_stage, count, *parse_protection(payload, image.n_stages))
    if fields.kind not in (STAGES, PARITY):
        raise BadField(f"kind is {fields.kind}; allowed: {STAGES}, {PARITY} or {PIECES}")
    return Packet(image, fields.first_stage, count, payload, is_parity=fields.kind == PARITY)


def parse_report(data: bytes) -> Report:
    """Return the report that `data` holds; for bytes that are none, raises the PacketError that says why."""
    fields = checked(data)
    BadField.check("kind", fields.kind, REPORT, REPORT)
    image, bitmap = image_of(fields), data[HEADER_BYTES:]
    BadField.check("first_stage", fields.first_stage, 0, 0)
    BadField.check("stage_count", fields.stage_count_less_1 + 1, image.n_stages, image.n_stages)
    n_bytes = math.ceil(image.n_stages / BITS_PER_BYTE)
    BadField.check("bytes of the report", len(bitmap), n_bytes, n_bytes)
    filler = n_bytes * BITS_PER_BYTE - image.n_stages
    bits = int.from_bytes(bitmap, "big")
    BadField.check("filler of the report", bits & ((1 << filler) - 1), 0, 0)
    held = bits >> filler
    return Report(image, frozenset(n for n in range(image.n_stages) if held >> (image.n_stages - 1 - n) & 1))
