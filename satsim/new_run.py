"""Where a run is written: a folder that is there whole or not at all, and takes no other's place."""

import errno
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from satsim.errors import RunFolderError, Unwritable
from satsim.rundir import (
    EVENTS,
    FIGURE,
    IMAGES,
    MANIFEST,
    PHOTOS,
    REPORT,
    SCENARIO,
    SPREAD,
    SPREAD_ROWS,
    SUMMARY,
    TIMELINE,
    TRACE,
    WINDOWS,
)

DRAWN = (f"{FIGURE}.png", f"{FIGURE}.svg", REPORT)
TABLES = (EVENTS, SPREAD, SPREAD_ROWS, TRACE, WINDOWS)
ALWAYS = (SCENARIO, MANIFEST, SUMMARY, TIMELINE)


@contextmanager
def new_run(target: Path, overwrite: bool = False) -> Iterator[Path]:
    """Hand out an empty folder that becomes `target` if the block ends well, and vanishes if it does not.

    An existing run stays until the new one is complete. Raises RunFolderError before the block begins if
    `target` may not be replaced (no `overwrite`, or it is not a run alone) or cannot be written.
    """
    check_target(target, overwrite)
    target = Path(os.path.realpath(target))  # what a link leads to, not the link
    made = _make_parents(target)
    try:
        with tempfile.TemporaryDirectory(prefix=f".{target.name[:50]}.", dir=target.parent) as workplace:
            draft = Path(workplace) / "new"
            draft.mkdir()  # not the workplace itself, whose mode keeps everyone else out
            yield draft
            check_target(target, overwrite)  # another run may have been written meanwhile
            _put_in_place(draft, target, Path(workplace) / "old")
    except BaseException as error:
        _remove_empty(made)
        if isinstance(error, Unwritable):  # of the draft
            raise Unwritable(target, error.reason) from None
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise Unwritable(target, str(error.strerror)) from None
        raise


def check_target(target: Path, overwrite: bool) -> None:
    """Raise RunFolderError unless a run may be written to `target`."""
    if not os.path.lexists(target):
        return
    if Path(os.path.realpath(target)) == Path.cwd():
        raise RunFolderError(f"{target}: found the folder this runs in, allowed is another, new or empty")
    if not target.is_dir():
        raise RunFolderError(f"{target}: found a file, allowed is a new folder")
    if not any(target.iterdir()):
        return
    if not all((target / name).is_file() for name in ALWAYS):
        raise RunFolderError(f"{target}: found a folder with other things in it; allowed: a new or empty one")
    if not overwrite:
        raise RunFolderError(f"{target}: found a run; --overwrite replaces it, -o DIR writes elsewhere")
    known = {*ALWAYS, *TABLES, *DRAWN, IMAGES, PHOTOS}
    others = sorted(path.name for path in target.iterdir() if path.name not in known)
    if others:
        raise RunFolderError(f"{target}: found {others[0]} beside a run, which alone is replaced")


def _make_parents(target: Path) -> list[Path]:
    """Make the folders above `target` and try to write there; return those made, innermost first."""
    missing = [folder for folder in target.parents if not folder.exists()]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=target.parent):
            return missing
    except OSError as error:
        _remove_empty(missing)
        raise RunFolderError(f"{target}: cannot be written: {error.strerror}") from None


def _remove_empty(folders: Iterable[Path]) -> None:
    for folder in folders:
        with suppress(OSError):  # never made, or someone else has put something there
            folder.rmdir()


def _put_in_place(draft: Path, target: Path, old: Path) -> None:
    """Rename `draft` to `target`, and what stood there to `old`; put it back if that fails."""
    replaces = target.exists()
    if replaces:
        target.rename(old)
    try:
        draft.rename(target)
    except BaseException:
        if replaces:
            old.rename(target)
        raise
