"""What the terminal says of many runs, of services and of large tables, to the letter."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.table import Table

from satsim.grid import Axis
from satsim.means import mean_summary
from satsim.presets import load_preset
from satsim.records import SchemeSummary
from satsim.rundir import Run, Summary
from satsim.spread import NOWHERE, Spread
from satsim.terminal import (
    MOST_SWEEP_ROWS,
    notes,
    preset_lines,
    presets_table,
    result_table,
    spread_text,
    sweep_table,
)

FIRST, USABLE = Spread(1.0, 75.0, 1.0, 70.0, 60.0, 90.0), Spread(0.75, 200.0, 1.0, 180.0, 120.0, 300.0)
COST = replace(FIRST, mean=2.5)


def rows_of(table: Table) -> list[tuple[object, ...]]:
    return list(zip(*(column.cells for column in table.columns), strict=True))


def test_a_scored_run_is_a_table_with_its_marks_and_photos(run_toy: Callable[..., Run]) -> None:
    run = run_toy("schemes=[progressive]")
    one = SchemeSummary(60.0, 120.0, None, 180.0, 0.4, 0.25, 120, 4, 1)

    def table(summary: Summary, of_album: str | None) -> Table:
        photos = tuple(replace(photo, run=of_album) for photo in run.manifest.photos)
        manifest = replace(run.manifest, usable_dists=0.3, photos=photos)
        return result_table(replace(run, summary={"progressive": summary}, manifest=manifest))

    alone = table(one, None)
    heads = ["scheme", "first", "usable", "detail", "final", "DISTS", "bytes", "lost"]
    assert [column.header for column in alone.columns] == heads
    cells = ("ProGIC progressive", "1:00", "2:00", "–", "3:00", "0.400–0.250", "120", "1")
    assert (rows_of(alone), alone.caption) == ([cells], None)
    album = table(mean_summary([one, replace(one, t_usable_s=None)]), "photos/a")
    assert [column.header for column in album.columns] == [*heads, "photos"]
    assert rows_of(album) == [(*cells, "1 of 2")]


@pytest.mark.parametrize(
    ("usable", "usable_dists", "units", "said"),
    [
        (USABLE, 0.3, None, "usable: median 3:00, 5 to 95 % 2:00 to 5:00, never in 25.0% of 3 runs"),
        (None, None, None, "first: median 1:10, 5 to 95 % 1:00 to 1:30, never in 0.0% of 3 runs"),
        (USABLE, None, None, "first: median 1:10, 5 to 95 % 1:00 to 1:30, never in 0.0% of 3 runs"),
        (NOWHERE, 0.3, COST, "usable: never in 100.0% of 3 runs"),
        (
            USABLE,
            0.3,
            COST,
            "usable: median 3:00, 5 to 95 % 2:00 to 5:00, never in 25.0% of 3 runs, "
            "for 2.5 billed units on average",
        ),
    ],
)
def test_many_runs_are_a_line(
    run_toy: Callable[..., Run],
    usable: Spread | None,
    usable_dists: float | None,
    units: Spread | None,
    said: str,
) -> None:
    run = run_toy("runs=3", "link.loss.rate=0.5", "schemes=[progressive]")
    spread = replace(run.spread["progressive"], t_first_s=FIRST, t_usable_s=usable, units_usable=units)
    manifest = replace(run.manifest, usable_dists=usable_dists)
    many = replace(run, spread={"progressive": spread}, manifest=manifest)
    assert spread_text(many, "progressive") == f"ProGIC progressive – {said}"


@pytest.mark.parametrize("rate", [0, 0.5])
def test_runs_that_are_all_the_same_are_told_so(run_toy: Callable[..., Run], rate: float) -> None:
    said = "all 3 runs are the same: nothing in this scenario is left to chance"
    run = run_toy("runs=3", f"link.loss.rate={rate}", "schemes=[progressive]")
    assert (said in notes(run)) == (not rate)


def test_a_list_of_services_marks_what_is_unverified_and_what_has_ended() -> None:
    table = presets_table({name: load_preset(name) for name in ("bds3_rsmc", "swarm", "bds3_gsmc")})
    rows = rows_of(table)
    assert rows[0] == ("bds3_rsmc", "1750", "60*", "1 to 2*", "BeiDou-3 regional short message communication")
    assert rows[1][-1] == "Swarm (ended in March 2025)"
    assert rows[2][1:4] == ("70", "–", "–")
    assert str(table.caption).startswith("–: not published; *: unverified.")


def test_a_service_is_shown_with_where_each_value_comes_from() -> None:
    title, _, *lines = preset_lines(load_preset("bds3_rsmc"))
    assert title == "BeiDou-3 regional short message communication"
    where = "https://cloud.kepuchina.cn, article 7030758462422274048 (14000 bit) (read 2026-11)"
    assert [line.split(maxsplit=1) for line in lines[:2]] == [
        ["status", "in service"],
        ["payload_up_bytes", "1750"],
    ]
    assert lines[2].strip() == where
    assert lines[5].split(maxsplit=1) + [lines[6].strip()] == ["latency_s", "1 to 2", "unverified"]


@pytest.mark.parametrize(
    ("n_more", "times", "caption"),
    [
        (0, {}, ""),
        (2, {}, "2 more in the files"),
        (0, {"t_first_s_median": 9.0}, "times are medians; never: runs without a usable picture"),
    ],
)
def test_a_large_table_says_what_it_leaves_out(n_more: int, times: dict[str, float], caption: str) -> None:
    rows = [{"scheme": "raw", "link.loss.rate": '"a"', **times}] * (MOST_SWEEP_ROWS + n_more)
    table = sweep_table([Axis("link.loss.rate", ())], rows)
    assert (table.row_count, table.caption) == (MOST_SWEEP_ROWS, caption)
    assert (table.columns[0].header, rows_of(table)[0][0]) == ("rate", "a")


def test_a_row_of_many_runs_has_medians_and_how_often_nothing_was_usable() -> None:
    medians = {"t_first_s_median": 60.0, "t_usable_s_median": 120.0, "t_final_s_median": 180.0}
    shares = {"t_first_s_share": 1.0, "t_usable_s_share": 0.75}
    row = {"scheme": "raw", "seed": 1, "t_first_s": 9.0, "dists_final_mean": 0.25, **medians, **shares}
    table = sweep_table([Axis("seed", ())], [row])
    assert rows_of(table) == [("1", "raw", "1:00", "2:00", "3:00", "0.250", "25.0%")]


def test_what_codecs_compute_is_told_where_they_differ(run_toy: Callable[..., Run]) -> None:
    run = run_toy("schemes=[progressive, high_bpp]")

    def told(*gflop: float) -> list[str]:
        each = zip(run.summary.items(), gflop, strict=True)
        summary = {name: replace(one, gflop=taken) for (name, one), taken in each}
        return [line for line in notes(replace(run, summary=summary)) if "GFLOP" in line]

    assert told(2.5, 2.5) == []
    what = "GFLOP to encode and decode"
    assert told(2.5, 8) == [f"ProGIC progressive – 2.5 {what}", f"ProGIC high BPP – 8.0 {what}"]
