"""Packets in a stream of bytes: what goes in comes out, and damage costs no more than it touches."""

from hypothesis import given
from hypothesis import strategies as st

from satsim.framing import END, MAX_FRAME_BYTES, framed, unframed

PACKETS = st.lists(st.binary(min_size=1, max_size=40) | st.just(b"\xc0\xdb\xdc\xdd\xdb\xdc"))


def test_rfc_1055_to_the_byte() -> None:
    assert framed(b"a\xc0b\xdbc\xdc") == b"\xc0a\xdb\xdcb\xdb\xddc\xdc\xc0"


@given(PACKETS, st.integers(1, 7))
def test_what_goes_in_comes_out_however_it_is_cut(packets: list[bytes], part_bytes: int) -> None:
    stream = b"".join(map(framed, packets))
    parts = [stream[start : start + part_bytes] for start in range(0, len(stream), part_bytes)]
    assert list(unframed(parts)) == packets


def test_a_packet_comes_as_soon_as_it_ends() -> None:
    def parts():  # type: ignore[no-untyped-def]
        yield framed(b"first")
        raise AssertionError("waited for more")

    assert next(unframed(parts())) == b"first"


def test_noise_before_and_a_cut_after_leave_the_rest_whole() -> None:
    stream = b"noise" + framed(b"one") + framed(b"two") + framed(b"three")[:-3]
    assert list(unframed([stream])) == [b"noise", b"one", b"two", b"thr"]


def test_a_stream_without_an_end_is_cut() -> None:
    frames = list(unframed([b"x" * MAX_FRAME_BYTES] * 4 + [framed(b"next")]))
    assert frames == [b"x" * MAX_FRAME_BYTES, b"next"]


def test_a_packet_as_long_as_they_come_of_which_every_byte_is_two_comes_whole_in_parts() -> None:
    packet = END * MAX_FRAME_BYTES
    stream = framed(packet)
    parts = (stream[start : start + 10_000] for start in range(0, len(stream), 10_000))
    assert list(unframed(parts)) == [packet]
