"""The command `progic`: all its commands under one name."""

from typing import Annotated

import typer

from progic.commands.analyse import analyse
from progic.commands.coding import decode, encode, info
from progic.commands.evaluate import evaluate_command
from progic.commands.export import export_command
from progic.commands.group import Commands
from progic.commands.train import train_command
from progic.commands.version import HELP_NAMES, version_option
from progic.ending import print_anything

app = typer.Typer(
    help="Turn photos into stages of a few hundred bytes, and any stages back into a photo.",
    no_args_is_help=True,
    cls=Commands,
    context_settings=HELP_NAMES,
    pretty_exceptions_enable=False,
)
for command in (encode, decode, info):
    app.command()(command)
app.command("train")(train_command)
app.command("evaluate")(evaluate_command)
app.command()(analyse)
app.command("export")(export_command)


@app.callback()
def progic(version: Annotated[bool, version_option("progic")] = False) -> None:
    """Before every command."""


def main() -> None:
    """Entry point."""
    print_anything()
    app()
