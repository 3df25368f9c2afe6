"""The packet's bits, to the letter, and every way in which bytes can fail to be one."""

import zlib
from dataclasses import replace

import bitstruct
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satsim.codec import short_fingerprint
from satsim.errors import (
    BadCrc,
    BadField,
    BadMagic,
    PacketError,
    ShortPacket,
    UnknownVersion,
)
from satsim.header import ImageTag
from satsim.packets import Packet, pack, parse
from satsim.units import HEADER_BYTES

TAG = ImageTag(
    image_id=7,
    n_stages=5,
    bits_per_index=10,
    downsampling_factor=16,
    width=256,
    height=256,
    fingerprint=0xBEEF,
    capture_time=1_700_000_000,
)
OF_FILE = replace(TAG, bits_per_index=8, downsampling_factor=1)  # pieces of any length
PACKET = Packet(TAG, first_stage=0, stage_count=1, payload=bytes(320))
ONE_CELL = pack(Packet(replace(TAG, width=16, height=16), 0, 1, bytes(2)))  # 10 bits, and 6 left over

# Written out by hand from the table in satsim.header, field after field:
BY_HAND = (
    "10100111"  # magic 0xA7
    "0001"  # version 1
    "0000000000000111"  # image id 7
    "000000"  # first stage 0
    "000000"  # one stage
    "000100"  # of 5
    "1001"  # L = 10
    "100"  # f = 16
    "000011111111"  # 256 px wide
    "000011111111"  # 256 px high
    "1011111011101111"  # fingerprint 0xBEEF
    "01100101010100111111000100000000"  # 1700000000 s = 0x6553F100
    "000"
)
HEAD = "a71000700012607f87fdf77b2a9f8800"  # the same 128 bits, four at a time


@st.composite
def packets(draw: st.DrawFn) -> Packet:
    n_stages = draw(st.integers(1, 64))
    count = draw(st.integers(1, n_stages))
    factor = 2 ** draw(st.integers(0, 7))
    side = st.integers(1, 4096 if factor == 1 else 6 * factor)  # of six cells: payloads stay small
    image = ImageTag(
        image_id=draw(st.integers(0, 0xFFFF)),
        n_stages=n_stages,
        bits_per_index=draw(st.integers(1, 16)),
        downsampling_factor=factor,
        width=draw(side),
        height=draw(side),
        fingerprint=draw(st.integers(0, 0xFFFF)),
        capture_time=draw(st.integers(0, 0xFFFFFFFF)),
    )
    length = image.stage_bytes or draw(st.integers(1, 8))
    *first, last = draw(st.binary(min_size=length, max_size=length))
    payload = bytes([*first, last & ~image.filler]) * count
    return Packet(image, draw(st.integers(0, n_stages - count)), count, payload)


def sealed(head: bytes, payload: bytes = b"x") -> bytes:
    """A packet of any header with a CRC that fits, by zlib as the second implementation."""
    return head + zlib.crc32(head + payload).to_bytes(4, "big") + payload


def test_header_bits_are_as_written_by_hand() -> None:
    assert int(BY_HAND, 2).to_bytes(16, "big").hex() == HEAD
    packed = pack(PACKET)
    assert packed[:16].hex() == HEAD
    assert packed[16:20].hex() == "bf8fa094"  # zlib.crc32 of the 16 bytes and 320 zeros
    assert len(packed) == 340


def test_crc_is_zlibs() -> None:
    assert pack(PACKET) == sealed(bytes.fromhex(HEAD), bytes(320))


@given(packet=packets())
def test_parse_is_the_inverse_of_pack(packet: Packet) -> None:
    packed = pack(packet)
    assert len(packed) == HEADER_BYTES + len(packet.payload)
    assert parse(packed) == packet


@given(data=st.binary(max_size=400))
def test_any_bytes_parse_or_are_a_packet_error(data: bytes) -> None:
    with pytest.raises(PacketError):
        parse(data)


@given(tail=st.binary(min_size=14, max_size=14), payload=st.binary(max_size=70))
def test_any_sealed_header_parses_to_itself_or_is_a_bad_field(tail: bytes, payload: bytes) -> None:
    data = sealed(b"\xa7" + bytes([0x10 | tail[0] & 15]) + tail, payload)
    try:
        assert pack(parse(data)) == data
    except BadField:
        return


def test_any_flipped_bit_is_noticed() -> None:
    packed = pack(Packet(replace(TAG, width=16, height=256), 1, 2, bytes(range(40))))
    number = int.from_bytes(packed, "big")
    faults = set()
    for bit in range(8 * len(packed)):
        with pytest.raises(PacketError) as caught:
            parse((number ^ 1 << bit).to_bytes(len(packed), "big"))
        faults.add(caught.type)
    assert faults == {BadMagic, UnknownVersion, BadCrc}


@given(packet=packets(), data=st.data())
def test_any_cut_or_lengthened_packet_is_noticed(packet: Packet, data: st.DataObject) -> None:
    packed = pack(packet)
    with pytest.raises((ShortPacket, BadCrc)):
        parse(packed[: data.draw(st.integers(0, len(packed) - 1))])
    with pytest.raises(BadCrc):
        parse(packed + data.draw(st.binary(min_size=1, max_size=3)))


def with_bits(offset: int, layout: str, value: int) -> bytes:
    head = bytearray(bytes.fromhex(HEAD))
    bitstruct.pack_into(layout, head, offset, value)
    return bytes(head)


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (b"", ShortPacket, "0 bytes; allowed: at least the 20 of a header"),
        (pack(PACKET)[:19], ShortPacket, "19 bytes; allowed: at least the 20 of a header"),
        (b"\x00" + pack(PACKET)[1:], BadMagic, "first byte is 0x00; allowed: 0xA7"),
        (sealed(with_bits(8, "u4", 2)), UnknownVersion, "header version is 2; allowed: 1"),
        (
            pack(PACKET)[:-1] + b"\x01",
            BadCrc,
            "CRC-32 of 340 bytes is C8889002; the header says BF8FA094",
        ),
        (sealed(with_bits(125, "u3", 2)), BadField, "kind is 2; allowed: 0, 1 or 3"),
        (sealed(with_bits(34, "u6", 5)), BadField, "stage_count is 6; allowed: 1 to 5"),
        (sealed(with_bits(28, "u6", 5)), BadField, "first_stage is 5; allowed: 0 to 4"),
        (sealed(with_bits(34, "u6", 1)), BadField, "payload is 1 bytes; allowed: 2 equal stages"),
        (sealed(bytes.fromhex(HEAD), b""), BadField, "payload is 0 bytes; allowed: 1 equal stages"),
        (sealed(bytes.fromhex(HEAD), bytes(319)), BadField, "bytes of a stage is 319; allowed: 320"),
        (sealed(with_bits(125, "u3", 1), bytes(321)), BadField, "bytes of a stage is 321; allowed: 320"),
        (sealed(ONE_CELL[:16], b"\x00\x01"), BadField, "filler of a stage is 1; allowed: 0"),
    ],
)
def test_each_fault_has_its_name(data: bytes, error: type[PacketError], message: str) -> None:
    with pytest.raises(PacketError) as caught:
        parse(data)
    assert (caught.type, str(caught.value)) == (error, message)


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("image_id", 65536, "0 to 65535"),
        ("n_stages", 0, "1 to 64"),
        ("n_stages", 65, "1 to 64"),
        ("bits_per_index", 17, "1 to 16"),
        ("downsampling_factor", 12, "1, 2, 4, 8, 16, 32, 64, 128"),
        ("width", 4097, "1 to 4096"),
        ("height", 0, "1 to 4096"),
        ("fingerprint", -1, "0 to 65535"),
        ("capture_time", 2**32, "0 to 4294967295"),
    ],
)
def test_a_tag_that_the_header_cannot_hold_cannot_be_made(name: str, value: int, allowed: str) -> None:
    with pytest.raises(BadField) as caught:
        replace(TAG, **{name: value})
    assert str(caught.value) == f"{name} is {value}; allowed: {allowed}"


def test_stages_are_numbered_from_the_first_in_the_packet() -> None:
    assert Packet(OF_FILE, 2, 3, b"aabbcc").stages() == {2: b"aa", 3: b"bb", 4: b"cc"}


def test_short_fingerprint_is_the_first_two_bytes() -> None:
    assert short_fingerprint("beef" + "0" * 60) == 0xBEEF
