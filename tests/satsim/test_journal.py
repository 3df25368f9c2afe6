"""What stands where a receiver's own files go is named, and never waited for."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from progic import errors as progic_errors
from satsim.errors import InputError
from satsim.journal import Journal
from tests.satsim.test_station import NAME, A, receive


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
