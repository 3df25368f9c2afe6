"""The figure: nothing overlaps, nothing is too small to read, and it is the same for the same run."""

import shutil
from collections.abc import Callable
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from satsim.filmstrip import GAP, apart, film_of, thinned
from satsim.records import TimelineRow
from satsim.rundir import Run
from satsim.timeline import PAGE_IN, TALLEST_IN, draw_timeline, figure_of

SMALLEST_PT = 6
IDENTITY = "{{name: {name}, codec: identity, delivery: {delivery}, budget_bytes: 99999}}"


def texts(figure: Figure) -> dict[Text, Bbox]:
    """Return the box of every text that is drawn; of the ticks' only those within the axes."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    found = list(figure.texts)
    for axes in figure.axes:
        if not axes.axison:
            continue
        found += [*axes.texts, axes.xaxis.label, axes.yaxis.label]
        for place, axis, (low, high) in ((0, axes.xaxis, axes.get_xlim()), (1, axes.yaxis, axes.get_ylim())):
            found += [text for text in axis.get_ticklabels() if low <= text.get_position()[place] <= high]
    shown = [text for text in found if text.get_text().strip() and text.get_visible()]
    return {text: text.get_window_extent(renderer) for text in shown}


def pictures(figure: Figure) -> list[Bbox]:
    return [image.get_window_extent() for axes in figure.axes for image in axes.images]


def overlap(a: Bbox, b: Bbox) -> bool:
    """Whether two boxes share more than half a pixel, which is rounding."""
    both = Bbox.intersection(a, b)
    return both is not None and both.width > 0.5 and both.height > 0.5


def assert_readable(run: Run) -> None:
    figure = figure_of(run)
    boxes = texts(figure)
    assert min(text.get_fontsize() for text in boxes) >= SMALLEST_PT
    for (a, box_a), (b, box_b) in combinations(boxes.items(), 2):
        assert not overlap(box_a, box_b), f"{a.get_text()!r} over {b.get_text()!r}"
    shots = pictures(figure)
    for a, b in combinations(shots, 2):
        assert not overlap(a, b)
    page = figure.bbox
    for box in (*boxes.values(), *shots):
        assert box.x0 >= page.x0 - 1 and box.x1 <= page.x1 + 1
        assert box.y0 >= page.y0 - 1 and box.y1 <= page.y1 + 1
    for text, box in boxes.items():
        captioned = [shot for shot in shots if overlap(box, shot)]
        assert not captioned, f"{text.get_text()!r} over a picture"


def test_readable_with_windows_and_many_runs(run_toy: Callable[..., Run], metric_weights: object) -> None:
    windows = "link.windows={open: [{from_s: 300, to_s: 540}], repeat_s: 1800}"
    keys = ("runs=20", "link.loss.rate=0.3", "metrics=[dists]", "schemes=[progressive, high_bpp]")
    run = run_toy(windows, *keys, "usable={dists: 0.9}", "detail={dists: 0.2}")  # the photo's own are at 0
    assert_readable(run)
    (legend,) = (text.get_text() for text in figure_of(run).texts if "Grey" in text.get_text())
    assert legend.startswith("The line to a picture\nbegins when it appears.")
    assert legend.endswith("Grey: there is no link.")


@pytest.mark.parametrize(
    ("interval_s", "label", "ticks"),
    [
        (60, "minutes", "0.0 0.5 1.0 1.5 2.0 2.5 3.0 3.5"),
        (7200, "hours", "0 1 2 3 4 5 6 7"),
        (2e5, "days", "0 2 4 6 8"),
    ],
)
def test_long_runs_are_counted_in_hours_and_days(
    run_toy: Callable[..., Run], interval_s: float, label: str, ticks: str
) -> None:
    run = run_toy("schemes=[progressive]", f"link.interval_s={interval_s}")
    assert_readable(run)
    rows, curves = (figure := figure_of(run)).axes[:2]
    texts(figure)  # draws it
    assert curves.get_xlabel() == f"{label} since the photo was taken"
    for axes in (rows, curves):
        told = {text.get_text(): text.get_position()[0] for text in axes.get_xticklabels()}
        end = curves.get_xlim()[1]
        assert " ".join(text for text, minutes in told.items() if minutes <= end) == ticks


def test_the_names_of_the_marks_are_above_the_curves(
    run_toy: Callable[..., Run], metric_weights: object
) -> None:
    run = run_toy("metrics=[dists]", "usable={dists: 0.9}", "detail={dists: 0.2}")
    (axes,) = [axes for axes in figure_of(run).axes if axes.get_ylabel().startswith("DISTS")]
    marks = [text for text in axes.texts if text.get_text() in ("usable 0.900", "detail 0.200")]
    top = max(line.zorder for line in axes.lines)
    assert [bool(mark.get_path_effects()) and mark.zorder > top for mark in marks] == [True, True]


@pytest.mark.parametrize("n_schemes", range(1, 9))
def test_readable_for_one_to_eight_schemes(run_toy: Callable[..., Run], n_schemes: int) -> None:
    kinds = ("progressive", "low_bpp", "high_bpp", "webp_low", "webp_high", "avif_low", "avif_high")
    own = IDENTITY.format(name="a_scheme_of_my_own_that_has_a_long_name", delivery="progressive")
    schemes = [*kinds, own][:n_schemes]
    run = run_toy(f"schemes=[{', '.join(schemes)}]", "link.payload_bytes=700")
    assert_readable(run)
    width, height = figure_of(run).get_size_inches()
    assert width == PAGE_IN
    assert height <= TALLEST_IN


@pytest.mark.parametrize("n_pictures", [1, 2, 3, 5, 6, 7, 8, 10, 12, 20])
def test_readable_for_many_pictures(run_toy: Callable[..., Run], n_pictures: int) -> None:
    payload_bytes = 20 + -(-64 * 64 * 3 // n_pictures)
    schemes = ", ".join(IDENTITY.format(name=kind, delivery=kind) for kind in ("progressive", "high"))
    run = run_toy(f"schemes=[{schemes}, avif_low]", f"link.payload_bytes={payload_bytes}")
    assert len(run.rows_of("progressive")) == n_pictures
    assert_readable(run)


@pytest.mark.parametrize("overrides", [
    ("link.loss.rate=0.6",),
    ("link.loss.rate=0.5", "repair.kind=none"),
    ("link.loss.rate=1", "repair.max_attempts=2"),
    ("image.size=[64, 160]", "link.payload_bytes=70"),
    ("image.size=[160, 64]", "link.payload_bytes=70"),
    ("link.latency.propagation_s=45",),
    ("link.interval_s=0.5", "sender.encode_s=30"),
])  # fmt: skip
def test_readable_whatever_happens(run_toy: Callable[..., Run], overrides: tuple[str, ...]) -> None:
    assert_readable(run_toy("schemes=[progressive, low_bpp, high_bpp, avif_low]", *overrides))


def test_marks_of_many_losses_are_two_artists_a_row(run_toy: Callable[..., Run]) -> None:
    """7000 of them, one by one, took a minute and a half."""
    run = run_toy("link.loss.rate=1", "repair={kind: arq_next_slot, max_attempts: 100}")
    lines = [line for axes in figure_of(run).axes for line in axes.lines if line.get_marker() in ("x", "|")]
    assert len(lines) == 2 * len(run.summary)
    assert sum(len(line.get_xdata()) for line in lines if line.get_marker() == "x") == sum(
        event.event == "lost" for event in run.events
    )


def test_no_slot_is_marked_where_none_has_ended(run_toy: Callable[..., Run]) -> None:
    run = run_toy("link.loss.rate=1", "repair={kind: arq_next_slot, max_attempts: 100}")
    lines = [line for axes in figure_of(run).axes for line in axes.lines if line.get_marker() in ("x", "|")]
    assert [moment for line in lines for moment in np.asarray(line.get_xdata()) if moment == 0] == []


def test_the_same_run_is_the_same_file(run_toy: Callable[..., Run], tmp_path: Path) -> None:
    run = run_toy()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        draw_timeline(run, tmp_path / name)
    for file in ("timeline.png", "timeline.svg"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_a_picture_begins_at_its_moment(run_toy: Callable[..., Run]) -> None:
    run = run_toy("schemes=[progressive]")
    rows = figure_of(run).axes[0]
    assert [image.get_extent()[0] * 60 for image in rows.images] == pytest.approx([60.5, 120.5, 180.5])


def test_nothing_moves_where_drawn_latency_brings_pictures_nearer_than_slots(
    run_toy: Callable[..., Run],
) -> None:
    run = run_toy("schemes=[progressive, high_bpp]", "link.latency.jitter_s=30", "seed=2")
    shown_at = [row.time_s for row in run.rows_of("progressive")]
    assert min(late - early for early, late in pairwise(shown_at)) < 50
    rows = figure_of(run).axes[0]
    assert [image.get_extent()[0] * 60 for image in rows.images][: len(shown_at)] == pytest.approx(shown_at)
    frames = [patch.get_bbox() for patch in rows.patches if isinstance(patch, Rectangle)]
    assert not any(overlap(a, b) for a, b in combinations(frames, 2))


def test_only_usable_pictures_have_a_dark_frame(run_toy: Callable[..., Run], metric_weights: object) -> None:
    """DISTS of the three pictures is 0.445, 0.423 and 0.405."""
    run = run_toy("schemes=[progressive]", "metrics=[dists]", "usable={dists: 0.43}")
    assert [row.usable for row in run.rows_of("progressive")] == [False, True, True]
    frames = [patch for patch in figure_of(run).axes[0].patches if isinstance(patch, Rectangle)]
    dark = [frame.get_x() * 60 for frame in frames if frame.get_linewidth() == 1.5]
    assert dark == pytest.approx([120.5, 180.5])


def test_the_figure_needs_the_folder_only(run_toy: Callable[..., Run], tmp_path: Path) -> None:
    from satsim.rundir import read_run

    run = run_toy()
    moved = tmp_path / "elsewhere" / "moved"
    shutil.copytree(run.folder, moved)
    shutil.rmtree(run.folder)
    draw_timeline(read_run(moved), moved)
    assert (moved / "timeline.png").stat().st_size > 10_000


@given(st.lists(st.floats(0, 5), min_size=1, max_size=11).map(sorted))
def test_placed_pictures_stand_apart_and_inside(times: list[float]) -> None:
    left = apart(times, 0.44 * (1 + GAP), 0.0, 5.2 - 0.44)
    assert left[0] >= -1e-9
    assert left[-1] <= 5.2 - 0.44
    assert all(b - a >= 0.44 * (1 + GAP) - 1e-9 for a, b in zip(left, left[1:], strict=False))


def test_pictures_with_room_are_not_moved() -> None:
    assert apart([0.5, 1.5, 2.5], 0.8 * (1 + GAP), 0.0, 5.2 - 0.8) == [0.5, 1.5, 2.5]


@given(n_rows=st.integers(1, 64), width_in=st.floats(1, 6))
def test_thinned_keeps_the_ends_and_what_fits(n_rows: int, width_in: float) -> None:
    rows = [
        TimelineRow("s", float(number), 1, "1", 1, 1.0, None, None, None, None, None)
        for number in range(n_rows)
    ]
    kept = thinned(rows, width_in, 0.44)
    assert (kept[0], kept[-1]) == (rows[0], rows[-1])
    assert len(set(kept)) == len(kept)
    assert len(kept) == n_rows or len(kept) * 0.44 * (1 + GAP) <= width_in + 0.44 * GAP + 1e-9


@given(st.lists(st.floats(0, 1), min_size=12, max_size=40).map(sorted))
def test_names_without_room_share_what_there_is(wanted: list[float]) -> None:
    found = apart(wanted, 0.1, 0.0, 1.0)
    even = [number / (len(wanted) - 1) for number in range(len(wanted))]
    assert found == pytest.approx(even, abs=1e-9)


@given(st.lists(st.floats(0, 1), max_size=8).map(sorted))
def test_spread_names_stand_apart_and_inside(wanted: list[float]) -> None:
    found = apart(wanted, 0.1, 0.0, 1.0)
    assert all(0 <= value <= 1 for value in found)
    assert all(b - a >= 0.1 - 1e-9 for a, b in zip(found, found[1:], strict=False))


def test_no_row_is_wider_than_its_slot(run_toy: Callable[..., Run]) -> None:
    film = film_of(run_toy("schemes=[high_bpp]"), width_in=5.0, margin_in=1.0, most_in=0.95)
    slot_in = 60 / film.seconds_per_in
    assert film.picture_in <= slot_in
    assert [(gap.time_s, gap.text) for gap in film.strips[0].gaps] == [
        (0.0, ""),
        (60.5, "1 of 3"),
        (120.5, "2 of 3"),
    ]
