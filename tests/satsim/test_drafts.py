"""Results take their places together, or none does."""

import errno
import os
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from satsim.drafts import drafted
from satsim.errors import Unwritable
from satsim.figure_files import write_figure


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("old")
    said = f"{tmp_path}: cannot be written: {os.strerror(errno.ENOSPC)}"
    with pytest.raises(Unwritable, match=f"^{said}$"), drafted(tmp_path) as draft:
        (draft / "a.csv").write_text("new")
        (draft / "b.csv").write_text("ha")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert {each.name: each.read_text() for each in tmp_path.iterdir()} == {"a.csv": "old"}
    with drafted(tmp_path) as draft:
        (draft / "a.csv").write_text("new")
        (draft / "b.csv").write_text("whole")
    assert {each.name: each.read_text() for each in tmp_path.iterdir()} == {"a.csv": "new", "b.csv": "whole"}


def test_a_file_that_cannot_be_read_is_not_called_unwritable(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="picture"), drafted(tmp_path):
        (tmp_path / "picture.png").read_bytes()
    assert not list(tmp_path.iterdir())


def test_a_photos_name_is_no_formula_and_needs_no_font(tmp_path: Path) -> None:
    """A warning would be an error here, and the formula is none that could be drawn."""

    def figure_of() -> Figure:
        figure = Figure()
        figure.text(0, 0, r"frac-$\frac{$-\u706b.png")
        return figure

    write_figure(figure_of, tmp_path, "named", "salt")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["named.png", "named.svg"]
