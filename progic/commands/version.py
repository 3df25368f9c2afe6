"""What both programs answer to `--version` and `-h`."""

from importlib.metadata import version
from typing import Any

import typer

HELP_NAMES = {"help_option_names": ["-h", "--help"]}


def print_version(program: str) -> None:
    """Print what is installed."""
    typer.echo(f"{program} {version('progic-satsim')}")


def version_option(program: str) -> Any:  # what typer declares its options as
    """Return the option `--version` of a program."""

    def answer(asked: bool) -> None:
        if asked:
            print_version(program)
            raise typer.Exit

    return typer.Option("--version", callback=answer, is_eager=True, help="Print the version and end.")
