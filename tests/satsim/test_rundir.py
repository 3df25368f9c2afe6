"""A run folder is there whole or not at all, and what is read from it is what was written."""

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from satsim.drafts import drafted
from satsim.errors import RunFolderError, Unwritable
from satsim.new_run import new_run
from satsim.rundir import Run

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


def test_overwriting_leaves_what_no_run_wrote(tmp_path: Path) -> None:
    target = a_run(tmp_path / "run")
    (target / "notes.txt").write_text("mine")
    with (
        pytest.raises(RunFolderError, match="run: found notes.txt beside a run, which alone is replaced"),
        new_run(target, overwrite=True),
    ):
        pass
    assert (target / "notes.txt").read_text() == "mine"
