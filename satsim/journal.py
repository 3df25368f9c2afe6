"""packets.csv, all that a receiver has heard: the one file that its state is in.

A packet counts from the moment its row is on the disk, whole. Everything else in the folder is made from the
rows, and made again where it is missing, so a receiver can be killed at any point.
"""

import csv
import io
import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Self

from progic.locking import locked
from progic.replacing import make_folder
from satsim.complaints import cut
from satsim.errors import InputError, SatsimError
from satsim.records import VERDICTS


class Row(NamedTuple):
    """One packet that came in; the columns of packets.csv, in this order."""

    packet: int  # counted from 1
    time_utc: str  # ISO 8601
    source: str  # a file's name, a sender's address, stdin or a device
    image: str  # satsim.header.ImageTag.name; "" for bytes that are no packet
    stage: str  # "0", "0-2", "parity 1"; "" for bytes that are no packet
    bytes: int
    event: str  # of satsim.records.VERDICTS
    detail: str  # why
    data: str  # the packet, in hex


class Journal:
    """Appends rows to packets.csv, each on the disk before the next; one process at a time."""

    def __init__(self, path: Path) -> None:
        """Open or begin the file, and cut off a row that was being written when its writer was killed.

        Raises InputError if another receiver is writing it, or if it is something else, or cannot be opened.
        """
        self._path = path
        make_folder(path.parent)
        self._file = _opened(path)
        try:
            if not locked(self._file):
                allowed = "one a folder, -o DIR takes another"
                raise InputError(f"{path}: found another receiver writing here; allowed: {allowed}")
            self.rows = self._read()
        except BaseException:
            os.close(self._file)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        os.close(self._file)

    def append(self, row: Row) -> None:
        """Write a row to the disk; raises SatsimError, with the file as it was, if it is full."""
        self._append(row)
        self.rows.append(row)

    def _append(self, cells: Sequence[object]) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow(cells)
        end = os.lseek(self._file, 0, os.SEEK_END)
        try:
            _write(self._file, text.getvalue().encode())
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._file, end)
            kept = f"the {len(self.rows)} packets before this one are kept; start again once there is room"
            raise SatsimError(f"{self._path}: cannot be written: {error.strerror}; {kept}") from None

    def _read(self) -> list[Row]:
        data = self._path.read_bytes()
        whole = data.rfind(b"\n") + 1
        ours = ",".join(Row._fields).encode() + b"\n"
        if not data.startswith(ours) and not ours.startswith(data):
            raise InputError(f"{self._path}: found another table; allowed: a new folder, or a receiver's own")
        os.ftruncate(self._file, whole)  # a row that a kill cut off
        try:
            _, *lines = csv.reader(io.StringIO(data[:whole].decode(errors="replace"))) if whole else [[]]
        except csv.Error as error:
            raise InputError(
                f"{self._path}: found a damaged row ({error}); allowed: as it was written"
            ) from None
        self.rows = []
        if not whole:
            self._append(Row._fields)
        return [self._row(number, cells) for number, cells in enumerate(lines, 2)]

    def _row(self, line: int, cells: Sequence[str]) -> Row:
        try:
            number, time_utc, source, image, stage, n_bytes, event, detail, data = cells
            row = Row(int(number), time_utc, source, image, stage, int(n_bytes), event, detail, data)
            datetime.fromisoformat(time_utc).timestamp()  # which years 1 and 9999 may not have
            if event not in VERDICTS:
                raise ValueError(f"an event {cut(event)}")
            if len(bytes.fromhex(data)) != row.bytes:
                raise ValueError("its bytes are not as many as it says")
        except (ValueError, OverflowError, OSError) as error:
            raise InputError(
                f"{self._path}, line {line}: found a damaged row ({error}); allowed: as it was written; "
                "with this line deleted all other packets are kept"
            ) from None
        return row


def _opened(path: Path) -> int:
    allowed = "a new folder, or a receiver's own"
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise InputError(f"{path}: found a folder, a device or a pipe; allowed: {allowed}")
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise InputError(f"{path}: found no file to write ({error.strerror}); allowed: {allowed}") from None


def _write(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]
    os.fsync(file)
