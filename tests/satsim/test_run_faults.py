"""What is wrong in a run folder is named, with its file and line."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from satsim.errors import RunFolderError
from satsim.report import finish
from satsim.rundir import Run, read_run
from satsim.viewer_page import lone_page


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("manifest.json", "{"),
        ("manifest.json", "{}"),
        ("summary.json", "[]"),
        ("summary.json", "{}"),
        ("summary.json", '{"a": {"bytes": 1}}'),
        ("scenario.yaml", "name: other\nimage: {path: a.png}\nlink: {payload_bytes: 360, interval_s: 60}\n"),
        ("timeline.csv", "scheme,time_s\nprogressive,1\n"),
        ("events.csv", f"time_s\n{'9' * 140_000}\n"),
        ("events.csv", "time_s,scheme,event,packet,stage,attempt,bytes,detail\nx,a,sent,1,0,1,1,\n"),
    ],
)
def test_a_broken_run_is_named(run_toy: Callable[..., Run], file: str, content: str) -> None:
    folder = run_toy().folder
    (folder / file).write_text(content)
    with pytest.raises(RunFolderError, match=f"{folder}: a broken run folder"):
        read_run(folder)


def test_a_table_that_a_spreadsheet_marked_is_read(run_toy: Callable[..., Run]) -> None:
    run = run_toy()
    for name in ("timeline.csv", "events.csv"):
        text = (run.folder / name).read_text()
        (run.folder / name).write_text(text, encoding="utf-8-sig", newline="\r\n")
    assert read_run(run.folder).timeline == run.timeline


@pytest.mark.parametrize(
    ("file", "before", "after", "said"),
    [
        ("timeline.csv", r"(?m)^progressive,[\d.]+", "progressive,nan", "line 2: time_s: found nan, allowed"),
        (
            "summary.json",
            r'"t_first_s": [\d.]+',
            '"t_first_s": 1e999',
            "found 1e999, allowed: numbers from -9007199254740992 to",
        ),
        ("summary.json", r'"bytes": \d+', f'"bytes": {"9" * 400}', "9…, allowed: numbers from"),
        (
            "summary.json",
            r'"t_first_s": [\d.]+',
            '"t_first_s": "x"',
            'progressive: t_first_s: found "x";',
        ),
        (
            "timeline.csv",
            r"(?m)^progressive,[\d.]+",
            "progressive,1e999",
            "line 2: time_s: found 1e999, allowed",
        ),
        ("events.csv", r"(?m)^[\d.]+,", "-inf ,", "line 2: time_s: found -inf , allowed"),
        (
            "events.csv",
            r"(?m)^([\d.]+,.*)$",
            r"\1,x,y",
            "line 2: found 10 cells, allowed: 8, as in the header",
        ),
        ("timeline.csv", r"(?m)^(progressive,.*),.*$", r"\1", "line 2: found 10 cells, allowed: 11, as in"),
        ("events.csv", r"(?m)^[\d.]+,", "1e300,", "found 1e300, allowed: numbers from 0 to 9007199254740992"),
        ("timeline.csv", r"(?m)^progressive,[\d.]+", "progressive,-1", "line 2: time_s: found -1, allowed"),
        ("timeline.csv", r"(?m)^progressive,[\d.]+", "progressive,inf", "line 2: time_s: found inf, allowed"),
        ("summary.json", r'"t_first_s": [\d.]+', '"t_first_s": 1e300', "found 1e300, allowed: numbers"),
        (
            "manifest.json",
            '"usable_dists": null',
            '"usable_dists": 0.3',
            "found one of usable_dists and detail_",
        ),
        ("summary.json", r"(?s).*", "[1]", "summary.json: found [1], allowed: a mapping"),
        ("manifest.json", r"(?s).*", "[" * 100_000, "manifest.json: maximum recursion depth"),
        ("events.csv", ",progressive,", ",other,", 'line 2: scheme: found "other", allowed: progressive'),
        ("timeline.csv", r"(?m)^progressive,", "../x,", 'line 2: scheme: found "../x", allowed: progressive'),
        ("timeline.csv", ",1,1,", ",1,/../../x,", 'stages: found "/../../x", allowed: such as 1-2+4'),
        ("events.csv", ",queued,", ",foo,", 'line 3: event: found "foo"; Input should be'),
        ("timeline.csv", r"(?s).+", "", 'timeline.csv: header: found "", allowed: scheme,time_s,packets'),
        ("events.csv", r"(?s).+", "a,b\n", 'events.csv: header: found "a,b", allowed: time_s,scheme,event'),
        (
            "manifest.json",
            r'(?s)"photos": \[.*?\]',
            '"photos": []',
            "photos: found none, allowed one",
        ),
    ],
)
def test_what_is_wrong_in_a_run_is_named(
    run_toy: Callable[..., Run], file: str, before: str, after: str, said: str
) -> None:
    path = run_toy().folder / file
    text, count = re.subn(before, after, path.read_text(), count=1)
    path.write_text(text)
    with pytest.raises(RunFolderError, match=re.escape(said)) as caught:
        read_run(path.parent)
    assert count == 1 and file in str(caught.value) and "\n" not in str(caught.value)


def test_a_picture_of_a_run_that_is_cut_or_gone_is_named(run_toy: Callable[..., Run]) -> None:
    original = run_toy().folder / "images" / "original.png"
    original.write_bytes(original.read_bytes()[:60])
    for what in ("not a picture, or cut", "No such file"):
        for made in (finish, lambda folder: lone_page(read_run(folder), None)):
            with pytest.raises(RunFolderError, match=f"original.png: {what}"):
                made(original.parents[1])
        original.unlink(missing_ok=True)


def test_a_missing_file_of_a_run_is_named(run_toy: Callable[..., Run]) -> None:
    folder = run_toy().folder
    (folder / "events.csv").unlink()
    with pytest.raises(RunFolderError, match=r"events\.csv"):
        read_run(folder)


def test_a_folder_that_is_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match=r"has no manifest\.json"):
        read_run(tmp_path)
