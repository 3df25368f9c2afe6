"""The page is one file that asks for nothing, small, and drawn from the folder alone."""

import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import BrowserContext

from satsim import report_chart
from satsim.records import TimelineRow
from satsim.report import finish, write_report
from satsim.report_chart import HEIGHT, LEFT, TOP, WIDTH, chart_of
from satsim.rundir import Run
from tests.satsim.conftest import browser_here
from tests.satsim.test_timeline import IDENTITY


class Page(HTMLParser):
    """Every tag that is opened and not closed, every address, and all text."""

    VOID = frozenset({"meta", "img", "br", "input"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "data", "srcset")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def page_of(folder: Path) -> Page:
    return Page((folder / "report.html").read_text(encoding="utf-8"))


def test_the_page_asks_for_nothing(run_toy: Callable[..., Run]) -> None:
    run = run_toy(drawn=True)
    html = (run.folder / "report.html").read_text(encoding="utf-8")
    page = Page(html)
    assert page.open == []
    assert len(page.addresses) == 1 + len(run.timeline)
    assert all(address.startswith("data:image/webp;base64,") for address in page.addresses)
    rest = re.sub(r'"data:[^"]*"|<pre.*?</pre>', "", html, flags=re.DOTALL)
    assert not re.search(r"https?:|//|@import|url\(|<script\s|<link", rest)


def test_the_page_says_what_the_run_says(run_toy: Callable[..., Run]) -> None:
    page = page_of(run_toy(drawn=True).folder)
    assert "The first picture: 1:00, by ProGIC progressive, ProGIC low BPP" in page.text
    assert "AVIF: nothing fits in 20 bytes" in page.text
    assert "no loss" in page.text


def test_every_picture_is_there_in_numbers_and_the_files_in_full(run_toy: Callable[..., Run]) -> None:
    run = run_toy(drawn=True)
    text = page_of(run.folder).text
    for row in run.timeline:
        assert isinstance(row, TimelineRow)
        cells = (row.stages, row.packets, row.bytes, f"{row.bpp:.3f}", f"{row.psnr_db:.1f}")
        assert re.search(r"\s*".join(re.escape(str(cell)) for cell in cells), text)
    for name in ("scenario.yaml", "manifest.json"):
        assert (run.folder / name).read_text("utf-8") in text


def test_names_are_text_and_no_markup(run_toy: Callable[..., Run], toy_scenario: Path) -> None:
    name = "<b>&'\".png"
    (toy_scenario.parent / "photo.png").rename(toy_scenario.parent / name)
    page = page_of(run_toy(f"image.path={name!r}".replace("\\'", "''"), drawn=True).folder)
    assert name in page.text


@browser_here
@pytest.mark.enable_socket
def test_a_long_name_does_not_widen_the_page(
    context: BrowserContext, run_toy: Callable[..., Run], toy_scenario: Path
) -> None:
    photo = f"{'p' * 100}.png"
    (toy_scenario.parent / "photo.png").rename(toy_scenario.parent / photo)
    own = IDENTITY.format(name="s" * 64, delivery="progressive")
    run = run_toy(f"schemes=[{own}]", f"name={'n' * 64}", f"image.path={photo}", drawn=True)
    page = context.new_page()
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto((run.folder / "report.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_a_large_run_stays_under_three_megabytes(run_toy: Callable[..., Run], toy_scenario: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (512, 512, 3), dtype=np.uint8)
    Image.fromarray(noise).save(toy_scenario.parent / "photo.png")
    scheme = "{name: pixels, codec: identity, delivery: progressive, budget_bytes: 999999}"
    run = run_toy(f"schemes=[{scheme}]", "image.size=[512, 512]", "link.payload_bytes=65536")
    assert len(run.timeline) == 13  # of 786,432 bytes, 65,516 each
    write_report(run, run.folder)
    assert 1_000_000 < (run.folder / "report.html").stat().st_size < 3_000_000


def test_figure_and_report_are_redrawn_from_a_moved_folder(
    run_toy: Callable[..., Run], tmp_path: Path
) -> None:
    run = run_toy(drawn=True)
    drawn = ("report.html", "timeline.png", "timeline.svg")
    before = {name: (run.folder / name).read_bytes() for name in drawn}
    moved = tmp_path / "elsewhere"
    shutil.move(run.folder, moved)
    for name in drawn:
        (moved / name).unlink()
    finish(moved)
    assert {name: (moved / name).read_bytes() for name in drawn} == before


def test_curves_are_steps_to_the_end(run_toy: Callable[..., Run]) -> None:
    chart = chart_of(run_toy("schemes=[progressive]"), "psnr_db")
    assert chart is not None
    (curve,) = chart.curves
    heights = [float(text) for text in re.findall(r"(?:M\S+ |V)([\d.]+)", curve.path)]
    assert heights == sorted(heights, reverse=True)  # better is higher, y is down
    assert [dot.y for dot in curve.dots] == heights
    assert curve.path.endswith(f"H{chart.end_x}")
    assert all(TOP <= tick.at <= HEIGHT for tick in chart.y_ticks)
    assert all(0 <= tick.at <= WIDTH for tick in chart.x_ticks)
    assert [tick.text for tick in chart.x_ticks] == ["0", "1", "2", "3"]


def test_a_chart_of_hours_counts_them(run_toy: Callable[..., Run]) -> None:
    chart = chart_of(run_toy("schemes=[progressive]", "link.interval_s=7200"), "psnr_db")
    assert chart is not None
    assert (chart.time_unit, [tick.text for tick in chart.x_ticks]) == ("hours", ["0", "2", "4", "6"])
    (curve,) = chart.curves
    assert curve.dots[0].x == pytest.approx(chart.x_ticks[1].at, abs=0.1)  # one message, two hours


def test_long_names_are_cut_where_the_drawing_ends(run_toy: Callable[..., Run]) -> None:
    run = run_toy("schemes=[{name: my_own_scheme_with_a_long_name, codec: progic, delivery: progressive}]")
    chart = chart_of(run, "psnr_db")
    assert chart is not None
    assert [each.label for each in (*chart.curves, *chart.lanes)] == ["my own scheme wit…"] * 2


def test_from_the_ninth_scheme_on_curves_are_dashed(
    run_toy: Callable[..., Run],
) -> None:
    own = ", ".join(f"{{name: own{number}, codec: progic, delivery: progressive}}" for number in range(9))
    run = run_toy(f"schemes=[{own}]", "metrics=[psnr_db]", drawn=True)
    page = (run.folder / "report.html").read_text("utf-8")
    assert page.count('class="curve dashed"') == 1


def test_each_packet_stands_where_its_way_ended(run_toy: Callable[..., Run]) -> None:
    run = run_toy("schemes=[progressive]", "link.loss.rate=0.5", "seed=3", "link.interval_s=30")
    chart = chart_of(run, "psnr_db")
    assert chart is not None
    (lane,) = chart.lanes
    outcomes = [(each.event, each.time_s) for each in run.events if each.event in ("received", "lost")]
    assert {event for event, _ in outcomes} == {"received", "lost"}
    assert [mark.kind for mark in lane.marks] == [event for event, _ in outcomes]
    end_s = outcomes[-1][1]
    for mark, (_, time_s) in zip(lane.marks, outcomes, strict=True):
        assert mark.x == pytest.approx(LEFT + time_s / end_s * (chart.end_x - LEFT), abs=0.1)


def test_too_many_packets_are_not_drawn(run_toy: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_chart, "MAX_MARKS", 2)
    chart = chart_of(run_toy("schemes=[progressive]"), "psnr_db")
    assert chart is not None
    assert chart.lanes == ()


CLOSED = [(0, 60), (130, 300), (370, 540)]


def test_time_without_a_link_is_shaded(run_toy: Callable[..., Run]) -> None:
    windows = "link.windows={open: [{from_s: 60, to_s: 130}], repeat_s: 240}"
    chart = chart_of(run_toy("schemes=[progressive]", windows), "psnr_db")
    assert chart is not None
    second = (chart.end_x - LEFT) / 600  # a packet a window, the third at 10:00
    wanted = [(LEFT + from_s * second, (to_s - from_s) * second) for from_s, to_s in CLOSED]
    assert [(gap.x, gap.width) for gap in chart.gaps] == [pytest.approx(gap, abs=0.11) for gap in wanted]


def test_nothing_shown_is_no_chart(run_toy: Callable[..., Run]) -> None:
    assert chart_of(run_toy("schemes=[avif_low]"), "psnr_db") is None


def test_many_runs_are_a_table_and_a_single_run_has_none(run_toy: Callable[..., Run]) -> None:
    many = run_toy("runs=20", "link.loss.rate=0.3", "repair={kind: none}", name="many", drawn=True)
    page = (many.folder / "report.html").read_text(encoding="utf-8")
    assert "<h2>20 runs</h2>" in page
    never = 100 - 100 * many.spread["high_bpp"].t_final_s.share
    assert 0 < never < 100
    assert f"{never:.1f} %" in page
    assert "runs are the same" not in page
    assert "<h2>20 runs</h2>" not in (run_toy(drawn=True).folder / "report.html").read_text(encoding="utf-8")


def test_runs_that_are_all_the_same_are_told_so(run_toy: Callable[..., Run]) -> None:
    page = (run_toy("runs=3", drawn=True).folder / "report.html").read_text(encoding="utf-8")
    assert "All 3 runs are the same: nothing in this scenario is left to chance." in page
