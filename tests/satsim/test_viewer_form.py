"""The page's form in a real browser: it asks for what its choices take, and for no more."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.satsim.conftest import DROP, browser_here, serving
from tests.satsim.test_web_link import TLE

pytestmark = [pytest.mark.enable_socket, browser_here]

MORE = "More of the link"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A server that has nothing to show yet."""
    with serving() as address:
        yield address


def opened(context: BrowserContext, address: str, folder: Path) -> Page:
    """The form with a small photo in it, that a message of 40 bytes holds a stage of."""
    Image.effect_mandelbrot((96, 96), (-2, -1.5, 1, 1.5), 60).convert("RGB").save(folder / "seen.png")
    page = context.new_page()
    page.goto(address)
    page.get_by_label("Size sent").select_option("64")
    page.get_by_label("Bytes a message").fill("40")
    page.get_by_label("Messages lost").fill("0")
    page.set_input_files("#photo", folder / "seen.png")
    return page


def sent(page: Page) -> None:
    page.get_by_role("button", name="Send it").click()
    expect(page.locator("h1")).to_have_text("seen")


def still_running(route: Route) -> None:
    status = '{"state": "running", "step": "loading", "done": 0.1, "error": ""}'
    route.fulfill(content_type="text/event-stream", body=f"data: {status}\n\n")


def wrong(page: Page, label: str) -> str:
    said: str = page.get_by_label(label).evaluate("input => input.validationMessage")
    return said


def asked_for(page: Page) -> list[str]:
    return page.locator("#form :is(input, select, textarea):visible:not([name])").evaluate_all(
        "all => all.map(({id}) => id)"
    )


def test_what_is_rarely_used_is_out_of_the_way(context: BrowserContext, address: str, tmp_path: Path) -> None:
    page = opened(context, address, tmp_path)
    plain = ["photo", "preset", "payload_bytes", "interval_s", "loss_percent", "repair", "window", "side_px"]
    assert asked_for(page) == [*plain, "stages", "refine_steps"]
    page.get_by_text(MORE).press("Enter")
    assert asked_for(page) == [
        *plain,
        "stages",
        "refine_steps",
        "loss",
        "mean_burst",
        "others",
        "access",
        "seed",
    ]


def test_a_window_is_asked_for_where_there_is_one(
    context: BrowserContext, address: str, tmp_path: Path
) -> None:
    page = opened(context, address, tmp_path)
    minutes_open, every = page.get_by_label("A: minutes open"), page.get_by_label("B: minutes from opening")
    expect(minutes_open).to_be_hidden()
    page.get_by_label("Visibility window").select_option("open for A min of every B min")
    expect(minutes_open).to_be_visible()
    every.fill("5")
    assert "5" in wrong(page, "A: minutes open")
    minutes_open.fill("2")
    assert wrong(page, "A: minutes open") == ""
    sent(page)
    expect(page.locator("#facts")).to_contain_text("there in windows, again every 300 s")
    expect(page.locator("#closed i")).to_have_count(2)


def test_listed_windows_are_shaded(context: BrowserContext, address: str, tmp_path: Path) -> None:
    page = opened(context, address, tmp_path)
    page.get_by_label("Visibility window").select_option("at the times that I list")
    listed = page.get_by_label("Windows, one a line")
    listed.press_sequentially("0 2.5")
    listed.press("Enter")
    listed.press_sequentially("10 x")
    page.get_by_role("button", name="Send it").click()
    expect(page.get_by_role("alert")).to_have_text(
        "Windows, one a line, line 2: found 'x'; allowed: a number"
    )
    listed.fill("0 2.5\n10 20")
    sent(page)
    expect(page.locator("#facts")).to_contain_text("there in windows")
    expect(page.locator("#closed i")).to_have_count(1)
    page.locator("#send > summary").click()
    at = page.locator("#now").inner_text()
    for key in ("Home", " ", "ArrowRight", "End"):
        listed.press(key)  # what is typed is not for the player
    assert page.locator("#now").inner_text() == at
    assert listed.input_value() == "0 2.5\n 10 20"


def test_a_satellite_s_passes(context: BrowserContext, address: str, tmp_path: Path) -> None:
    page = opened(context, address, tmp_path)
    page.get_by_label("Visibility window").select_option("while a satellite passes (TLE)")
    assert wrong(page, "TLE:") != "" != wrong(page, "Latitude")
    page.get_by_label("TLE:").fill(TLE.replace("2927", "2928"))
    page.get_by_label("Latitude").fill("37.7")
    page.get_by_label("Longitude").fill("-122.4")
    page.get_by_label("Photo taken").fill("2008-09-21T00:00")
    page.get_by_role("button", name="Send it").click()
    expect(page.get_by_role("alert")).to_contain_text("TLE: found ")
    expect(page.get_by_role("alert")).to_contain_text("line 1 with its checksum, 7, as last character, not 8")
    page.get_by_label("TLE:").fill(TLE)
    sent(page)
    expect(page.locator("#facts")).to_contain_text("there above 10° of elevation")
    assert page.locator("#closed i").count() > 0


def test_what_cannot_be_sent_is_named(context: BrowserContext, address: str, tmp_path: Path) -> None:
    page = opened(context, address, tmp_path)
    page.locator("#photo").evaluate("async (field) => (await field.files[0].bytes()).length")
    # Only now does Chromium know the file's time for sure, and a file of the same time is the same to it.
    (tmp_path / "seen.png").write_bytes(b"another file by now")
    os.utime(tmp_path / "seen.png", (0, 0))
    page.get_by_role("button", name="Send it").click()
    told = "seen.png: cannot be read; allowed: a file; choose it again if it was changed since"
    expect(page.get_by_role("alert")).to_have_text(told)
    two = page.evaluate_handle(DROP, [["one.png", [1]], ["two.png", [2]]])
    page.dispatch_event("#drop", "drop", {"dataTransfer": two})
    page.get_by_role("button", name="Send it").click()
    expect(page.get_by_role("alert")).to_have_text("found 2 files; allowed: one")


def test_the_box_shows_that_it_takes_what_is_held_over_it(
    context: BrowserContext, address: str, tmp_path: Path
) -> None:
    page = opened(context, address, tmp_path)
    mouse = context.new_cdp_session(page)
    held = {"items": [], "files": [str(tmp_path / "seen.png")], "dragOperationsMask": 1}
    for kind, over, says in (
        ("dragEnter", "#drop", True),
        ("dragOver", "#drop label", True),
        ("dragOver", "h1", False),
    ):
        box = page.locator(over).bounding_box()
        assert box is not None
        place = {"x": box["x"] + 4, "y": box["y"] + 4}
        for each in (kind, "dragOver"):
            mouse.send("Input.dispatchDragEvent", {"type": each, "data": held, **place})
        expect(page.locator("#drop.over")).to_have_count(int(says))


def test_that_a_run_goes_on_is_seen_below_the_form(
    context: BrowserContext, address: str, tmp_path: Path
) -> None:
    page = opened(context, address, tmp_path)
    page.set_viewport_size({"width": 1200, "height": 600})
    page.route("**/progress", still_running)
    page.get_by_role("button", name="Send it").click()
    expect(page.get_by_role("button", name="Stop")).to_be_in_viewport(ratio=1)


def test_a_second_click_sends_no_second_photo(context: BrowserContext, address: str, tmp_path: Path) -> None:
    page = opened(context, address, tmp_path)
    sent: list[Route] = []
    page.route("**/runs?*", lambda route: sent.append(route))
    for n_sent in (1, 2):
        with page.expect_request("**/runs?*"):
            page.get_by_role("button", name="Send it").dblclick()
        page.wait_for_timeout(100)
        assert len(sent) == n_sent
        sent[-1].fulfill(status=422, json={"error": f"refused {n_sent}"})
        expect(page.get_by_role("alert")).to_have_text(f"refused {n_sent}")


def test_the_way_back_leads_to_the_form(context: BrowserContext, address: str, tmp_path: Path) -> None:
    page = opened(context, address, tmp_path)
    page.route("**/progress", still_running)
    page.get_by_role("button", name="Send it").click()
    stop = page.get_by_role("button", name="Stop")
    expect(stop).to_be_visible()
    page.go_back()
    expect(stop).to_be_hidden()
    page.unroute("**/progress")
    page.go_forward()
    expect(page.locator("h1")).to_have_text("seen")
    page.go_back()
    expect(page.locator("h1")).to_have_text("satsim")
    expect(page.locator("#run")).to_be_hidden()
    expect(page.get_by_role("button", name="Send it")).to_be_visible()


def test_a_server_that_falls_silent_is_told(context: BrowserContext, address: str, tmp_path: Path) -> None:
    page = opened(context, address, tmp_path)
    for address in ("**/cancel", "**/playback.json"):
        page.route(address, lambda route: route.abort())
    page.route("**/progress", still_running)
    page.get_by_role("button", name="Send it").click()
    page.get_by_role("button", name="Stop").click()
    silent = "The server does not answer; is satsim serve still running?"
    expect(page.locator("#wrong")).to_have_text(silent)
    page.go_back()
    expect(page.locator("#wrong")).to_be_hidden()
    page.unroute("**/progress")
    page.go_forward()
    expect(page.locator("#wrong")).to_have_text(silent)
    page.go_back()
    page.route("**/progress", lambda route: route.abort())
    page.go_forward()
    expect(page.locator("#step")).to_be_visible()
    expect(page.locator("#step")).to_have_text("The server does not answer; trying again.")


def test_a_trace_decides_what_is_lost(context: BrowserContext, address: str, tmp_path: Path) -> None:
    page = opened(context, address, tmp_path)
    page.get_by_text(MORE).click()
    page.locator("#loss").select_option("as recorded, in a trace")
    expect(page.get_by_label("Messages lost")).to_be_hidden()
    expect(page.get_by_label("Lost in a row")).to_be_hidden()
    page.get_by_text(MORE).click()
    page.get_by_role("button", name="Send it").click()
    expect(page.get_by_label("Trace:")).to_be_visible()  # it is asked for, and the browser says so
    trace = tmp_path / "../trace.csv"
    trace.write_text("time_s,outcome\n0,0\n60,0\n120,perhaps\n")
    page.set_input_files("#trace", trace)
    page.get_by_role("button", name="Send it").click()
    expect(page.get_by_role("alert")).to_have_text(
        'Trace, line 4: found outcome "perhaps"; allowed: 0 or ok (got through), 1 or lost'
    )
    trace.write_bytes(b"0" * 2_000_001)
    page.set_input_files("#trace", trace)
    page.get_by_role("button", name="Send it").click()
    expect(page.get_by_role("alert")).to_have_text("trace.csv: found 3 MB; allowed: at most 2")
    trace.write_text("time_s,outcome\n0,0\n60,0\n120,1\n180,0\n240,0\n300,0\n360,0\n420,0\n")
    page.set_input_files("#trace", trace)
    sent(page)
    expect(page.locator("#facts")).to_contain_text("loss as recorded")
    page.keyboard.press("End")
    expect(page.locator("#log tr.lost").first).to_be_attached()


def test_other_senders_share_the_link(context: BrowserContext, address: str, tmp_path: Path) -> None:
    page = opened(context, address, tmp_path)
    page.get_by_text(MORE).click()
    page.get_by_label("Other senders").fill("3")
    sent(page)
    expect(page.locator("#facts")).to_contain_text("the first of 4 handsets, in turns")
    page.keyboard.press("End")
    expect(page.locator("#now")).to_have_text("17:01")  # five packets, every fourth slot


@pytest.mark.parametrize(
    ("width", "scheme"), [(360, "dark"), (360, "light"), (1280, "dark"), (1280, "light")]
)
def test_the_whole_form_has_no_barrier(browser: Browser, address: str, width: int, scheme: str) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True
    )
    page = context.new_page()
    page.goto(address)
    page.get_by_text(MORE).click()
    page.locator("#loss").select_option("trace")
    for window in ("listed", "tle"):
        page.get_by_label("Visibility window").select_option(window)
        found = Axe().run(page).response["violations"]
        assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []
        assert page.evaluate("document.documentElement.scrollWidth") == width
    context.close()
