"""Whatever arrives is counted, nothing stops the receiver, and no picture is made of two."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from satsim.fec import parity_stages
from satsim.header import ImageTag
from satsim.packetize import packetize, packetize_parity, packetize_pieces
from satsim.packets import Packet, Report, pack, pack_report
from satsim.reassemble import Reassembler
from satsim.records import Delivery, Holding, Verdict

TAG = ImageTag(7, 5, 10, 16, 256, 256, 0xBEEF, 1_700_000_000)
STAGES = [bytes([65 + number]) * 320 for number in range(5)]
PACKETS = [pack(packet) for packet in packetize(STAGES, TAG, 360)]
OF_FILE = replace(TAG, bits_per_index=8, downsampling_factor=1)  # pieces of any length


def delivered(*packets: bytes) -> list[Delivery]:
    return [Delivery(float(time_s), packet) for time_s, packet in enumerate(packets)]


def judged(
    deliveries: Sequence[Delivery], image: ImageTag | None = None
) -> tuple[tuple[Verdict, ...], Reassembler]:
    receiver = Reassembler(image)
    return tuple(receiver.accept(delivery) for delivery in deliveries), receiver


def of_another(**changes: int) -> bytes:
    return pack(Packet(replace(TAG, **changes), 0, 1, b"z" * 320))


def test_holdings_grow_with_what_is_new() -> None:
    both = pack(Packet(TAG, 0, 2, STAGES[0] + STAGES[1]))
    verdicts, receiver = judged(delivered(PACKETS[3], both, PACKETS[1], PACKETS[3], PACKETS[4]))
    assert verdicts == (
        Verdict("received", ""),
        Verdict("received", ""),
        Verdict("duplicate", ""),
        Verdict("duplicate", ""),
        Verdict("received", ""),
    )
    assert receiver.holdings == (
        Holding(0, (3,), 1, 340),
        Holding(1, (0, 1, 3), 2, 1000),
        Holding(4, (0, 1, 3, 4), 3, 1340),  # duplicates count for nothing
    )
    assert receiver.stages == {0: STAGES[0], 1: STAGES[1], 3: STAGES[3], 4: STAGES[4]}


def test_what_comes_once_all_is_held_brings_nothing() -> None:
    parity = pack(packetize_parity(parity_stages(STAGES, 1), TAG, 360)[0])
    pieces = [pack(packet) for packet in packetize_pieces(STAGES, [2] * 5, 3, TAG, 828)]
    for sent in ([*PACKETS, parity], pieces):
        reassembler = Reassembler()
        *_, last = (reassembler.accept(delivery) for delivery in delivered(*sent))
        assert (last, reassembler.n_packets) == (Verdict("duplicate", ""), len(sent) - 1)


def test_what_is_wrong_is_said() -> None:
    verdicts, receiver = judged(
        delivered(
            PACKETS[0],
            b"",
            PACKETS[1][:-1],
            b"\x00" + PACKETS[1][1:],
            of_another(image_id=6, capture_time=1_600_000_000),
            of_another(image_id=8, capture_time=1_700_000_001),
            of_another(height=255),
            of_another(),
        )
    )
    assert [verdict.event for verdict in verdicts] == ["received"] + 6 * ["rejected"] + ["duplicate"]
    assert [verdict.detail.partition(" of ")[0] for verdict in verdicts] == [
        "",
        "ShortPacket: 0 bytes; allowed: at least the 20",
        "BadCrc: CRC-32",
        "BadMagic: first byte is 0x00; allowed: 0xA7",
        "stale image 6 while receiving 7",
        "another image 8 while receiving 7",
        "image 7 with another header",
        "its bytes differ from those held",
    ]
    assert receiver.stages == {0: STAGES[0]}


def test_what_brings_a_stage_and_contradicts_another_is_told() -> None:
    other = pack(Packet(TAG, 0, 2, b"z" * 320 + STAGES[1]))
    verdicts, receiver = judged(delivered(PACKETS[0], other))
    assert verdicts[1] == Verdict("received", "its bytes differ from those held")
    assert receiver.stages == {0: STAGES[0], 1: STAGES[1]}


def test_a_short_last_piece_agrees_with_what_parity_gave_back() -> None:
    pieces = [*STAGES[:4], b"E" * 200 + b"\0" + b"e"]
    sent = [pack(packet) for packet in packetize(pieces, OF_FILE, 360)]
    parity = pack(packetize_parity(parity_stages(pieces, 1), OF_FILE, 360)[0])
    verdicts, receiver = judged(delivered(*sent[:4], parity, sent[4]))
    assert [verdict.detail for verdict in verdicts[4:]] == ["1 stages recovered", ""]
    assert verdicts[5].event == "duplicate"
    other = pack(Packet(OF_FILE, 4, 1, b"E" * 201 + b"e"))
    verdicts, _ = judged(delivered(*sent[:4], parity, other))
    assert verdicts[5].detail != ""


def test_the_image_that_is_waited_for_is_not_the_first_heard() -> None:
    verdicts, receiver = judged(delivered(of_another(image_id=6), PACKETS[2]), TAG)
    assert [verdict.event for verdict in verdicts] == ["rejected", "received"]
    assert receiver.stages == {2: STAGES[2]}


def test_complete_when_all_that_were_announced_are_held() -> None:
    reassembler = Reassembler()
    seen = []
    for delivery in delivered(*PACKETS):
        seen.append(reassembler.complete)
        reassembler.accept(delivery)
    assert [*seen, reassembler.complete] == [False] * 5 + [True]


def spoilt(draw: st.DrawFn) -> bytes:
    """One of the packets, whole, or cut, or with some bytes overwritten."""
    packet = draw(st.sampled_from([*PACKETS, of_another(image_id=6)]))
    at = draw(st.integers(0, len(packet)))
    junk = draw(st.binary(max_size=4))
    return draw(st.sampled_from([packet, packet[:at], packet[:at] + junk + packet[at + len(junk) :]]))


@given(
    packets=st.lists(st.composite(spoilt)() | st.binary(max_size=400), max_size=30),
)
def test_no_bytes_stop_it_or_spoil_a_stage(packets: list[bytes]) -> None:
    verdicts, receiver = judged(delivered(*packets), TAG)
    assert len(verdicts) == len(packets)
    assert all(stage == STAGES[number] for number, stage in receiver.stages.items())
    intact = {number for number, packet in enumerate(PACKETS) if packet in packets}
    assert set(receiver.stages) == intact
    accepted = [verdict.event for verdict in verdicts].count("received")
    assert accepted == len(receiver.holdings) == len(intact)
    assert receiver.holdings == () or receiver.holdings[-1].bytes == 340 * accepted


def test_ten_thousand_damaged_packets_never_make_a_wrong_stage() -> None:
    """Whole, cut, lengthened, overwritten and flipped packets of every kind, again and in any order."""
    generator = np.random.default_rng(11)
    parity = packetize_parity(parity_stages(STAGES, 3), TAG, 360)
    pieces = packetize_pieces(STAGES, (2, 5, 8, 9, 10), 10, TAG, 360)
    report = pack_report(Report(TAG, frozenset({1})))
    for whole in (PACKETS, [*PACKETS, *map(pack, parity)], [*map(pack, pieces)]):
        sources = [*whole, of_another(image_id=6), report]
        receiver, counted = Reassembler(TAG), Counter[str]()
        for number in range(10_000):
            packet = bytearray(sources[generator.integers(len(sources))])
            if number < 9000 or generator.random() < 0.5:
                spoil(packet, generator)
            intact = bytes(packet) in whole
            verdict = receiver.accept(Delivery(float(number), bytes(packet)))
            counted[verdict.event] += 1
            assert (verdict.event == "rejected") != intact, verdict
        assert counted.total() == 10_000
        assert counted["received"] >= 5 and counted["duplicate"] > 0 and counted["rejected"] > 9000
        assert receiver.stages == dict(enumerate(STAGES))


def spoil(packet: bytearray, generator: np.random.Generator) -> None:
    """Change the bytes in one of four ways."""
    at = int(generator.integers(len(packet)))
    match generator.integers(4):
        case 0:
            del packet[at:]
        case 1:
            packet += generator.bytes(1 + at % 5)
        case 2:
            packet[at] ^= 1 << int(generator.integers(8))
        case _:
            packet[at : at + 8] = bytes(byte ^ 0xFF for byte in packet[at : at + 8])
