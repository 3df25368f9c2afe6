"""A run folder is there whole or not at all, and what is read from it is what was written."""

import errno
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from satsim.drafts import drafted
from satsim.errors import RunFolderError, Unwritable
from satsim.new_run import new_run
from satsim.report import finish
from satsim.rundir import Run, read_run
from satsim.viewer_page import lone_page

EVENT_COLUMNS = "time_s,scheme,event,packet,stage,attempt,bytes,detail"
RUN_FILES = ("manifest.json", "scenario.yaml", "summary.json", "timeline.csv")
A_RUN = ["run", *(f"run/{name}" for name in RUN_FILES)]
TIMELINE_COLUMNS = "scheme,time_s,packets,stages,bytes,bpp,dists,lpips,psnr_db,ms_ssim,usable"
SUMMARY_KEYS = {
    *("t_first_s", "t_usable_s", "t_detail_s", "t_final_s", "dists_first", "dists_final"),
    *("bytes", "packets_sent", "packets_lost", "note"),
    *("units_usable", "price_usable_usd", "energy_usable_j", "gflop"),
}


def a_run(folder: Path, mark: str = "old") -> Path:
    folder.mkdir(parents=True)
    fill(folder, mark)
    return folder


def fill(folder: Path, mark: str) -> None:
    """Put into a folder what shows it to be a run."""
    for name in RUN_FILES:
        (folder / name).write_text(mark)


def tree(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_block_that_ends_well_becomes_the_target(tmp_path: Path) -> None:
    with new_run(tmp_path / "runs" / "new") as draft:
        (draft / "manifest.json").write_text("new")
        assert not (tmp_path / "runs" / "new").exists()
    assert tree(tmp_path) == ["runs", "runs/new", "runs/new/manifest.json"]


def test_the_target_has_the_mode_of_any_new_folder(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    with new_run(tmp_path / "new"):
        pass
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("fault", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_block_that_fails_leaves_nothing(tmp_path: Path, fault: type[BaseException]) -> None:
    with pytest.raises(fault), new_run(tmp_path / "deep" / "runs" / "new") as draft:
        (draft / "manifest.json").write_text("half")
        raise fault
    assert tree(tmp_path) == []


def test_a_full_disk_is_named_with_the_run(tmp_path: Path) -> None:
    full = os.strerror(errno.ENOSPC)
    said = f"^{tmp_path / 'new'}: cannot be written: {full}$"
    with pytest.raises(Unwritable, match=said), new_run(tmp_path / "new"):
        raise OSError(errno.ENOSPC, full)
    with pytest.raises(Unwritable, match=said), new_run(tmp_path / "new") as draft, drafted(draft):
        raise OSError(errno.ENOSPC, full)
    assert tree(tmp_path) == []


def test_overwriting_keeps_the_old_run_until_the_new_one_is_whole(tmp_path: Path) -> None:
    target = a_run(tmp_path / "run")
    (target / "report.html").touch()
    with new_run(target, overwrite=True) as draft:
        fill(draft, "new")
        assert (target / "manifest.json").read_text() == "old"
    assert tree(tmp_path) == A_RUN
    assert (target / "manifest.json").read_text() == "new"


def test_overwriting_that_fails_keeps_the_old_run(tmp_path: Path) -> None:
    target = a_run(tmp_path / "run")
    with pytest.raises(KeyboardInterrupt), new_run(target, overwrite=True):
        raise KeyboardInterrupt
    assert tree(tmp_path) == A_RUN
    assert (target / "manifest.json").read_text() == "old"


def test_a_rename_that_fails_puts_the_old_run_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = a_run(tmp_path / "run")
    rename = Path.rename

    def rename_but_not_the_new(path: Path, to: Path) -> Path:
        if path.name == "new":
            raise OSError("no")
        return rename(path, to)

    monkeypatch.setattr(Path, "rename", rename_but_not_the_new)
    with pytest.raises(OSError, match="no"), new_run(target, overwrite=True):
        pass
    assert (target / "manifest.json").read_text() == "old"
    assert tree(tmp_path) == A_RUN


def test_an_existing_run_is_refused_before_any_work(tmp_path: Path) -> None:
    target = a_run(tmp_path / "run")
    with pytest.raises(RunFolderError, match="found a run; --overwrite replaces it"), new_run(target):
        pytest.fail("the block must not begin")


def test_a_run_that_another_wrote_meanwhile_is_kept(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="found a run"), new_run(tmp_path / "run") as draft:
        fill(draft, "late")
        a_run(tmp_path / "run", "early")
    assert tree(tmp_path) == A_RUN
    assert (tmp_path / "run" / "manifest.json").read_text() == "early"


def test_a_link_to_an_empty_folder_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    with new_run(tmp_path / "link") as draft:
        fill(draft, "new")
    assert (tmp_path / "link").is_symlink()
    assert sorted(path.name for path in (tmp_path / "disk").iterdir()) == sorted(RUN_FILES)


def test_the_working_folder_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunFolderError, match="found the folder this runs in"), new_run(Path()):
        pytest.fail("the block must not begin")


@pytest.mark.parametrize("name", ["letter.txt", "manifest.json"])  # the second is of web pages, too
def test_a_folder_that_is_no_run_is_never_overwritten(tmp_path: Path, name: str) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / name).touch()
    with (
        pytest.raises(RunFolderError, match="found a folder with other things in it"),
        new_run(tmp_path / "home", overwrite=True),
    ):
        pytest.fail("the block must not begin")
    assert tree(tmp_path) == ["home", f"home/{name}"]


def test_an_empty_folder_may_be_the_target(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with new_run(tmp_path / "run") as draft:
        (draft / "manifest.json").touch()
    assert tree(tmp_path) == ["run", "run/manifest.json"]


@pytest.mark.parametrize("target", ["file", "file/run", "file/deep/run"])
def test_a_file_in_the_way_is_named(tmp_path: Path, target: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunFolderError, match=str(tmp_path / target)), new_run(tmp_path / target):
        pytest.fail("the block must not begin")
    assert tree(tmp_path) == ["file"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_unwritable_place_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(RunFolderError, match="Permission denied"), new_run(tmp_path / "run"):
        pytest.fail("the block must not begin")


def test_files_and_columns_are_those_of_the_design(run_toy: Callable[..., Run]) -> None:
    folder = run_toy(drawn=True).folder
    assert sorted(path.name for path in folder.iterdir()) == [
        *("events.csv", "images", "manifest.json", "report.html", "scenario.yaml", "summary.json"),
        *("timeline.csv", "timeline.png", "timeline.svg"),
    ]
    assert (folder / "events.csv").read_text().splitlines()[0] == EVENT_COLUMNS
    assert (folder / "timeline.csv").read_text().splitlines()[0] == TIMELINE_COLUMNS
    summary = json.loads((folder / "summary.json").read_text())
    assert list(summary) == ["progressive", "low_bpp", "high_bpp", "webp", "avif_low"]
    assert all(set(fields) == SUMMARY_KEYS for fields in summary.values())
    assert sorted(path.name for path in (folder / "images").iterdir()) == [
        *("high_bpp-1-3.png", "low_bpp-1.png", "original.png"),
        *("progressive-1-2.png", "progressive-1-3.png", "progressive-1.png", "webp-1-20.png"),
    ]


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


def test_overwriting_leaves_what_no_run_wrote(tmp_path: Path) -> None:
    target = a_run(tmp_path / "run")
    (target / "notes.txt").write_text("mine")
    with (
        pytest.raises(RunFolderError, match="run: found notes.txt beside a run, which alone is replaced"),
        new_run(target, overwrite=True),
    ):
        pass
    assert (target / "notes.txt").read_text() == "mine"


def test_a_missing_file_of_a_run_is_named(run_toy: Callable[..., Run]) -> None:
    folder = run_toy().folder
    (folder / "events.csv").unlink()
    with pytest.raises(RunFolderError, match=r"events\.csv"):
        read_run(folder)


def test_a_folder_that_is_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match=r"has no manifest\.json"):
        read_run(tmp_path)
