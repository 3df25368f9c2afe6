import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from progic.bitstream import (
    StageFile,
    pack_indices,
    read_stage_file,
    stage_bytes,
    unpack_indices,
    write_stage_file,
)
from progic.errors import PayloadError


@st.composite
def index_lists(draw: st.DrawFn) -> tuple[int, list[int]]:
    bits = draw(st.integers(1, 16))
    return bits, draw(st.lists(st.integers(0, 2**bits - 1), max_size=70))


@given(index_lists())
def test_unpack_inverts_pack_for_every_width(case: tuple[int, list[int]]) -> None:
    bits, values = case
    payload = pack_indices(np.array(values, dtype=np.int64), bits)
    assert len(payload) == stage_bytes(len(values), bits)
    assert unpack_indices(payload, len(values), bits).tolist() == values


def test_bits_are_row_major_and_most_significant_first() -> None:
    # 0x3FF, 0x000, 0x201, 0x001 as ten bits each: 1111111111 0000000000 1000000001 0000000001
    grid = np.array([[0x3FF, 0x000], [0x201, 0x001]])
    assert pack_indices(grid, 10).hex() == "ffc0080401"


def test_the_card_configuration_is_320_bytes() -> None:
    assert stage_bytes(16 * 16, 10) == 320


@pytest.mark.parametrize("bad", [-1, 1024])
def test_index_out_of_range_is_named(bad: int) -> None:
    with pytest.raises(PayloadError, match=r"allowed 0\.\.1023"):
        pack_indices(np.array([0, bad]), 10)


def test_short_payload_and_spare_bits_are_named() -> None:
    with pytest.raises(PayloadError, match="found 319 bytes, allowed 320"):
        unpack_indices(bytes(319), 256, 10)
    for bit in range(6):  # of 16, which hold one index of 10
        with pytest.raises(PayloadError, match="spare bits of byte 1"):
            unpack_indices(bytes([0, 1 << bit]), 1, 10)


def test_a_side_that_the_header_cannot_say_is_named() -> None:
    with pytest.raises(PayloadError, match="found 65536x16 pixels, allowed sides of up to 65535"):
        write_stage_file(StageFile("0123456789abcdef", 5, 10, 16, (65536, 16), {}))
    longest = StageFile("0123456789abcdef", 64, 1, 16, (65535, 16), {63: bytes(512)})
    assert read_stage_file(write_stage_file(longest)) == longest


def test_a_file_is_byte_for_byte_as_it_is_described() -> None:
    stages = {2: bytes(range(22)), 0: bytes(21) + b"\xc0"}  # of 17 x 1 indices of 10 bits
    data = write_stage_file(StageFile("0123456789abcdef", 5, 10, 16, (258, 3), stages))
    header = b"PGIC" + bytes.fromhex("01 0123456789abcdef 05 0a 04 0102 0003 0000000000000005")
    assert data[:28] == header
    assert data[28:32] == zlib.crc32(header + data[32:]).to_bytes(4, "big")
    assert data[32:] == stages[0] + stages[2]


@st.composite
def stage_files(draw: st.DrawFn) -> StageFile:
    n, bits = draw(st.integers(1, 64)), draw(st.integers(1, 16))
    factor = draw(st.sampled_from([8, 16, 32, 64]))
    size = (draw(st.integers(1, 90)), draw(st.integers(1, 90)))
    empty = StageFile("0123456789abcdef", n, bits, factor, size, {})
    per_stage = empty.bytes_per_stage
    held = draw(st.sets(st.integers(0, n - 1), min_size=1, max_size=4))
    in_any_order = draw(st.permutations(sorted(held)))
    payloads = {stage: draw(st.binary(min_size=per_stage, max_size=per_stage)) for stage in in_any_order}
    return StageFile(empty.fingerprint, n, bits, factor, size, payloads)


@pytest.mark.parametrize(
    ("n", "bits", "size"),
    [
        (5, 10, (0, 16)),
        (5, 10, (16, 0)),
        (0, 10, (16, 16)),
        (65, 10, (16, 16)),
        (5, 0, (16, 16)),
        (5, 17, (16, 16)),
    ],
)
def test_a_file_of_nothing_is_refused_though_its_crc_is_right(
    n: int, bits: int, size: tuple[int, int]
) -> None:
    data = write_stage_file(StageFile("0123456789abcdef", n, bits, 16, size, {}))
    with pytest.raises(PayloadError, match="allowed are sides of 1 or more"):
        read_stage_file(data)


@pytest.mark.parametrize(
    ("stages", "found"), [({}, "0x0"), ({5: b""}, "0x20"), ({40: bytes(2)}, "0x10000000000")]
)
def test_stages_that_cannot_be_held_are_refused(stages: dict[int, bytes], found: str) -> None:
    data = write_stage_file(StageFile("0123456789abcdef", 5, 10, 16, (16, 16), stages))
    told = f"stages held at byte 20: found {found}; allowed are bits of 5 stages"
    with pytest.raises(PayloadError, match=told):
        read_stage_file(data)


@given(stage_files())
def test_file_round_trip(content: StageFile) -> None:
    assert read_stage_file(write_stage_file(content)) == content


@given(stage_files(), st.data())
def test_any_flipped_bit_or_cut_is_a_payload_error(content: StageFile, data: st.DataObject) -> None:
    whole = write_stage_file(content)
    bit = data.draw(st.integers(0, 8 * len(whole) - 1))
    damaged = bytearray(whole)
    damaged[bit // 8] ^= 1 << bit % 8
    with pytest.raises(PayloadError):
        read_stage_file(bytes(damaged))
    with pytest.raises(PayloadError):
        read_stage_file(whole[: bit // 8])
