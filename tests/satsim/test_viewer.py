"""The page in a real browser: what it shows at each moment, what it refuses, and that it asks no one else."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from satsim.pipeline import run_scenario
from satsim.report import finish
from satsim.rundir import Run
from satsim.scenario import load_scenario
from satsim.viewer_page import lone_page
from tests.satsim.conftest import DROP, browser_here, serving

pytestmark = [pytest.mark.enable_socket, browser_here]

SCENARIO = Path(__file__).parents[2] / "scenarios" / "forest_fire.yaml"
SCHEMES = "schemes=[progressive, low_bpp, high_bpp]"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, metric_weights: object) -> Run:
    """The shipped scene, small, over a link that loses four packets on the way."""
    small = ["image.size=[128, 128]", "link.payload_bytes=100", "usable.dists=0.4", "metrics=[dists]"]
    scenario = load_scenario(SCENARIO, [SCHEMES, *small, "link.loss.rate=0.3", "seed=5"])
    folder = tmp_path_factory.mktemp("viewer") / "run"
    return run_scenario(scenario, str(SCENARIO), folder, False, finish, lambda step, done: None)


@pytest.fixture(scope="module")
def address(run: Run) -> Iterator[str]:
    """A server of its own that shows the run."""
    with serving(str(run.folder)) as address:
        yield address


def opened(context: BrowserContext, address: str) -> Page:
    page = context.new_page()
    page.goto(address)
    expect(page.locator("#run")).to_be_visible()
    return page


def card(page: Page, number: int) -> Locator:
    return page.locator(".card").nth(number)


def test_pictures_come_packet_by_packet(context: BrowserContext, address: str) -> None:
    page = opened(context, address)
    expect(card(page, 0).locator(".frame img")).to_be_hidden()
    expect(card(page, 2)).to_contain_text("No picture before all 5 packets are in; so far 0")
    seen = []
    for _ in range(12):
        page.keyboard.press("ArrowRight")
        seen.append((page.locator("#now").inner_text(), card(page, 0).locator(".shot:visible").count()))
    times = ["0:01", "1:01", "2:01", "3:01", "4:01", "5:01", "6:01", "7:01", "8:01", "9:01", "9:01", "9:01"]
    assert seen == list(zip(times, [0, 1, 2, 2, 2, 2, 3, 3, 4, 5, 5, 5], strict=True))
    assert card(page, 2).locator(".shot:visible").count() == 1


def test_the_first_packet_is_a_usable_picture(context: BrowserContext, address: str) -> None:
    page = opened(context, address)
    expect(card(page, 0).locator(".usable")).to_be_hidden()
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    expect(card(page, 0).locator(".usable")).to_have_text("usable since 1:01")
    expect(card(page, 0).locator(".frame img")).to_be_visible()
    expect(page.get_by_role("status").and_(page.locator("#said"))).to_have_text(
        re.compile(r"^1:01: picture 1, from 1 of 5 packets, DISTS 0\.\d{3}, usable$")
    )
    assert page.locator("#flags i").count() == 3


def test_what_is_lost_is_said_and_repeated(context: BrowserContext, address: str) -> None:
    page = opened(context, address)
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    expect(card(page, 0).locator(".waits")).to_have_text(
        "Waits for packet 3, sent again (try 2), due at 4:01."
    )
    rows = page.locator("#log tr:visible").all_inner_texts()
    assert [row.split("\t") for row in rows[:2]] == [
        ["3:01", "3", "3", "2", "100", "sent again"],
        ["3:01", "3", "3", "1", "100", "lost"],
    ]
    assert card(page, 0).locator(".lane .lost:visible").count() == 1
    page.keyboard.press("ArrowLeft")
    assert card(page, 0).locator(".lane .lost:visible").count() == 0


def test_it_plays_to_the_end_and_stops(context: BrowserContext, address: str) -> None:
    page = opened(context, address)
    page.get_by_label("Speed").select_option("600")
    page.locator("h1").click()
    page.keyboard.press("Space")
    expect(page.locator("#play")).to_have_text("Pause")
    expect(page.locator("#now")).to_have_text("9:01")
    expect(page.locator("#play")).to_have_text("Play")
    assert card(page, 0).locator(".shot:visible").count() == 5
    page.get_by_label("Time since the photo was taken").fill("130")
    expect(page.locator("#now")).to_have_text("2:10")
    assert card(page, 0).locator(".shot:visible").count() == 2


def test_it_plays_once_however_often_it_was_paused(context: BrowserContext, address: str) -> None:
    page = opened(context, address)
    n_drawn = page.evaluate("""() => new Promise((tell) => {
      let nDrawn = 0;
      const plain = jump;
      jump = (time_s) => { nDrawn += 1; plain(time_s); };
      for (let press = 0; press < 21; press += 1) find("play").click();
      requestAnimationFrame(() => requestAnimationFrame(() => tell(nDrawn)));
    })""")
    assert n_drawn == 2
    page.locator("h1").click()
    for _ in range(2):
        page.keyboard.down("Space")  # the second is a repeat
    expect(page.locator("#play")).to_have_text("Play")


def test_two_viewers_watch_at_their_own_time(context: BrowserContext, address: str) -> None:
    first, second = opened(context, address), opened(context, address)
    first.keyboard.press("End")
    expect(first.locator("#now")).to_have_text("9:01")
    expect(second.locator("#now")).to_have_text("0:00")


def dropped(page: Page, name: str, photo: bytes) -> None:
    page.locator("#send > summary").click()
    files = page.evaluate_handle(DROP, [[name, list(photo)]])
    page.dispatch_event("#drop", "drop", {"dataTransfer": files})
    page.get_by_role("button", name="Send it").click()


def test_a_dropped_photo_is_sent_and_outlives_its_page(
    context: BrowserContext, address: str, tmp_path: Path
) -> None:
    page = opened(context, address)
    Image.effect_mandelbrot((96, 96), (-2, -1.5, 1, 1.5), 60).convert("RGB").save(tmp_path / "my photo.png")
    page.get_by_text("Send a photo").click()
    page.get_by_label("Size sent").select_option("64")
    page.get_by_label("Bytes a message").fill("40")
    page.get_by_text("Send a photo").click()
    dropped(page, "my photo.png", (tmp_path / "my photo.png").read_bytes())
    expect(page).to_have_url(re.compile(r"#[\w-]{16}$"))
    own = page.url
    page.close()  # in mid-run
    page = opened(context, own)
    expect(page.locator("h1")).to_have_text("my_photo")
    page.keyboard.press("End")
    assert card(page, 0).locator(".shot:visible").count() == 5
    with page.expect_download() as download:
        page.get_by_role("link", name="run folder").click()
    assert download.value.suggested_filename == "my_photo.zip"


@pytest.mark.parametrize(
    ("name", "photo", "said"),
    [
        ("notes.txt", b"once upon a time", "Photo: not an image that can be read"),
        (
            "bomb.bmp",
            b"BM"
            + bytes(8)
            + b"6\0\0\0"
            + b"(\0\0\0"
            + (20_000).to_bytes(4, "little") * 2
            + b"\1\0\x18\0"
            + bytes(24),
            "Photo: too many pixels, allowed at most 100000000",
        ),
    ],
    ids=["text", "400 megapixels"],
)
def test_what_is_no_photo_is_said_on_the_page(
    context: BrowserContext, address: str, name: str, photo: bytes, said: str
) -> None:
    page = opened(context, address)
    dropped(page, name, photo)
    expect(page.locator("#form-wrong")).to_contain_text(said)
    expect(page.locator("#run")).to_be_visible()


def test_a_run_that_is_not_there_is_said_on_the_page(context: BrowserContext, address: str) -> None:
    page = context.new_page()
    page.goto(f"{address}#unknown")
    expect(page.locator("#wrong")).to_have_text("The server knows no such run.")


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_page_and_report_have_no_barrier(
    browser: Browser, address: str, run: Run, width: int, scheme: str
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True
    )
    page = opened(context, address)
    page.get_by_text("Send a photo").click()
    page.keyboard.press("End")
    pages = [page, context.new_page()]
    pages[1].goto((run.folder / "report.html").as_uri())
    for each in pages:
        found = Axe().run(each).response["violations"]
        assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []
        assert each.evaluate("document.documentElement.scrollWidth") == width
    context.close()


def test_the_lone_page_plays_without_a_server(context: BrowserContext, run: Run, tmp_path: Path) -> None:
    (tmp_path / "arrival.html").write_text(lone_page(run), encoding="utf-8")
    assert (tmp_path / "arrival.html").stat().st_size < 3_000_000
    page = opened(context, (tmp_path / "arrival.html").as_uri())
    page.keyboard.press("End")
    assert card(page, 0).locator(".shot:visible").count() == 5
    expect(page.locator("#send")).to_have_count(0)


def test_the_printed_report_has_all_pictures_and_columns(context: BrowserContext, run: Run) -> None:
    page = context.new_page()
    page.set_viewport_size({"width": 718, "height": 1000})  # A4 within its margins
    page.goto((run.folder / "report.html").as_uri())
    page.emulate_media(media="print")
    page.locator("details").evaluate_all("all => all.forEach((each) => (each.open = true))")
    beyond = "all => all.filter((each) => each.scrollWidth > each.clientWidth).map((each) => each.innerText)"
    assert page.locator(".shots, .wide, pre").evaluate_all(beyond) == []


def test_the_report_s_slider_goes_from_picture_to_picture(context: BrowserContext, run: Run) -> None:
    page = context.new_page()
    page.goto((run.folder / "report.html").as_uri())
    which = page.get_by_label("Picture", exact=True)
    expect(which).to_have_attribute(
        "aria-valuetext", re.compile("^1 of 7: ProGIC progressive, 1:01 usable, DISTS")
    )
    which.press("End")
    expect(page.locator("#said")).to_contain_text("7 of 7: ProGIC high BPP, 9:01 usable")
    shown = page.locator("#swipe img").nth(1).get_attribute("src")
    assert shown == page.locator(".shot img").last.get_attribute("src")
    page.get_by_label("How much of it").press("Home")
    expect(page.locator("#seam")).to_have_css(
        "left", page.locator("#swipe").evaluate("e => e.clientWidth + 'px'")
    )
