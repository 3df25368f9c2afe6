"""Whole stages, in order, as many as fit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satsim.errors import PacketizeError
from satsim.header import ImageTag
from satsim.packetize import chunk, packetize
from satsim.packets import Packet, pack


def tag(n_stages: int) -> ImageTag:
    return ImageTag(7, n_stages, 8, 1, 256, 256, 0xBEEF, 0)  # of a file, whose pieces have any length


def spans(packets: tuple[Packet, ...]) -> list[tuple[int, int]]:
    return [(packet.first_stage, packet.stage_count) for packet in packets]


FIVE = [bytes([number]) * 320 for number in range(5)]


@pytest.mark.parametrize(
    ("payload_bytes", "expected"),
    [
        (340, [(0, 1), (1, 1), (2, 1), (3, 1), (4, 1)]),
        (360, [(0, 1), (1, 1), (2, 1), (3, 1), (4, 1)]),
        (659, [(0, 1), (1, 1), (2, 1), (3, 1), (4, 1)]),
        (660, [(0, 2), (2, 2), (4, 1)]),
        (1200, [(0, 3), (3, 2)]),
        (1620, [(0, 5)]),
    ],
)
def test_as_many_whole_stages_as_fit(payload_bytes: int, expected: list[tuple[int, int]]) -> None:
    assert spans(packetize(FIVE, tag(5), payload_bytes)) == expected


def test_stages_of_other_lengths_ride_apart() -> None:
    packets = packetize([b"aa", b"bb", b"c", b"d", b"ee"], tag(5), 100)
    assert spans(packets) == [(0, 2), (2, 2), (4, 1)]


@given(
    stages=st.lists(st.binary(min_size=1, max_size=9), min_size=1, max_size=64),
    payload_bytes=st.integers(29, 200),
)
def test_packets_hold_the_stages_and_fit_the_link(stages: list[bytes], payload_bytes: int) -> None:
    packets = packetize(stages, tag(len(stages)), payload_bytes)
    held = {number: stage for packet in packets for number, stage in packet.stages().items()}
    assert list(held.items()) == list(enumerate(stages))
    assert max(len(pack(packet)) for packet in packets) <= payload_bytes


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        (
            [b"a" * 341],
            "stage 0 has 341 bytes; allowed: 1 to 340, the link's payload of 360 less the 20 of the",
        ),
        ([b"a", b""], "stage 1 has 0 bytes; allowed: 1 to 340"),
    ],
)
def test_a_stage_that_cannot_ride_is_named(stages: list[bytes], message: str) -> None:
    with pytest.raises(PacketizeError, match=f"^{message}"):
        packetize(stages, tag(len(stages)), 360)


def test_a_wrong_stage_count_is_refused() -> None:
    with pytest.raises(PacketizeError, match="^4 stages to send, but the header would say 5$"):
        packetize(FIVE[:4], tag(5), 360)


def test_chunks_fill_a_packet_each() -> None:
    chunks = chunk(bytes(1600), 360)
    assert [len(part) for part in chunks] == [340, 340, 340, 340, 240]
    assert spans(packetize(chunks, tag(5), 360)) == [(0, 1), (1, 1), (2, 1), (3, 1), (4, 1)]


@given(file=st.binary(min_size=1, max_size=640), payload_bytes=st.integers(30, 400))
def test_chunks_are_the_file(file: bytes, payload_bytes: int) -> None:
    chunks = chunk(file, payload_bytes)
    assert b"".join(chunks) == file
    assert len(packetize(chunks, tag(len(chunks)), payload_bytes)) == len(chunks)


@pytest.mark.parametrize("length", [0, 641])
def test_a_file_of_no_or_too_many_chunks_is_refused(length: int) -> None:
    with pytest.raises(
        PacketizeError, match=f"^a file of {length} bytes; allowed: 1 to 640, 64 packets of 30"
    ):
        chunk(bytes(length), 30)
