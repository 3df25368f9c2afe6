"""What stands where a receiver's own files go, or is damaged in them, is named, and never waited for."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from progic import errors as progic_errors
from satsim.errors import InputError
from satsim.framing import MAX_FRAME_BYTES
from satsim.journal import Journal, Row
from tests.satsim.test_station import NAME, A, B, C, receive, status


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("make", "found"),
    [
        (Path.mkdir, "found a folder, a device or a pipe"),
        (os.mkfifo, "found a folder, a device or a pipe"),
        (lambda path: path.symlink_to(path), "found no file to write (Too many levels of symbolic links)"),
        (lambda path: path.symlink_to("no/file"), "found no file to write (No such file or directory)"),
    ],
)
def test_what_is_no_file_in_the_place_of_the_log_is_named(
    tmp_path: Path, make: Callable[[Path], None], found: str
) -> None:
    path = tmp_path / "packets.csv"
    make(path)
    with pytest.raises(InputError) as caught:
        Journal(path)
    assert str(caught.value) == f"{path}: {found}; allowed: a new folder, or a receiver's own"


def test_a_file_in_the_place_of_an_image_s_folder_is_named_and_its_packet_kept(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("mine")
    for _ in range(2):  # the same at the next start, until it is moved away
        with pytest.raises(progic_errors.InputError, match=f"{NAME}: File exists; allowed: a folder, new or"):
            receive(tmp_path, [A])
    assert (tmp_path / NAME).read_text() == "mine"
    (tmp_path / NAME).unlink()
    receive(tmp_path, [A])
    assert (tmp_path / NAME / "1.png").is_file()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("time_s,outcome\n", "found another table"),
        ("my,precious,data", "found another table"),
        ("time_s,outcome\n1,2", "found another table"),
        ("{header}1,x,y\n", "line 2: found a damaged row"),
        ("{header}1,20z6-11-27T00:00:00+00:00,a,,,1,rejected,,00\n", "line 2: found a damaged row"),
        ("{header}1,0001-01-01T00:00:00,a,,,1,rejected,,00\n", "line 2: found a damaged row .year"),
        (
            "{header}1,2026-11-27T00:00:00+00:00,a,,,1,evil,,00\n",
            "line 2: found a damaged row .an event evil.;",
        ),
        (
            "{header}1,2026-11-27T00:00:00+00:00,a,,,2,rejected,,00\n",
            "line 2: found a damaged row .its bytes are not as many",
        ),
    ],
)
def test_another_file_in_its_place_is_left_alone(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "packets.csv"
    Journal(path).__exit__()
    path.write_text(text.format(header=path.read_text()))
    with pytest.raises(InputError, match=complaint):
        Journal(path)
    assert path.read_text().endswith(text[-5:])


def test_rows_are_read_as_they_were_written(tmp_path: Path) -> None:
    """Each cell in its place, whatever a file is called, and the largest frame's digits whole."""
    time_utc = "2026-11-27T00:00:00.000+00:00"
    rows = [
        Row(1, time_utc, 'a, "b";\n.bin', NAME, "0-2", 2, "received", "2 stages recovered", "c0db"),
        Row(
            7, time_utc, "stdin", "", "", MAX_FRAME_BYTES, "rejected", "NotAPacket: x", "0f" * MAX_FRAME_BYTES
        ),
    ]
    path = tmp_path / "new" / "packets.csv"
    with Journal(path) as journal:
        for row in rows:
            journal.append(row)
    with Journal(path) as again:
        assert again.rows == journal.rows == rows


def test_a_damaged_row_is_deleted_as_its_complaint_says_and_the_others_are_kept(tmp_path: Path) -> None:
    receive(tmp_path, [A, B])
    path = tmp_path / "packets.csv"
    header, damaged, kept = path.read_text().splitlines()
    path.write_text("\n".join([header, damaged[:-2], kept, ""]))
    with pytest.raises(InputError, match=r"line 2: .*; with this line deleted all other packets are kept$"):
        Journal(path)
    path.write_text("\n".join([header, kept, ""]))
    receive(tmp_path, [C], numbered=False)
    assert [row.split(",")[0] for row in path.read_text().splitlines()] == ["packet", "2", "3"]
    assert status(tmp_path)["images"][NAME]["held"] == "2-3"
