"""Unequal loss protection: every packet has a piece of every stage, and early stages need fewer of them.

After A. E. Mohr, E. A. Riskin and R. E. Ladner, "Unequal loss protection: graceful degradation of image
quality over packet erasure channels through forward error correction", IEEE JSAC 18(6), 2000. Each stage is
cut into as many pieces as it needs, the last one padded with zeros; the pieces are extended by Reed-Solomon
over GF(2^8) (zfec, systematic), and packet i carries piece i of each.

The payload of a packet, bits, most significant first (satsim.header has the header, kind 3):

    offset bits field
         0   16 stage bytes      of every stage but the last, 1..65535
        16   16 last bytes       of the last stage, 1..stage bytes; equal to it where there is only one
        32  6 n needed - 1       a number a stage: how many packets give the stage back, 1..64, never fewer
                                 than the one before, at most the packets that are sent
             0-7 filler          0, to the end of the byte
                 pieces          one a stage, in their order: ceil(bytes of the stage / needed) bytes each
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import zfec

from satsim.errors import BadField
from satsim.units import BITS_PER_BYTE, MAX_STAGES

LENGTHS_BYTES = 4  # both lengths
NEEDED_BITS = 6
MAX_PACKETS = MAX_STAGES  # the piece's number stands where the header has a stage's
MAX_STAGE_BYTES = 0xFFFF


@dataclass(frozen=True)
class Protection:
    """What every packet says of how its image is protected; BadField for what cannot be."""

    needed: tuple[int, ...]  # how many packets give each stage back
    stage_bytes: int
    last_bytes: int

    def __post_init__(self) -> None:
        BadField.check("stage bytes", self.stage_bytes, 1, MAX_STAGE_BYTES)
        least = self.stage_bytes if len(self.needed) == 1 else 1
        BadField.check("last bytes", self.last_bytes, least, self.stage_bytes)
        least = 1
        for needed in self.needed:
            BadField.check("needed", needed, least, MAX_PACKETS)
            least = needed

    @property
    def lengths(self) -> list[int]:
        """The bytes of each stage."""
        return [self.stage_bytes] * (len(self.needed) - 1) + [self.last_bytes]

    @property
    def piece_bytes(self) -> list[int]:
        """The bytes of each stage's pieces."""
        return [math.ceil(length / needed) for length, needed in zip(self.lengths, self.needed, strict=True)]

    def pack(self) -> bytes:
        """Return the bytes that stand before the pieces."""
        bits = 0
        for needed in self.needed:
            bits = bits << NEEDED_BITS | needed - 1
        n_bytes = table_bytes(len(self.needed)) - LENGTHS_BYTES
        filled = bits << (n_bytes * BITS_PER_BYTE - NEEDED_BITS * len(self.needed))
        return (self.stage_bytes << 16 | self.last_bytes).to_bytes(LENGTHS_BYTES, "big") + filled.to_bytes(
            n_bytes, "big"
        )


def table_bytes(n_stages: int) -> int:
    """Return the bytes that stand before the pieces."""
    return LENGTHS_BYTES + math.ceil(n_stages * NEEDED_BITS / BITS_PER_BYTE)


def pieces_bytes(lengths: Sequence[int], needed: Sequence[int]) -> int:
    """Return the payload of a packet with a piece of each stage, of these lengths."""
    pieces = (math.ceil(length / number) for length, number in zip(lengths, needed, strict=True))
    return table_bytes(len(lengths)) + sum(pieces)


def parse_protection(payload: bytes, n_stages: int) -> tuple[Protection, tuple[bytes, ...]]:
    """Return what a payload says of the protection, and its pieces; raises BadField for what is neither."""
    start = table_bytes(n_stages)
    BadField.check("payload bytes", len(payload), start + n_stages, 1 << 30)
    bits = int.from_bytes(payload[LENGTHS_BYTES:start], "big")
    filler = (start - LENGTHS_BYTES) * BITS_PER_BYTE - NEEDED_BITS * n_stages
    BadField.check("filler of the table", bits & ((1 << filler) - 1), 0, 0)
    numbers = bits >> filler
    places = range(NEEDED_BITS * (n_stages - 1), -1, -NEEDED_BITS)
    protection = Protection(
        needed=tuple((numbers >> place & (MAX_PACKETS - 1)) + 1 for place in places),
        stage_bytes=int.from_bytes(payload[:2], "big"),
        last_bytes=int.from_bytes(payload[2:LENGTHS_BYTES], "big"),
    )
    sizes = protection.piece_bytes
    BadField.check("payload bytes", len(payload), start + sum(sizes), start + sum(sizes))
    ends = [start + sum(sizes[: number + 1]) for number in range(n_stages)]
    return protection, tuple(payload[end - size : end] for size, end in zip(sizes, ends, strict=True))


def protected(
    stages: Sequence[bytes], needed: Sequence[int], n_packets: int
) -> tuple[Protection, list[tuple[bytes, ...]]]:
    """Return the protection of `stages`, and for each of `n_packets` packets its pieces.

    All stages but the last, which may be shorter, have one length; BadField if they do not.
    """
    protection = Protection(tuple(needed), len(stages[0]), len(stages[-1]))
    for stage, length in zip(stages, protection.lengths, strict=True):
        BadField.check("bytes of a stage", len(stage), length, length)
    columns = [
        _encoded(stage, count, size, n_packets)
        for stage, count, size in zip(stages, needed, protection.piece_bytes, strict=True)
    ]
    return protection, list(zip(*columns, strict=True))


def _encoded(stage: bytes, needed: int, size: int, n_packets: int) -> list[bytes]:
    padded = stage.ljust(needed * size, b"\0")
    pieces = [padded[start : start + size] for start in range(0, len(padded), size)]
    return list(zfec.Encoder(needed, MAX_PACKETS).encode(pieces, range(n_packets)))


def recovered(
    protection: Protection, pieces: Mapping[int, Sequence[bytes]], held: Collection[int] = ()
) -> dict[int, bytes]:
    """Return the stages, but those `held`, that `pieces` give back, in their true length.

    `pieces` has for each packet's number one piece a stage.
    """
    stages = {}
    for stage, (needed, length) in enumerate(zip(protection.needed, protection.lengths, strict=True)):
        numbers = sorted(pieces)[:needed]
        if len(numbers) < needed or stage in held:
            continue
        parts = [pieces[number][stage] for number in numbers]
        stages[stage] = b"".join(zfec.Decoder(needed, MAX_PACKETS).decode(parts, numbers))[:length]
    return stages
