"""Someone else's program, run without a shell, with a time limit, in a folder of its own."""

import os
import re
import shlex
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from satsim.codec import CodecFailed
from satsim.command_settings import PLACEHOLDER
from satsim.complaints import cut

_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")  # and other commands to a terminal (ECMA-48, CSI)
_BLANK = re.compile(rf"\$([A-Za-z_]\w*)|{PLACEHOLDER.pattern}", re.ASCII)
_LOG_BYTES = 4096  # of what a program says, from its end
_LOGS = ("stderr", "stdout")


def run_program(command: str, values: Mapping[str, object], folder: Path, timeout_s: float) -> str:
    """Run a command, its placeholders filled with `values`, in `folder`; return the program's name.

    Raises CodecFailed if it is missing, fails, or runs for longer than `timeout_s`: then it is ended, and
    what it has started with it.
    """
    words = [_filled(word, values) for word in shlex.split(command)]
    name = Path(words[0]).name
    stderr, stdout = (folder / f"{log}.log" for log in _LOGS)
    with stderr.open("wb") as errors, stdout.open("wb") as output:
        try:
            process = subprocess.Popen(
                words,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                start_new_session=True,  # so that its children can be ended with it
            )
        except FileNotFoundError:
            raise CodecFailed(f"{words[0]}: no such program; allowed: one on the PATH, or a path") from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise CodecFailed(f"{words[0]} cannot be run: {reason}") from None
    try:
        code = process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        raise CodecFailed(f"{name} was ended: it took longer than {timeout_s:g} s") from None
    finally:
        _end(process)
    if code:
        raise CodecFailed(f"{name} ended with exit code {code}{_last_line(stderr, stdout)}")
    return name


def _filled(word: str, values: Mapping[str, object]) -> str:
    """Return a word with environment variables and placeholders put in, each as it is."""

    def value_of(blank: re.Match[str]) -> str:
        variable, placeholder = blank.groups()
        if placeholder is not None:
            return str(values[placeholder])
        if variable not in os.environ:
            raise CodecFailed(f"the environment variable {variable} is not set")
        return os.environ[variable]

    return _BLANK.sub(value_of, word)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program if it still runs, and all that it has started."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    elif process.poll() is None:
        process.kill()
    process.wait()


def _last_line(*logs: Path) -> str:
    """Return the last line that a program wrote, on standard error if it wrote anything there."""
    for log in logs:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _LOG_BYTES))
            text = _COLOUR.sub("", file.read().decode("utf-8", errors="replace"))
        lines = text.replace(f"{log.parent}{os.sep}", "").split("\n")  # a run's notes do not differ
        said = [" ".join(line.split()) for line in lines if line.strip()]
        if said:
            return f": {cut(said[-1])}"
    return ""
