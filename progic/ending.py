"""How a command of `progic` ends, whatever happens: with one message and an exit code."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import typer

from progic.errors import InputError, ProgicError

P = ParamSpec("P")
MENDABLE = (InputError, FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)


def ends_well(command: Callable[P, None]) -> Callable[P, None]:
    """End with a line and exit code 2 where the user can mend it, 1 where not; never with a traceback."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except MENDABLE as error:
            typer.echo(f"progic: {error}", err=True)
            raise typer.Exit(2) from None
        except (ProgicError, OSError) as error:
            typer.echo(f"progic: {error}", err=True)
            raise typer.Exit(1) from None

    return wrapped
