"""A file or a folder for one process at a time."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from progic.errors import ProgicError


def locked(file: int) -> bool:
    """Keep others out of an open file or folder until it is closed, where the system can.

    Return False if another has it.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks, as some networks have
        return True
    return True


@contextmanager
def training_alone(folder: Path) -> Iterator[None]:
    """Keep other trainings out of a folder; ProgicError if there is one."""
    try:
        opened = os.open(folder, os.O_RDONLY)
    except PermissionError:  # Windows opens no folder
        yield
        return
    try:
        if not locked(opened):
            allowed = "one a folder, -o DIR takes another"
            raise ProgicError(f"{folder}: found another training writing here; allowed: {allowed}")
        yield
    finally:
        os.close(opened)
