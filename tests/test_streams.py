"""Terminals that lack a sign, and file names that are no UTF-8."""

import io
import sys

import pytest

from progic.ending import print_anything
from satsim.contest import photo_seed


def test_what_a_terminal_lacks_is_a_question_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    print_anything()
    sys.stdout.write("5 – 7 …")
    sys.stdout.flush()
    assert written.getvalue() == b"5 ? 7 ?"


def test_a_name_that_is_no_utf8_has_a_seed_of_its_own() -> None:
    names = ("caf\udce9.png", "caf\udce8.png", "cafe.png")
    assert len({photo_seed(1, name) for name in names}) == len(names)
