"""The page's own reading and gathering of packets, against satsim's: the same verdicts and bytes."""

import base64
import re
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from satsim.errors import PacketError
from satsim.fec import parity_stages
from satsim.header import ImageTag
from satsim.packets import AnyPacket, Packet, Pieces, Report, pack, pack_report, parse
from satsim.reassemble import Reassembler
from satsim.records import Delivery
from satsim.ulp import protected
from tests.satsim.conftest import browser_here

pytestmark = [pytest.mark.enable_socket, browser_here]


@pytest.fixture
def scripts(browser: Browser, stub_page: Path) -> Iterator[Page]:
    """The page with its scripts at hand."""
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    page.goto(stub_page.as_uri())
    yield page
    context.close()


def random_image(random: np.random.Generator, n_stages: int) -> ImageTag:
    def number(most: int) -> int:
        return int(random.integers(0, most + 1))

    factor = 1 << number(7)
    most = 4095 if factor == 1 else 3 * factor - 1  # stages of at most nine indices
    sides = (1 + number(most), 1 + number(most))
    return ImageTag(
        number(0xFFFF), n_stages, 1 + number(15), factor, *sides, number(0xFFFF), number(2**32 - 1)
    )


def random_packet(random: np.random.Generator) -> bytes:
    n_stages = int(random.integers(1, 65))
    image = random_image(random, n_stages)
    kind = random.integers(0, 10)
    if kind == 0:
        return pack_report(Report(image, frozenset({0})))
    if kind < 4:
        n_packets = int(random.integers(1, 65))
        needed = sorted(int(each) for each in random.integers(1, n_packets + 1, n_stages))
        length = image.stage_bytes or int(random.integers(1, 40))
        last = length if image.stage_bytes or n_stages == 1 else int(random.integers(1, length + 1))
        stages = [random.bytes(length)] * (n_stages - 1) + [random.bytes(last)]
        protection, pieces = protected(stages, needed, n_packets)
        number = int(random.integers(0, n_packets))
        return pack(Pieces(image, number, n_packets, protection, pieces[number]))
    most = 64 if kind < 6 else n_stages
    count = int(random.integers(1, most + 1))
    first = int(random.integers(0, most - count + 1))
    length = image.stage_bytes or int(random.integers(1, 9))
    stages = [random.bytes(length) for _ in range(count)]
    if kind >= 6:
        stages = [bytes([*stage[:-1], stage[-1] & ~image.filler]) for stage in stages]
    return pack(Packet(image, first, count, b"".join(stages), bool(kind < 6)))


def damaged(packet: bytes, random: np.random.Generator) -> bytes:
    """Flip a bit, and in half of all make the CRC-32 right again, so that what the fields say is judged."""
    flipped = bytearray(packet)
    where = int(random.integers(0, min(len(packet), 44)))
    flipped[where] ^= 1 << int(random.integers(0, 8))
    if random.random() < 0.5:
        flipped = flipped[: int(random.integers(0, len(flipped) + 1))] if random.random() < 0.3 else flipped
    if len(flipped) > 20 and random.random() < 0.7:
        flipped[16:20] = zlib.crc32(bytes(flipped[:16] + flipped[20:])).to_bytes(4, "big")
    return bytes(flipped)


def said_of(data: bytes) -> list[str]:
    try:
        packet = parse(data)
    except PacketError as error:
        return [f"{type(error).__name__}: {error}"]
    return [packet.image.name, packet.label]


PARSE = """packets => packets.map((text) => {
  try {
    const packet = parsePacket(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)));
    return [packet.image.name, packet.label];
  } catch (error) {
    return [error.message];
  }
})"""


def as_text(packets: list[bytes]) -> list[str]:
    return [base64.b64encode(packet).decode() for packet in packets]


def test_packets_are_read_as_satsim_reads_them(scripts: Page) -> None:
    random = np.random.default_rng(1)
    whole = [random_packet(random) for _ in range(400)]
    packets = [*whole, *(damaged(each, random) for each in whole * 4), b"", b"\xa7", bytes(20)]
    expected = [said_of(packet) for packet in packets]
    assert scripts.evaluate(PARSE, as_text(packets)) == expected
    errors = {each[0].split(" is ")[0] for each in expected if len(each) == 1}
    assert {"BadMagic: first byte", "UnknownVersion: header version", "BadField: kind"} < errors
    assert {f"BadField: {name}" for name in ("stage_count", "first_stage", "payload", "needed")} < errors
    assert {"BadField: bytes of a stage", "BadField: filler of a stage"} < errors
    assert {f"BadField: {name}" for name in ("payload bytes", "last bytes", "number of the piece")} < errors
    assert any(each.startswith("ShortPacket") for each in errors)
    assert any(each.startswith("BadCrc") for each in errors)


def repaired(kind: str, random: np.random.Generator) -> list[bytes]:
    """The packets of one image with a repair, some of them twice, damaged or contradicting, in any order."""
    n_stages = int(random.integers(2, 9))
    image = replace(random_image(random, n_stages), downsampling_factor=1)  # pieces of a file, of any length
    stages = [random.bytes(24)] * (n_stages - 1) + [random.bytes(24 if kind == "plain" else 10)]
    packets: list[AnyPacket] = [Packet(image, stage, 1, each) for stage, each in enumerate(stages)]
    if kind == "parity":
        packets += [
            Packet(image, n, 1, each, is_parity=True) for n, each in enumerate(parity_stages(stages, 5))
        ]
        packets += [Packet(image, 0, 2, stages[0] + stages[1])]
    if kind == "pieces":
        needed = sorted(int(each) for each in random.integers(1, 12, n_stages))
        for lengths in (needed, [*needed[:-1], 12]):  # the second is another protection
            protection, pieces = protected(stages, lengths, 12)
            made = [Pieces(image, number, 12, protection, each) for number, each in enumerate(pieces)]
            packets = [*packets[:2], *made] if lengths is needed else [*packets, *made[:2]]
    sent = [pack(packet) for packet in packets]
    sent += [pack(Packet(image, 1, 1, random.bytes(24)))]  # what it says is not what the others say
    sent += [damaged(sent[0], random), *sent[:3]]
    return [sent[int(place)] for place in random.permutation(len(sent))]


GATHER = """packets => {
  const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const station = new Station();
  const rows = packets.map((text, number) => {
    const { image, event, detail } = station.take(`${number}`, bytesOf(text));
    return [image, event, detail];
  });
  const images = Object.fromEntries([...station.images].map(([name, { holdings, stages }]) => [name, {
    holdings: holdings.map(({ stages, nPackets, nBytes }) => [stages, nPackets, nBytes]),
    stages: [...stages].sort(([a], [b]) => a - b).map(([stage, bytes]) => [stage, [...bytes]]),
  }]));
  return { rows, images };
}"""


def gathered(packets: list[bytes]) -> dict[str, Any]:
    """What satsim's reassembler makes of packets, one for each image as satsim.station has them."""
    images: dict[str, Reassembler] = {}
    rows = []
    for data in packets:
        said = said_of(data)
        name = said[0] if len(said) == 2 else ""
        gathering = images.setdefault(name, Reassembler()) if name else Reassembler()
        rows.append([name, *gathering.accept(Delivery(0, data))])
    return {
        "rows": rows,
        "images": {
            name: {
                "holdings": [[list(held.stages), held.packets, held.bytes] for held in each.holdings],
                "stages": [[stage, list(each.stages[stage])] for stage in sorted(each.stages)],
            }
            for name, each in images.items()
        },
    }


@pytest.mark.parametrize("kind", ["plain", "parity", "pieces"])
def test_packets_are_gathered_as_satsim_gathers_them(scripts: Page, kind: str) -> None:
    random = np.random.default_rng(2)
    details = set()
    for _ in range(40):
        packets = repaired(kind, random)
        expected = gathered(packets)
        assert scripts.evaluate(GATHER, as_text(packets)) == expected
        details |= {
            (event, re.sub(r"\d+", "N", detail.split(":")[0])) for _, event, detail in expected["rows"]
        }
    assert {("received", ""), ("duplicate", "")} < details
    assert ("duplicate", "its bytes differ from those held") in details
    assert (("received", "N stages recovered") in details) == (kind != "plain")
    assert (("rejected", "image N with another protection") in details) == (kind == "pieces")
