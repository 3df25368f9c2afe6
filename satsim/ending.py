"""How a command of `satsim` ends, whatever happens: with one message and an exit code."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import typer

from progic.ending import STOPPED, is_out_of_memory, sigterm_as_ctrl_c, told
from satsim.errors import InputError, SatsimError

P = ParamSpec("P")


def ends_well(command: Callable[P, None]) -> Callable[P, None]:
    """End with one message: exit code 2 where the user can mend it, 1 where not; never with a traceback."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            with sigterm_as_ctrl_c():
                command(*args, **kwargs)
        except KeyboardInterrupt:
            typer.echo("satsim: stopped", err=True)
            raise typer.Exit(STOPPED) from None
        except BrokenPipeError:  # of `satsim keys | head`: click ends it without a word
            raise
        except Exception as error:
            code = exit_code(error)
            if code is None:
                raise
            typer.echo(f"satsim: {told(error)}", err=True)
            raise typer.Exit(code) from None

    return wrapped


def exit_code(error: Exception) -> int | None:
    """Return the exit code for an expected error, None for a fault of this program."""
    from progic import errors as progic_errors

    if isinstance(error, SatsimError):
        return error.exit_code
    if isinstance(error, progic_errors.InputError):
        return InputError.exit_code
    expected = isinstance(error, progic_errors.ProgicError | OSError) or is_out_of_memory(error)
    return SatsimError.exit_code if expected else None
