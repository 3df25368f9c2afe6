"""A trace is read to exactly what it says, or refused by file, line and what was found."""

import re
from pathlib import Path

import pytest

from satsim import trace
from satsim.errors import TraceError
from satsim.trace import read_trace


def written(text: str, folder: Path) -> Path:
    path = folder / "trace.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_trace_begins_at_0_whatever_its_clock(tmp_path: Path) -> None:
    found = read_trace(written("place,outcome,time_s\nA,OK,1000.5\nB,Lost,1060.5\nC,0,1090.5\n", tmp_path))
    assert found.times_s == (0, 60, 90)
    assert found.lost == (False, True, False)
    assert found.length_s == 135


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", ', line 1: found ""; allowed: a header with time_s and outcome, each once'),
        ("outcome,time_s,outcome\n", ', line 1: found "outcome,time_s,outcome"; allowed: a header with'),
        ('time_s,outcome\n0,"ok"s\n', ", line 2: found broken CSV ("),
        ("time_s,outcome\n0,ok\n", ": found 1 outcomes; allowed: at least 2"),
        ("time_s,outcome\n0,ok\n0,lost\n", ", line 3: found time_s 0.0; allowed: more than 0.0, the one"),
        ("time_s,outcome\n0,ok\n1,maybe\n", ', line 3: found outcome "maybe"; allowed: 0 or ok (got'),
        ("time_s,outcome\n0,ok\nnan,lost\n", ', line 3: found time_s "nan"; allowed: a number from'),
        ("\x1b[2J,a\n", r', line 1: found "\x1b[2J,a"; allowed'),
        ("time_s,outcome\n\x1b]0;\x07,ok\n", r', line 2: found time_s "\x1b]0;\x07"; allowed'),
        ("time_s,outcome\n0,\x9b2J\n", r', line 2: found outcome "\x9b2J"; allowed'),
        ("time_s,outcome\n0,ok\n\n1\n", ", line 4: found 1 cells; allowed: at least 2, as in the header"),
    ],
)
def test_a_broken_trace_is_named(text: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(TraceError, match=re.escape(f"trace.csv{complaint}")) as caught:
        read_trace(written(text, tmp_path))
    assert caught.value.exit_code == 2


def test_a_trace_that_is_not_there_or_no_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match=r"gone\.csv: found no readable file \(No such file or directory\)"):
        read_trace(tmp_path / "gone.csv")
    (tmp_path / "noise.csv").write_bytes(b"time_s\xff")
    with pytest.raises(TraceError, match=r"noise\.csv: found byte 0xff at 6; allowed: CSV in UTF-8"):
        read_trace(tmp_path / "noise.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trace, "MAX_FILE_BYTES", 26)
        told = r"trace\.csv: found a larger file; allowed: a trace in CSV, at most 26 bytes"
        with pytest.raises(TraceError, match=told):
            read_trace(written("time_s,outcome\n0,ok\n1,lost\n", tmp_path))
        assert read_trace(written("time_s,outcome\n0,ok\n1,ok\n", tmp_path)).length_s == 2


def test_a_trace_is_read_once_and_again_when_it_has_changed(tmp_path: Path) -> None:
    path = written("time_s,outcome\n0,ok\n60,lost\n", tmp_path)
    assert read_trace(path) is read_trace(path)
    written("time_s,outcome\n0,ok\n60,lost\n120,ok\n", tmp_path)
    assert read_trace(path).lost == (False, True, False)
