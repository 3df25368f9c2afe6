"""Packets of whole files, JPEG to HEIC, on the page that decodes, against what `satsim receive` does."""

import csv
import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Locator, Page, expect
from typer.testing import CliRunner

from satsim import cli
from satsim.codec import file_fingerprint
from satsim.header import ImageTag
from satsim.packetize import chunk, frames_of, packetize
from satsim.packets import Packet, pack, parse
from satsim.viewer_page import lone_page
from tests.satsim.conftest import EXTRAS, browser_here, needs_extra, smooth_photo
from tests.satsim.stub_runtime import TOY, random_stages, seen, stub_decoding
from tests.satsim.test_browser_decoder import card, give, opened, pixels

pytestmark = [pytest.mark.enable_socket, browser_here]

MOST_MEAN_DIFFERENCE = 0.5  # of 255; the canvas's own smoothing would have 0.7 to 1.2
SIZE = (200, 120)
SCENARIO = """
name: files
image: {path: photo.png, size: [200, 120]}
link: {payload_bytes: 120, interval_s: 60}
schemes:
  - {name: jpeg, codec: jpeg, delivery: high, budget_bytes: 900}
  - {name: webp, codec: webp, delivery: high, budget_bytes: 300}
  - {name: avif, codec: avif, delivery: high, budget_bytes: 420}
  - {name: jxl, codec: jxl, delivery: high, budget_bytes: 420}
  - {name: heic, codec: heic, delivery: high, budget_bytes: 600}
metrics: [psnr_db]
"""
TITLES = {"jpeg": "JPEG", "webp": "WebP", "avif": "AVIF"}  # which every browser draws
ALL = TITLES | {"jxl": "JPEG XL", "heic": "HEIC"}
NO_REPAIR = "{kind: none}"


def textured() -> Image.Image:
    levels = np.asarray(smooth_photo(3, SIZE), np.float64)
    noisy = levels + np.random.default_rng(3).normal(0, 20, levels.shape)
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


Send = Callable[..., dict[str, bytes]]


@pytest.fixture
def send(tmp_path: Path) -> Send:
    """What `satsim send` writes, in an order that has nothing to do with that of sending."""
    textured().save(tmp_path / "photo.png")
    (tmp_path / "files.yaml").write_text(SCENARIO, encoding="utf-8")

    def sent(scheme: str, repair: str = NO_REPAIR) -> dict[str, bytes]:
        needs_extra(scheme)
        command = ["send", "photo.png", "--scenario", "files.yaml", "--scheme", scheme, "--files", scheme]
        paths = [str(tmp_path / each) if "." in each else each for each in command[:-1]]
        result = CliRunner().invoke(cli.app, [*paths, str(tmp_path / scheme), "-s", f"repair={repair}"])
        assert result.exit_code == 0, result.output
        packets = [path.read_bytes() for path in sorted((tmp_path / scheme).iterdir())]
        order = np.random.default_rng(7).permutation(len(packets))
        assert list(order) != sorted(order)
        return {f"{place:02}.packet": packets[number] for place, number in enumerate(order)}

    return sent


def received(packets: dict[str, bytes], folder: Path) -> list[dict[str, str]]:
    """Have `satsim receive` take them in; its log."""
    (folder / "air").mkdir()
    for name, data in packets.items():
        (folder / "air" / name).write_bytes(data)
    command = ["receive", "--files", str(folder / "air"), "-o", str(folder / "in"), "--once"]
    assert CliRunner().invoke(cli.app, command).exit_code == 0
    with (folder / "in" / "packets.csv").open(newline="") as log:
        return list(csv.DictReader(log))


def card_of(page: Page, packets: dict[str, bytes]) -> Locator:
    return card(page, parse(packets["00.packet"]).image)


def says(page: Page, packets: dict[str, bytes]) -> Locator:
    return card_of(page, packets).locator(".waits")


def progress(n_packets: int, needed: int, title: str) -> str:
    return f"{n_packets} of {needed} packets of {title}; no part of the file can be shown."


def difference(page: Page, packets: dict[str, bytes], folder: Path) -> float:
    """Mean over all channels of all pixels, of 255, to what `satsim receive` has written."""
    picture, image = card_of(page, packets).locator(".frame canvas"), parse(packets["00.packet"]).image
    with Image.open(folder / "in" / image.name / "latest.png") as latest:
        expected = np.asarray(latest.convert("RGB")).astype(int)
    return float(abs(pixels(picture).astype(int) - expected).mean())


@pytest.mark.parametrize("scheme", TITLES)
def test_a_file_is_drawn_once_it_is_whole(
    context: BrowserContext, stub_page: Path, send: Send, tmp_path: Path, scheme: str
) -> None:
    packets = send(scheme)
    received(packets, tmp_path)
    assert parse(packets["00.packet"]).image.n_stages == len(packets) >= 3
    page = opened(context, stub_page)
    *first, last = packets
    for number, name in enumerate(first, 1):
        give(page, {name: packets[name]})
        expect(says(page, packets)).to_have_text(progress(number, len(packets), TITLES[scheme]))
    expect(card_of(page, packets).locator(".shot")).to_have_count(0)
    give(page, {last: packets[last]})
    expect(says(page, packets)).to_have_text("All there is.")
    expect(card_of(page, packets).locator(".shot")).to_have_count(1)
    assert difference(page, packets, tmp_path) <= MOST_MEAN_DIFFERENCE
    heading = card_of(page, packets).get_by_role("heading")
    expect(heading).to_contain_text(f"200x120 pixels, {TITLES[scheme]} file")
    expect(page.locator("#heard")).to_have_text(f"Packets {len(packets)} received, 0 duplicate, 0 rejected")


@pytest.mark.parametrize(
    ("repair", "needed"),
    [("{kind: erasure, parity_stages: 4}", None), ("{kind: ulp, packets: 6, needed: [4]}", 4)],
)
def test_a_repair_gives_the_file_back(
    context: BrowserContext, stub_page: Path, send: Send, tmp_path: Path, repair: str, needed: int | None
) -> None:
    packets = send("webp", repair)
    image = parse(packets["00.packet"]).image
    enough = needed or image.n_stages
    held = dict(list(packets.items())[:enough])
    received(held, tmp_path)
    page = opened(context, stub_page)
    give(page, dict(list(held.items())[:-1]))
    expect(says(page, packets)).to_have_text(progress(enough - 1, enough, "WebP"))
    give(page, held)
    expect(says(page, packets)).to_have_text("All there is.")
    assert difference(page, packets, tmp_path) <= MOST_MEAN_DIFFERENCE
    expect(page.locator("#taken tr").first).to_contain_text("stages recovered")


def test_a_damaged_packet_is_named_as_the_receiver_names_it(
    context: BrowserContext, stub_page: Path, send: Send, tmp_path: Path
) -> None:
    packets = send("avif")
    damaged = bytearray(packets["01.packet"])
    damaged[60] ^= 4
    air = packets | {"01.packet": bytes(damaged)}
    details = [row["detail"] for row in received(air, tmp_path)]
    assert [bool(detail) for detail in details] == [name == "01.packet" for name in sorted(air)]
    page = opened(context, stub_page)
    give(page, air)
    n_good = len(air) - 1
    expect(page.locator("#heard")).to_have_text(
        f"Packets {n_good} received, 0 duplicate, 1 rejected (BadCrc 1)"
    )
    row = page.locator("#taken tr", has_text="01.packet")
    assert row.inner_text().split("\t")[-1] == f"rejected: {details[1]}"
    expect(says(page, packets)).to_have_text(progress(n_good, len(air), "AVIF"))
    give(page, {"again": packets["01.packet"]})
    expect(card_of(page, packets).locator(".shot")).to_have_count(1)


def test_files_and_models_share_the_page(context: BrowserContext, stub_page: Path, send: Send) -> None:
    packets = send("webp")
    indices, stages = random_stages(TOY, seed=2)
    page = opened(context, stub_page)
    give(page, packets)
    give(page, {"toy": pack(Packet(TOY, 1, 1, stages[1]))})
    expect(card(page, TOY).locator(".shot")).to_have_count(1)
    assert (pixels(card(page, TOY).locator(".frame canvas")) == seen(TOY, {1: indices[1]}, 4)).all()
    expect(says(page, packets)).to_have_text("All there is.")


def file_of(packets: dict[str, bytes]) -> bytes:
    whole = {packet.first_stage: packet.payload for packet in map(parse, packets.values())}  # type: ignore[union-attr]
    return b"".join(whole[number] for number in sorted(whole))


def broken(packets: dict[str, bytes], name: str) -> dict[str, bytes]:
    """Packets without a fault, of a file that lacks its last third."""
    file = file_of(packets)
    pieces = chunk(file[: len(file) * 2 // 3], 120)
    image = ImageTag(5, len(pieces), 8, 1, *SIZE, file_fingerprint(name), 0)
    frames = frames_of(packetize(pieces, image, 120))
    return {f"{number:02}.packet": frame.data for number, frame in enumerate(frames)}


@pytest.mark.parametrize("scheme", TITLES)
def test_a_file_that_is_cut_off_is_named(
    context: BrowserContext, stub_page: Path, send: Send, tmp_path: Path, scheme: str
) -> None:
    packets = broken(send(scheme), scheme)
    assert [row["event"] for row in received(packets, tmp_path)] == ["received"] * len(packets)
    assert list((tmp_path / "in").rglob("*.png")) == []
    page = opened(context, stub_page)
    give(page, packets)
    why = "it has no end marker$" if scheme == "jpeg" else ".*decoded"
    said = re.compile(f"^No picture of stages 1-{len(packets)}: a broken file: {why}")
    expect(says(page, packets)).to_have_text(said)
    expect(card_of(page, packets).locator(".shot")).to_have_count(0)


def worker_page(folder: Path, before: str) -> Path:
    """The page whose worker runs a line of its own first."""
    worker, path = '<script id="worker" type="text/plain">', folder / "page.html"
    html = lone_page(None, stub_decoding())
    path.write_text(html.replace(worker, f"{worker}\n{before}"), encoding="utf-8")
    return path


@pytest.mark.parametrize("scheme", ["avif", *EXTRAS])
def test_a_format_that_the_browser_lacks_is_named(
    context: BrowserContext, send: Send, tmp_path: Path, scheme: str
) -> None:
    packets = send(scheme)
    lacking = "self.createImageBitmap = async () => { throw new Error('unknown'); };"
    page = opened(context, worker_page(tmp_path, lacking))
    give(page, packets)
    said = f"No picture of stages 1-{len(packets)}: this browser draws no {ALL[scheme]} files"
    expect(says(page, packets)).to_have_text(said)


@pytest.mark.parametrize("scheme", EXTRAS)
def test_without_the_extra_a_page_knows_the_format_but_not_why_it_fails(
    context: BrowserContext, send: Send, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    packets = send(scheme)
    monkeypatch.setitem(sys.modules, EXTRAS[scheme], None)
    page = opened(context, worker_page(tmp_path, "self.createImageBitmap = async () => { throw 0; };"))
    give(page, packets)
    why = f"a broken file, or this browser draws no {ALL[scheme]} files"
    expect(says(page, packets)).to_have_text(f"No picture of stages 1-{len(packets)}: {why}")
    heading = card_of(page, packets).get_by_role("heading")
    expect(heading).to_contain_text(f"200x120 pixels, {ALL[scheme]} file")


CAN_READ = """file => createImageBitmap(new Blob([new Uint8Array(file)])).then(() => true, () => false)"""


@pytest.mark.parametrize("scheme", EXTRAS)
def test_this_browser_draws_the_format_or_is_said_to_lack_it(
    context: BrowserContext, stub_page: Path, send: Send, tmp_path: Path, scheme: str
) -> None:
    packets = send(scheme)
    cut = broken(packets, scheme)
    received(packets, tmp_path)
    page = opened(context, stub_page)
    give(page, packets)
    give(page, {f"cut {name}": data for name, data in cut.items()})
    if page.evaluate(CAN_READ, list(file_of(packets))):
        expect(says(page, packets)).to_have_text("All there is.")
        assert difference(page, packets, tmp_path) <= MOST_MEAN_DIFFERENCE
        expect(says(page, cut)).to_contain_text(f"No picture of stages 1-{len(cut)}: a broken file: ")
    else:
        for each in (packets, cut):
            expect(says(page, each)).to_contain_text(f": this browser draws no {ALL[scheme]} files")


@pytest.mark.parametrize("scheme", EXTRAS)
def test_a_browser_that_has_the_format_draws_it(
    context: BrowserContext, send: Send, tmp_path: Path, scheme: str
) -> None:
    """As Safari reads JPEG XL and HEIC: given just the file's bytes, and what Pillow makes of them."""
    packets = send(scheme)
    received(packets, tmp_path)
    file = file_of(packets)
    png = io.BytesIO()
    with Image.open(io.BytesIO(file)) as plain:
        plain.convert("RGB").save(png, "PNG")
    reads = f"""const [known, picture] = {json.dumps([list(file), list(png.getvalue())])};
    const read = self.createImageBitmap;
    self.createImageBitmap = async (blob, options) => {{
      const isKnown = new Uint8Array(await blob.arrayBuffer()).join() === known.join();
      return read(isKnown ? new Blob([new Uint8Array(picture)]) : blob, options);
    }};"""
    page = opened(context, worker_page(tmp_path, reads))
    give(page, packets)
    expect(says(page, packets)).to_have_text("All there is.")
    assert difference(page, packets, tmp_path) <= MOST_MEAN_DIFFERENCE
