"""The page as one file, in a real browser, over small runs of all sorts."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect

from satsim.rundir import Run
from satsim.viewer_page import lone_page
from tests.satsim.conftest import browser_here

pytestmark = [pytest.mark.enable_socket, browser_here]


def opened(context: BrowserContext, run: Run, folder: Path) -> Page:
    (folder / "arrival.html").write_text(lone_page(run), encoding="utf-8")
    page = context.new_page()
    page.goto((folder / "arrival.html").as_uri())
    expect(page.locator("#run")).to_be_visible()
    return page


def test_the_time_without_a_link_is_shaded(
    context: BrowserContext, run_toy: Callable[..., Run], tmp_path: Path
) -> None:
    windows = "link.windows={open: [{from_s: 100, to_s: 170}], repeat_s: 1000}"
    toy = run_toy(windows, "link.loss.rate=0", "schemes=[progressive, low_bpp, high_bpp]")
    page = opened(context, toy, tmp_path)
    end_s = max(event.time_s for event in toy.events)
    assert 2100 < end_s < 2170  # three packets, a window each
    parts = page.locator("#closed i").evaluate_all("all => all.map(({style}) => [style.left, style.width])")
    closed_s = [(0, 100), (170, 1100), (1170, 2100)]
    expected = [(from_s / end_s * 100, (to_s - from_s) / end_s * 100) for from_s, to_s in closed_s]
    assert [[float(each[:-1]) for each in part] for part in parts] == [
        pytest.approx(each, abs=1e-3) for each in expected
    ]
    expect(page.locator("#curve rect.shade")).to_have_count(3)
    expect(page.locator("#closed-says")).to_have_text("the link is not there")
    always = run_toy("schemes=[progressive, low_bpp, high_bpp]", name="always")
    page = opened(context, always, tmp_path)
    expect(page.locator(".card")).to_have_count(3)
    expect(page.locator("#closed-says")).to_be_hidden()
    expect(page.locator(".shade:visible")).to_have_count(0)


def test_long_names_stay_on_the_page(
    context: BrowserContext, run_toy: Callable[..., Run], tmp_path: Path
) -> None:
    name = "s" * 64
    (tmp_path / "photo.png").rename(tmp_path / f"{'p' * 200}.png")
    own = f"{{name: {name}, codec: progic, delivery: progressive}}"
    toy = run_toy(f"image.path={'p' * 200}.png", f"schemes=[progressive, {own}]")
    page = opened(context, toy, tmp_path)
    for width in (360, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") == width
        boxes = "e => [e.scrollWidth, e.clientWidth]"
        assert len(set(page.locator("h2").filter(has_text=name).evaluate(boxes))) == 1
    expect(page.locator("#curve text").last).to_have_text(re.compile("^s+…$"))


def test_a_curve_whose_last_picture_is_exact_has_its_name(
    context: BrowserContext, run_toy: Callable[..., Run], toy_scenario: Path, tmp_path: Path
) -> None:
    Image.new("RGB", (64, 64), (10, 20, 30)).save(tmp_path / "photo.png")  # its PSNR ends at infinity
    toy = run_toy("schemes=[progressive, avif_low]")
    page = opened(context, toy, tmp_path)
    page.keyboard.press("End")
    expect(page.locator(".card").nth(0).locator("dd").first).to_have_text("exact")
    expect(page.locator("#curve text").last).to_have_text("ProGIC progressive")
    expect(page.locator(".card").nth(1).get_by_text("AVIF: nothing fits in 20 bytes")).to_have_count(1)


def test_curves_are_dashed_where_colours_repeat(
    context: BrowserContext, run_toy: Callable[..., Run], tmp_path: Path
) -> None:
    own = [f"{{name: s{number}, codec: progic, delivery: progressive}}" for number in range(17)]
    page = opened(context, run_toy(f"schemes=[{', '.join(own)}]"), tmp_path)
    dashes = page.locator("#curve path.curve").evaluate_all(
        "all => all.map((path) => getComputedStyle(path).strokeDasharray)"
    )
    assert dashes[::-1] == [*["none"] * 8, *["7px, 3px"] * 8, "2px, 3px"]
