"""Packets of JPEG, WebP and AVIF files on the page that decodes, against what `satsim receive` does."""

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from typer.testing import CliRunner

from satsim import cli
from satsim.codec import file_fingerprint
from satsim.packetize import chunk, frames_of, packetize
from satsim.packets import ImageTag, Packet, pack, parse
from satsim.viewer_page import FOLDER, lone_page
from tests.satsim.conftest import browser_here, smooth_photo
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
metrics: [psnr_db]
"""
TITLES = {"jpeg": "JPEG", "webp": "WebP", "avif": "AVIF"}
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


def broken(packets: dict[str, bytes], name: str) -> dict[str, bytes]:
    """Packets without a fault, of a file that lacks its last third."""
    whole = {packet.first_stage: packet.payload for packet in map(parse, packets.values())}  # type: ignore[union-attr]
    file = b"".join(whole[number] for number in sorted(whole))
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


def test_a_format_that_the_browser_lacks_is_named(
    context: BrowserContext, send: Send, tmp_path: Path
) -> None:
    packets = send("avif")
    worker = '<script id="worker" type="text/plain">'
    lacking = "self.createImageBitmap = async () => { throw new Error('unknown'); };"
    html = lone_page(None, stub_decoding())
    (tmp_path / "page.html").write_text(html.replace(worker, f"{worker}\n{lacking}"), encoding="utf-8")
    page = opened(context, tmp_path / "page.html")
    give(page, packets)
    said = f"No picture of stages 1-{len(packets)}: this browser draws no AVIF files"
    expect(says(page, packets)).to_have_text(said)


@pytest.fixture
def scripts(browser: Browser) -> Iterator[Page]:
    """A page with what the worker has of files."""
    page = browser.new_page()
    page.add_script_tag(content=(FOLDER / "files.js").read_text())
    yield page
    page.close()


RESIZE = """([levels, width, height, to]) => {
  const data = new Uint8ClampedArray(width * height * 4).fill(255);
  levels.forEach((level, place) => (data[Math.floor(place / 3) * 4 + (place % 3)] = level));
  return [...resized({ data, width, height }, ...to)].filter((_, place) => place % 4 < 3);
}"""


@pytest.mark.parametrize(
    ("size", "to"),
    [
        ((64, 64), (256, 256)),
        ((50, 30), (200, 120)),
        ((25, 37), (101, 149)),
        ((1, 1), (5, 4)),
        ((90, 7), (31, 60)),
    ],
)
def test_pictures_are_brought_to_size_as_pillow_does_it(
    scripts: Page, size: tuple[int, int], to: tuple[int, int]
) -> None:
    levels = np.random.default_rng(4).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    expected = Image.fromarray(levels).resize(to, Image.Resampling.BICUBIC)
    assert (
        scripts.evaluate(RESIZE, [levels.ravel().tolist(), *size, to])
        == np.asarray(expected).ravel().tolist()
    )
