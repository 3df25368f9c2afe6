"""How a command of `satsim` ends, whatever happens: with one message and an exit code."""

from collections.abc import Callable
from typing import ParamSpec

from progic import ending
from progic import errors as progic_errors
from satsim.errors import InputError, SatsimError

P = ParamSpec("P")


def ends_well(command: Callable[P, None]) -> Callable[P, None]:
    """End with one message: exit code 2 where the user can mend it, 1 where not; never with a traceback."""
    return ending.ends_well(command, "satsim", exit_code)


def exit_code(error: Exception) -> int | None:
    """Return the exit code for an expected error, None for a fault of this program."""
    if isinstance(error, SatsimError):
        return error.exit_code
    if isinstance(error, progic_errors.InputError):
        return InputError.exit_code
    expected = isinstance(error, progic_errors.ProgicError | OSError) or ending.is_out_of_memory(error)
    return SatsimError.exit_code if expected else None
