"""Bytes of the codec, without any tensor library: stage payloads, and the `.progic` file that holds them.

A stage payload is its indices, L bits each, row-major, most significant bit first, then zero bits up to a
whole byte.

A `.progic` file is a 32-byte header, big-endian, then the payloads of the stages it holds, in order::

    magic 4 "PGIC" | version u8 | model fingerprint 8 | N u8 | L u8 | log2 f u8 | width u16 | height u16
    | stages held u64 (bit k = stage k) | CRC-32 u32 over everything else in the file
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass

import fastcrc
import numpy as np
from numpy.typing import NDArray

from progic.errors import PayloadError

MAGIC = b"PGIC"
VERSION = 1
_HEADER = struct.Struct(">4sB8sBBBHHQ")
_CRC = struct.Struct(">I")
MAX_SIDE_PX = 65535
HEADER_BYTES = _HEADER.size + _CRC.size


def stage_bytes(n_indices: int, bits_per_index: int) -> int:
    """Whole bytes that hold `n_indices` indices of `bits_per_index` bits."""
    return (n_indices * bits_per_index + 7) // 8


def pack_indices(indices: NDArray[np.integer], bits_per_index: int) -> bytes:
    """Pack indices, any shape, values 0..2^L-1, into one stage payload.

    Raises PayloadError for an index out of range.
    """
    flat = np.asarray(indices).reshape(-1).astype(np.int64)
    if flat.size and not 0 <= flat.min() <= flat.max() < 1 << bits_per_index:
        top = (1 << bits_per_index) - 1
        raise PayloadError(f"index out of range: found {flat.min()}..{flat.max()}, allowed 0..{top}")
    shifts = np.arange(bits_per_index - 1, -1, -1)
    bits = (flat[:, None] >> shifts & 1).astype(np.uint8)
    return np.packbits(bits).tobytes()


def unpack_indices(payload: bytes, n_indices: int, bits_per_index: int) -> NDArray[np.int64]:
    """Inverse of `pack_indices`: int64 array of shape (n_indices,), values 0..2^L-1.

    Raises PayloadError for a payload of another length, or with a spare bit set.
    """
    allowed = stage_bytes(n_indices, bits_per_index)
    if len(payload) != allowed:
        raise PayloadError(f"stage payload: found {len(payload)} bytes, allowed {allowed}")
    bits = np.unpackbits(np.frombuffer(payload, dtype=np.uint8))
    if bits[n_indices * bits_per_index :].any():
        raise PayloadError(f"stage payload: spare bits of byte {allowed - 1} are not zero")
    values = bits[: n_indices * bits_per_index].reshape(n_indices, bits_per_index).astype(np.int64)
    weights: NDArray[np.int64] = 1 << np.arange(bits_per_index - 1, -1, -1, dtype=np.int64)
    return values @ weights


def grid_of(size: tuple[int, int], downsampling_factor: int) -> tuple[int, int]:
    """Indices across and down of a photo of `size` = (width, height) pixels; a part of a cell is one."""
    return -(-size[0] // downsampling_factor), -(-size[1] // downsampling_factor)


def unpack_stages(
    payloads: Mapping[int, bytes],
    size: tuple[int, int],
    n_stages: int,
    bits_per_index: int,
    downsampling_factor: int,
) -> dict[int, NDArray[np.int64]]:
    """Indices (down, across) of the stages of a photo of `size` = (width, height) pixels.

    Raises PayloadError for no stage, a stage number out of range, a payload of the wrong length, or a size
    without pixels.
    """
    if not payloads:
        raise PayloadError("no stage to decode: at least one is needed")
    if min(size) < 1:
        raise PayloadError(f"size: found {size[0]}x{size[1]}; allowed: at least 1x1")
    across, down = grid_of(size, downsampling_factor)
    unpacked = {}
    for stage, payload in payloads.items():
        if not 0 <= stage < n_stages:
            raise PayloadError(f"stage number: found {stage}, allowed 0..{n_stages - 1}")
        try:
            unpacked[stage] = unpack_indices(payload, across * down, bits_per_index).reshape(down, across)
        except PayloadError as error:
            raise PayloadError(f"stage {stage} of a {size[0]}x{size[1]} photo: {error}") from None
    return unpacked


@dataclass(frozen=True)
class StageFile:
    """Content of a `.progic` file."""

    fingerprint: str  # first 16 hex digits of the sha256 of the weights that wrote it
    n_stages: int  # N
    bits_per_index: int  # L
    downsampling_factor: int  # f
    size: tuple[int, int]  # width, height in pixels
    stages: Mapping[int, bytes]  # stage number from 0 -> payload

    @property
    def shape(self) -> tuple[int, int, int]:
        """N, L and f."""
        return self.n_stages, self.bits_per_index, self.downsampling_factor

    @property
    def bytes_per_stage(self) -> int:
        """Bytes of each stage's payload."""
        across, down = grid_of(self.size, self.downsampling_factor)
        return stage_bytes(across * down, self.bits_per_index)


def write_stage_file(content: StageFile) -> bytes:
    """Serialise to the bytes of a `.progic` file.

    Raises PayloadError for a photo with a side over MAX_SIDE_PX, which the header cannot say.
    """
    if max(content.size) > MAX_SIDE_PX:
        width, height = content.size
        raise PayloadError(f"size: found {width}x{height} pixels, allowed sides of up to {MAX_SIDE_PX}")
    held = sum(1 << stage for stage in content.stages)
    header = _HEADER.pack(
        MAGIC,
        VERSION,
        bytes.fromhex(content.fingerprint[:16]),
        content.n_stages,
        content.bits_per_index,
        content.downsampling_factor.bit_length() - 1,
        *content.size,
        held,
    )
    body = b"".join(content.stages[stage] for stage in sorted(content.stages))
    return header + _CRC.pack(fastcrc.crc32.iso_hdlc(header + body)) + body


def read_stage_file(data: bytes) -> StageFile:
    """Parse the bytes of a `.progic` file.

    Raises PayloadError for wrong magic, unknown version, wrong length, wrong CRC, or stages that cannot be.
    """
    if len(data) < HEADER_BYTES or not data.startswith(MAGIC):
        allowed = f"allowed {MAGIC!r} and {HEADER_BYTES} bytes or more"
        raise PayloadError(f"not a .progic file: {len(data)} bytes that start with {data[:4]!r}, {allowed}")
    _, version, fingerprint, n, bits, log2_f, width, height, held = _HEADER.unpack_from(data)
    if version != VERSION:
        raise PayloadError(f"version at byte 4: found {version}, allowed {VERSION}")
    (crc,) = _CRC.unpack_from(data, _HEADER.size)
    body = data[HEADER_BYTES:]
    if crc != fastcrc.crc32.iso_hdlc(data[: _HEADER.size] + body):
        raise PayloadError(f"CRC-32 at byte {_HEADER.size}: the file is damaged or cut")
    if not (width and height and 1 <= n <= 64 and 1 <= bits <= 16):
        found = f"{width}x{height} pixels, N = {n}, L = {bits}"
        raise PayloadError(f"found {found}; allowed are sides of 1 or more, N of 1 to 64, L of 1 to 16")
    empty = StageFile(fingerprint.hex(), n, bits, 1 << log2_f, (width, height), {})
    if not held or held >> n:
        raise PayloadError(f"stages held at byte 20: found {held:#x}; allowed are bits of {n} stages")
    numbers = [stage for stage in range(n) if held >> stage & 1]
    if len(body) != len(numbers) * empty.bytes_per_stage:
        raise PayloadError(f"{len(body)} bytes of stages, allowed {len(numbers)} x {empty.bytes_per_stage}")
    per_stage = empty.bytes_per_stage
    stages = {stage: body[i * per_stage : (i + 1) * per_stage] for i, stage in enumerate(numbers)}
    return StageFile(empty.fingerprint, n, bits, empty.downsampling_factor, empty.size, stages)
