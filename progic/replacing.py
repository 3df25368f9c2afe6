"""Files written whole or not at all."""

import glob
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import get_native_id

from safetensors import SafetensorError

from progic.errors import InputError, ProgicError

ABANDONED_S = 3600.0  # since the last write: it takes seconds, so the process was killed


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield the path of a neighbour to write; once it is whole it takes the place of `path`.

    Raises ProgicError naming the file and the reason (a full disk, a folder that is closed); what was at
    `path` is then as it was, and nothing half-written stays; what a killed process left of the same file goes
    too. InputError where `path` is a folder, a device or a pipe, or its folder is missing.
    """
    if path.is_dir():
        raise InputError(f"{path}: is a folder, allowed is the name of a file to write")
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: is a device or a pipe, allowed is the name of a file to write")
    target = Path(os.path.realpath(path))  # what a link leads to, not the link
    if not target.parent.is_dir():
        raise InputError(
            f"{path}: there is no folder {target.parent}; allowed is a file in one that is there"
        )
    # another thread or process may write it too; a name is 255 bytes at most, and a sign in it up to 4
    end = target.name[-56:]
    partial = target.with_name(f".partial-{get_native_id()}-{end}")
    for other in target.parent.glob(f".partial-*-{glob.escape(end)}"):
        _remove_abandoned(other)
    try:
        yield partial
        with partial.open("rb+") as whole:
            os.fsync(whole.fileno())  # else a power cut may leave the name without the bytes
        partial.replace(target)
    except (OSError, SafetensorError) as error:
        if getattr(error, "filename", None) not in {None, str(partial), partial}:
            raise  # of another file
        reason = error.strerror or str(error) if isinstance(error, OSError) else str(error)
        kept = "; the file that was there is as it was" if path.exists() else ""
        raise ProgicError(f"{path}: cannot be written: {reason}{kept}") from None
    finally:
        if partial.exists():
            partial.unlink()


def _remove_abandoned(partial: Path) -> None:
    with suppress(OSError):  # another process may have done so
        if time.time() - partial.lstat().st_mtime > ABANDONED_S:
            partial.unlink()


def make_folder(folder: Path) -> None:
    """Make `folder` where there is none; raises InputError if it cannot be, such as where a file is."""
    try:
        Path(os.path.realpath(folder)).mkdir(parents=True, exist_ok=True)  # what a link leads to
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}; allowed: a folder, new or not") from None
