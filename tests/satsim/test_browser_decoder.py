"""The page that decodes, in a real browser: any stages of any image become the pictures that they should."""

import base64
import io
import os
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from typer.testing import CliRunner

import progic
from progic.export import export
from satsim import cli
from satsim.codec import short_fingerprint
from satsim.header import ImageTag
from satsim.packets import Packet, pack
from satsim.rundir import Run
from satsim.viewer_page import lone_page
from tests.satsim.conftest import DROP, browser_here, smooth_photo
from tests.satsim.stub_runtime import OTHER, TOY, random_stages, seen, stub_decoder, stub_decoding

PACKAGE = os.environ.get("ONNXRUNTIME_WEB")
pytestmark = [pytest.mark.enable_socket, browser_here]


def opened(context: BrowserContext, path: Path) -> Page:
    page = context.new_page()
    page.goto(path.as_uri())
    expect(page.locator("#packets")).to_be_visible()
    return page


def give(page: Page, files: dict[str, bytes]) -> None:
    payloads = [{"name": name, "mimeType": "", "buffer": data} for name, data in files.items()]
    page.set_input_files("#packets", payloads)


def card(page: Page, image: ImageTag) -> Locator:
    return page.get_by_role("article", name=f"Image {image.image_id} ")


def pixels(picture: Locator) -> np.ndarray:
    """(height, width, 3) of a canvas."""
    png = picture.evaluate("canvas => canvas.toDataURL()").partition(",")[2]
    with Image.open(io.BytesIO(base64.b64decode(png))) as image:
        return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize(
    ("image", "n_stages", "held"),
    [
        (TOY, 4, (0, 2)),
        (OTHER, 5, (4,)),
        (replace(TOY, width=256, height=256), 4, (0, 1, 2)),
        (replace(OTHER, width=1, height=1), 5, (0, 1, 3)),
    ],
    ids=lambda value: value.name if isinstance(value, ImageTag) else None,
)
def test_any_stages_of_any_size_become_what_the_graph_draws(
    context: BrowserContext, stub_page: Path, image: ImageTag, n_stages: int, held: tuple[int, ...]
) -> None:
    indices, stages = random_stages(image, seed=3)
    page = opened(context, stub_page)
    give(page, {f"{stage}": pack(Packet(image, stage, 1, stages[stage])) for stage in held})
    shots = card(page, image).locator(".shot canvas")
    expect(shots).to_have_count(len(held))
    for number in range(len(held)):
        expected = seen(image, {stage: indices[stage] for stage in held[: number + 1]}, n_stages)
        assert (pixels(shots.nth(number)) == expected).all()
    assert (pixels(card(page, image).locator(".frame canvas")) == expected).all()


def test_packets_of_several_images_are_counted_and_named(context: BrowserContext, stub_page: Path) -> None:
    page = opened(context, stub_page)
    _, toy = random_stages(TOY, seed=4)
    _, other = random_stages(OTHER, seed=5)
    packets = {f"{stage}.packet": pack(Packet(TOY, stage, 1, toy[stage])) for stage in (0, 2)}
    give(page, packets | {"a.packet": pack(Packet(OTHER, 0, 2, other[0] + other[1]))})
    expect(page.locator("#heard")).to_have_text("Packets 3 received, 0 duplicate, 0 rejected")
    expect(card(page, TOY)).to_contain_text("1 of 3 stages to come.")
    expect(card(page, OTHER)).to_contain_text("3 of 5 stages to come.")
    unknown = replace(TOY, fingerprint=0x5678, image_id=11)
    longer = replace(OTHER, n_stages=6, image_id=12)
    spare_set = pack(Packet(TOY, 0, 1, toy[0]))[:-1] + bytes([toy[0][-1] | 1])
    sealed = zlib.crc32(spare_set[:16] + spare_set[20:]).to_bytes(4, "big")
    bad = {
        "again": packets["0.packet"],
        "cut": packets["0.packet"][:-1],
        "flipped": bytes([packets["0.packet"][0] ^ 1]) + packets["0.packet"][1:],
        "longer": pack(Packet(longer, 0, 1, other[0])),
        "spare": spare_set[:16] + sealed + spare_set[20:],
        "unknown": pack(Packet(unknown, 0, 1, toy[0])),
    }
    give(page, bad | packets | {"1.packet": pack(Packet(TOY, 1, 1, toy[1]))})
    expect(page.locator("#heard")).to_have_text(
        "Packets 6 received, 1 duplicate, 3 rejected (BadCrc 1, BadField 1, BadMagic 1); 2 read before"
    )
    expect(card(page, TOY)).to_contain_text("All there is.")
    expect(card(page, TOY).locator(".shot")).to_have_count(3)
    for image, why in (
        (
            unknown,
            "fingerprint 5678 is none of toy, other, JPEG, WebP, AVIF, JPEG XL, HEIC, which this page draws",
        ),
        (longer, "its N, L and f are not those of model other"),
    ):
        expect(card(page, image)).to_contain_text(f"No picture of stages 1: {why}")
    rows = [row.split("\t") for row in page.locator("#taken tr").all_inner_texts()]
    assert rows[-1] == ["1", "0.packet", "7", "1", f"{len(packets['0.packet'])}", "received"]
    assert rows[-3] == ["3", "a.packet", "9", "1-2", f"{20 + 2 * len(other[0])}", "received"]
    assert [row[-1] for row in rows if row[1] == "flipped"] == [
        "rejected: BadMagic: first byte is 0xA6; allowed: 0xA7"
    ]


def test_an_earlier_picture_is_looked_at_and_saved(context: BrowserContext, stub_page: Path) -> None:
    page = opened(context, stub_page)
    indices, stages = random_stages(TOY, seed=6)
    give(page, {f"{stage}": pack(Packet(TOY, stage, 1, stages[stage])) for stage in (0, 1)})
    shot = card(page, TOY).get_by_role("button", name="Picture of stages 1", exact=True)
    expect(card(page, TOY).locator(".shot")).to_have_count(2)
    shot.focus()
    page.keyboard.press("Enter")
    expect(shot).to_have_attribute("aria-pressed", "true")
    with page.expect_download() as download:
        card(page, TOY).get_by_role("button", name="Save the picture of stages 1").click()
    assert download.value.suggested_filename == f"{TOY.name}-1.png"
    with Image.open(download.value.path()) as picture:
        assert (np.asarray(picture.convert("RGB")) == seen(TOY, {0: indices[0]}, 4)).all()


def test_dropped_files_are_taken_in(context: BrowserContext, stub_page: Path) -> None:
    page = opened(context, stub_page)
    _, stages = random_stages(TOY, seed=7)
    files = page.evaluate_handle(DROP, [["b", list(pack(Packet(TOY, 0, 1, stages[0])))], ["a", [1, 2, 3]]])
    page.dispatch_event("#packets-drop", "drop", {"dataTransfer": files})
    expect(page.locator("#heard")).to_have_text("Packets 1 received, 0 duplicate, 1 rejected (ShortPacket 1)")
    expect(card(page, TOY).locator(".frame canvas")).to_be_visible()


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
@pytest.mark.parametrize("with_run", [False, True], ids=["alone", "with a run"])
def test_the_page_has_no_barrier(
    browser: Browser, run_toy: Callable[..., Run], tmp_path: Path, width: int, scheme: str, with_run: bool
) -> None:
    decoding = stub_decoding([stub_decoder("toy", TOY, 4)])
    (tmp_path / "page.html").write_text(
        lone_page(run_toy() if with_run else None, decoding), encoding="utf-8"
    )
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True
    )
    page = context.new_page()
    page.goto((tmp_path / "page.html").as_uri())
    expect(page.locator("#run")).to_be_visible(visible=with_run)
    if with_run:
        page.get_by_text("Decode packets here").click()
    _, stages = random_stages(TOY, seed=8)
    files = {f"{stage}": pack(Packet(TOY, stage, 1, stages[stage])) for stage in (0, 1)}
    give(page, files | {"a file with a long name " * 5: b"no packet"})
    expect(card(page, TOY).locator(".shot")).to_have_count(2)
    found = Axe().run(page).response["violations"]
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    context.close()


@pytest.mark.skipif(not PACKAGE, reason="ONNXRUNTIME_WEB names no tarball: npm pack onnxruntime-web")
@pytest.mark.timeout(900)  # the ONNX export takes 30 s of one core, more where all are busy
def test_pictures_are_those_of_progic(context: BrowserContext, tmp_path: Path) -> None:
    codec = progic.load("f16-s")
    photo = smooth_photo(9, (150, 101))
    export(codec, "onnx", tmp_path / "bundle", [photo])
    command = ["page", str(tmp_path / "page.html"), "--decoder", str(tmp_path / "bundle")]
    result = CliRunner().invoke(cli.app, [*command, "--onnxruntime-web", str(PACKAGE)])
    assert (result.exit_code, result.stdout) == (0, f"{tmp_path / 'page.html'}\n")
    assert (tmp_path / "page.html").stat().st_size < 16_000_000
    fingerprint = short_fingerprint(codec.fingerprint)
    image = ImageTag(1, 5, 10, 16, *photo.size, fingerprint, 0)
    stages = codec.encode(photo)
    page = opened(context, tmp_path / "page.html")
    order = (3, 0, 4, 1, 2)
    give(page, {f"{place}": pack(Packet(image, each, 1, stages[each])) for place, each in enumerate(order)})
    shots = card(page, image).locator(".shot canvas")
    expect(shots).to_have_count(5)
    for number in range(5):
        held = {stage: stages[stage] for stage in order[: number + 1]}
        expected = np.asarray(codec.decode(held, photo.size)).astype(int)
        assert abs(pixels(shots.nth(number)).astype(int) - expected).max() <= 1
