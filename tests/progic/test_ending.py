"""Commands that end in a line, and work that is told to stop."""

import signal
from pathlib import Path

import pytest
import typer
from PIL import Image

from progic.commands.options import save_picture
from progic.ending import ends_well
from progic.errors import ImageError
from progic.stopping import stop_on_signals


@pytest.mark.parametrize(
    ("size", "name", "reason"),
    [((65535, 1), "wide.jpg", "broken data stream"), ((8, 8), "small.xbm", "cannot write mode RGB as XBM")],
)
def test_a_picture_that_its_format_cannot_hold_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], size: tuple[int, int], name: str, reason: str
) -> None:
    with pytest.raises(typer.Exit) as caught:
        ends_well(save_picture)(Image.new("RGB", size), tmp_path / name)
    said = capsys.readouterr().err
    assert caught.value.exit_code == 2
    assert said.startswith(f"progic: {tmp_path / name}: cannot be written: {reason}")
    assert said.endswith("; try .png\n") and said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_work_is_told_to_stop_once_and_signals_are_as_they_were() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    nohup = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_on_signals() as stopped:
            signal.raise_signal(signal.SIGHUP)
            assert not stopped()
            signal.raise_signal(signal.SIGINT)
            assert stopped()
    finally:
        signal.signal(signal.SIGHUP, nohup)
    assert [signal.getsignal(number) for number in numbers] == before


def test_a_name_neither_moves_the_terminal_nor_turns_the_text_around_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def command() -> None:
        raise ImageError("a\x1b[2J\u202e\u2066b\udce9é.png: broken image\nof two lines")

    with pytest.raises(typer.Exit):
        ends_well(command)()
    told = "progic: a\\x1b[2J\\u202e\\u2066b\\udce9é.png: broken image\nof two lines\n"
    assert capsys.readouterr().err == told
