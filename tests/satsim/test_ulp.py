"""Unequal loss protection: the bytes by hand, any packets give what they should, and when they do."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satsim.channel import Channel, Independent
from satsim.errors import BadField, PacketizeError, ScenarioError
from satsim.header import ImageTag
from satsim.packet_room import check_link
from satsim.packetize import packetize_pieces
from satsim.packets import Pieces, pack, parse
from satsim.reassemble import Reassembler
from satsim.records import Delivery, SchemeRun
from satsim.repair_settings import Ulp
from satsim.sender_settings import Encoding
from satsim.settings import BUILT_IN_SCHEMES, ImageSettings, LinkSettings, Scenario
from satsim.simulate import simulate_on
from satsim.ulp import Protection, parse_protection, protected, recovered

NEEDED = (2, 5, 8, 9, 10)
ULP = Ulp(kind="ulp", packets=10, needed=NEEDED)
TAG = ImageTag(7, 5, 10, 16, 256, 256, 0xBEEF, 0)
OF_FILE = replace(TAG, bits_per_index=8, downsampling_factor=1)  # pieces of any length
STAGES = [bytes((7 * number + place) % 251 for place in range(320)) for number in range(5)]
PIECES = packetize_pieces(STAGES, NEEDED, 10, TAG, 360)
LINK = LinkSettings(payload_bytes=360, interval_s=60)


class Scripted:
    """Loses the slots that it is told to, counted from 1."""

    def __init__(self, *lost: int) -> None:
        self._lost, self._slot = lost, 0

    def loses(self, start_s: float, end_s: float) -> bool:
        self._slot += 1
        return self._slot in self._lost


def sent_on(channel: Channel) -> SchemeRun:
    return simulate_on(channel, "p", PIECES, LINK, ULP, Encoding(0))


def test_a_payload_is_as_written_by_hand() -> None:
    """Stages of 4 and 3 bytes; one packet gives the first back, two the second, in pieces of 4 and 2."""
    tag = replace(OF_FILE, n_stages=2)
    first, second, third = packetize_pieces([b"abcd", b"xyz"], (1, 2), 3, tag, 40)
    table = "000400030010"  # two lengths; needed less 1 in six bits each, 000000 000001, and filler
    assert pack(first)[20:].hex() == table + b"abcdxy".hex()
    assert pack(second)[20:].hex() == table + b"abcdz\0".hex()
    # Reed-Solomon over GF(2^8), systematic, pieces at 0 and 1, so the third is piece 0 * 3 + piece 1 * 2
    double = lambda byte: byte << 1 ^ (0x11D if byte & 0x80 else 0)  # noqa: E731
    parity = bytes((double(x) ^ x) ^ double(z) for x, z in zip(b"xy", b"z\0", strict=True))
    assert pack(third)[20:].hex() == table + (b"abcd" + parity).hex()
    assert pack(third)[15] & 7 == 3
    head = int.from_bytes(pack(third)[:16], "big")
    assert (head >> 94 & 63, head >> 88 & 63) == (2, 2), "piece 2, of 3"


def test_the_five_stages_of_256_px_and_ten_packets_fill_a_360_byte_message() -> None:
    assert {len(pack(packet)) for packet in PIECES} == {20 + 4 + 4 + 160 + 64 + 40 + 36 + 32} == {360}


def test_stages_come_as_soon_as_enough_packets_are_there() -> None:
    run = sent_on(Scripted(1, 4, 5))
    assert [(each.time_s, each.stages, each.packets) for each in run.holdings] == [
        (180, (0,), 2),
        (480, (0, 1), 5),
    ]
    told = [
        (each.event, each.stage, each.detail) for each in run.events if each.event in ("received", "lost")
    ]
    assert told[:4] == [
        ("lost", "0-4 piece 0", ""),
        ("received", "0-4 piece 1", ""),
        ("received", "0-4 piece 2", "1 stages recovered"),
        ("lost", "0-4 piece 3", ""),
    ]
    assert [each.event for each in sent_on(Scripted()).events][-1] == "complete"
    assert [len(each.stages) for each in sent_on(Scripted()).holdings] == [1, 2, 3, 4, 5]


@st.composite
def images(draw: st.DrawFn) -> tuple[list[bytes], tuple[int, ...], int]:
    n, length = draw(st.integers(1, 8)), draw(st.integers(1, 40))
    packets = draw(st.integers(1, 64))
    needed = draw(st.lists(st.integers(1, packets), min_size=n, max_size=n).map(sorted))
    stages = [draw(st.binary(min_size=length, max_size=length)) for _ in range(n)]
    last = draw(st.integers(1, length)) if n > 1 else length
    return [*stages[:-1], stages[-1][:last]], tuple(needed), packets


@given(image=images(), data=st.data())
def test_any_packets_give_back_each_stage_that_they_suffice_for(
    image: tuple[list[bytes], tuple[int, ...], int], data: st.DataObject
) -> None:
    stages, needed, n_packets = image
    tag = replace(OF_FILE, n_stages=len(stages))
    packets = packetize_pieces(stages, needed, n_packets, tag, 4096)
    assert [parse(pack(packet)) for packet in packets] == list(packets)
    kept = data.draw(st.lists(st.sampled_from(packets), unique_by=id))
    receiver = Reassembler(tag)
    for packet in kept:
        receiver.accept(Delivery(0.0, pack(packet)))
    assert receiver.stages == {k: stages[k] for k in range(len(stages)) if len(kept) >= needed[k]}


@given(st.binary(max_size=80), st.integers(1, 64))
def test_any_payload_is_a_protection_to_the_letter_or_a_bad_field(payload: bytes, n_stages: int) -> None:
    try:
        protection, pieces = parse_protection(payload, n_stages)
    except BadField:
        return
    assert protection.pack() + b"".join(pieces) == payload


def test_pieces_of_another_code_are_refused_and_others_counted() -> None:
    other = packetize_pieces(STAGES, (1, 5, 8, 9, 10), 10, TAG, 600)[3]
    fewer = packetize_pieces(STAGES, NEEDED, 12, TAG, 360)[4]
    forged = replace(PIECES[2], pieces=PIECES[5].pieces)
    order = [PIECES[2], other, fewer, forged, PIECES[2], PIECES[9]]
    receiver = Reassembler(TAG)
    verdicts = [receiver.accept(Delivery(0.0, pack(packet))) for packet in order]
    assert [(verdict.event, verdict.detail) for verdict in verdicts] == [
        ("received", ""),
        ("rejected", "image 7 with another protection"),
        ("rejected", "image 7 with another protection"),
        ("duplicate", "its bytes differ from those held"),
        ("duplicate", ""),
        ("received", "1 stages recovered"),
    ]
    assert receiver.stages == {0: STAGES[0]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"number": 10}, "number of the piece is 10; allowed: 0 to 9"),
        ({"n_packets": 9}, "needed is 10; allowed: 1 to 9"),
        ({"image": replace(TAG, n_stages=4)}, "stages is 5; allowed: 4"),
        ({"image": replace(TAG, width=255, height=240)}, "bytes of a stage is 320; allowed: 300"),
        ({"pieces": (b"x",) * 5}, "5 pieces; allowed: [160, 64, 40, 36, 32] bytes"),
    ],
)
def test_parts_that_contradict_each_other_make_no_packet(changes: dict[str, object], message: str) -> None:
    with pytest.raises(BadField) as caught:
        replace(PIECES[0], **changes)
    assert str(caught.value) == message


def test_a_protection_that_falls_cannot_be_made() -> None:
    with pytest.raises(BadField, match="needed is 2; allowed: 3 to 64"):
        Protection((3, 2), 10, 10)
    with pytest.raises(BadField, match="last bytes is 11; allowed: 1 to 10"):
        Protection((3, 3), 10, 11)
    with pytest.raises(BadField, match="bytes of a stage is 3; allowed: 4"):
        protected([b"abcd", b"abc", b"abcd"], (1, 1, 1), 2)


def test_stages_that_are_held_are_not_decoded_again() -> None:
    protection, pieces = protected(STAGES, NEEDED, 10)
    assert set(recovered(protection, dict(enumerate(pieces[:5])), held=(0,))) == {1}


def test_each_stage_comes_when_its_closed_form_says() -> None:
    """The k-th success in 10 slots at 30 % loss: negative binomial, cut at slot 10; in 4 standard errors."""
    generator = np.random.default_rng(9)
    runs = [sent_on(Independent(0.3, generator)) for _ in range(3000)]
    for stage, needed in enumerate(NEEDED):
        chances = {
            slot: math.comb(slot - 1, needed - 1) * 0.7**needed * 0.3 ** (slot - needed)
            for slot in range(needed, 11)
        }
        share = sum(chances.values())
        mean = sum(slot * chance for slot, chance in chances.items()) / share
        deviation = math.sqrt(sum((slot - mean) ** 2 * chance for slot, chance in chances.items()) / share)
        held = [next((each for each in run.holdings if stage in each.stages), None) for run in runs]
        slots = [each.time_s / 60 for each in held if each is not None]
        assert abs(len(slots) / len(runs) - share) < 4 * math.sqrt(share * (1 - share) / len(runs))
        assert abs(np.mean(slots) - mean) <= 4 * deviation / math.sqrt(len(slots))


def scenario(payload_bytes: int, repair: Ulp, scheme: str = "progressive") -> Scenario:
    return Scenario(
        name="a",
        image=ImageSettings(path=Path("/photo.png")),
        link=LinkSettings(payload_bytes=payload_bytes, interval_s=60),
        repair=repair,
        schemes=(BUILT_IN_SCHEMES[scheme],),
    )


def test_a_packet_that_does_not_fit_is_refused_with_what_would() -> None:
    check_link(scenario(360, ULP), "a.yaml")
    check_link(scenario(360, ULP, "webp_high"), "a.yaml")
    with pytest.raises(ScenarioError) as caught:
        check_link(scenario(359, ULP), "a.yaml")
    assert str(caught.value) == (
        "a.yaml: link.payload_bytes: found 359, but a piece of each of 5 stages takes 360 with its header"
        " (scheme progressive); allowed: at least 360, or larger numbers in repair.needed (all 10 take 188)"
    )
    with pytest.raises(PacketizeError, match="takes 360 bytes; allowed: 359"):
        packetize_pieces(STAGES, NEEDED, 10, TAG, 359)


def test_packets_that_differ_in_length_cannot_be_cut_into_pieces() -> None:
    with pytest.raises(ScenarioError) as caught:
        check_link(scenario(360, ULP, "ssdv"), "a.yaml")
    assert str(caught.value) == (
        "a.yaml: repair.kind: found ulp for ssdv; allowed: another kind: the packets of ssdv differ in length"
    )


def test_the_last_number_holds_for_later_stages_and_for_files() -> None:
    assert ULP.needed_of(7) == (2, 5, 8, 9, 10, 10, 10)
    assert ULP.needed_of(3) == (2, 5, 8)
    assert ULP.needed_of(1, is_file=True) == (10,)


def test_a_piece_is_not_a_stage() -> None:
    assert isinstance(parse(pack(PIECES[0])), Pieces)
    assert PIECES[3].label == "0-4 piece 3"
    assert packetize_pieces([b"a"], (1,), 2, replace(OF_FILE, n_stages=1), 40)[1].label == "0 piece 1"
