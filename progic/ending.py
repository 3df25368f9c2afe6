"""How a command of `progic` ends, whatever happens: with one message and an exit code."""

import io
import signal
import sys
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from types import FrameType
from typing import ParamSpec

import typer

from progic.errors import InputError, ProgicError
from progic.stopping import ending_signals

P = ParamSpec("P")
ExitCode = Callable[[Exception], int | None]  # None: no error that is expected
STOPPED = 130  # what a shell calls a command that Ctrl-C ended
TURNING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}  # bidirectional controls
MENDABLE = (InputError, FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)


def exit_code(error: Exception) -> int | None:
    """Return the exit code for an expected error, None for a fault of this program."""
    if isinstance(error, MENDABLE):
        return 2
    return 1 if isinstance(error, ProgicError | OSError) or is_out_of_memory(error) else None


def ends_well(
    command: Callable[P, None], program: str = "progic", exit_code: ExitCode = exit_code
) -> Callable[P, None]:
    """End with a line and exit code 2 where the user can mend it, 1 where not; never with a traceback."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            with sigterm_as_ctrl_c():
                command(*args, **kwargs)
        except KeyboardInterrupt:
            typer.echo(f"{program}: stopped", err=True)
            raise typer.Exit(STOPPED) from None
        except BrokenPipeError:  # of `progic info | head`: click ends it without a word
            raise
        except Exception as error:
            code = exit_code(error)
            if code is None:
                raise
            typer.echo(f"{program}: {told(error)}", err=True)
            raise typer.Exit(code) from None

    return wrapped


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory has come to its end; torch says so in a RuntimeError, of a GPU's too."""
    said = "can't allocate memory" in str(error) or "out of memory" in str(error)
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and said)


def told(error: BaseException) -> str:
    """What a user is told of an error, in one line where memory has come to its end."""
    text = f"out of memory: {error}".splitlines()[0] if is_out_of_memory(error) else str(error)
    return "\n".join(printable(line) for line in text.split("\n"))


def printable(text: str) -> str:
    """Return text, such as a file's name, as one line that moves no terminal and turns no text round it."""
    return "".join(repr(each)[1:-1] if _is_no_text(each) else each for each in text)


def _is_no_text(sign: str) -> bool:
    is_control = unicodedata.category(sign) in {"Cc", "Cs", "Zl", "Zp"}
    return is_control or unicodedata.bidirectional(sign) in TURNING


def print_anything() -> None:
    """Let a terminal that lacks a sign, such as a dash in ASCII, show a question mark in its place."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _as_ctrl_c(number: int, frame: FrameType | None) -> None:
    """Do what Ctrl-C would: a server has a handler of its own for that."""
    handler = signal.getsignal(signal.SIGINT)
    (handler if callable(handler) else signal.default_int_handler)(number, frame)


@contextmanager
def sigterm_as_ctrl_c() -> Iterator[None]:
    """Let SIGTERM, and a terminal that is closed, end what runs as Ctrl-C does, cleaning up.

    They would leave half-written files behind. What `nohup` has started lives on.
    """
    before = {number: signal.signal(number, _as_ctrl_c) for number in ending_signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
