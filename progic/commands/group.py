"""What `progic` and `satsim` have in common as commands: no empty argument, and help as wide as it can be."""

import inspect
from itertools import pairwise
from typing import Any

import typer
from typer.core import TyperGroup


class Commands(TyperGroup):
    """Commands that take no empty argument, as a shell's variable that is not set leaves it.

    pathlib would take it for the folder one is in, and an option for one that is not given.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Raise BadParameter, exit code 2, for an empty argument of any command."""
        for before, word in pairwise([ctx.info_name or "", *args]):
            option, is_given, value = word.partition("=")
            if not word or (is_given and not value and option.startswith("--")):
                raise typer.BadParameter(
                    f"after {option or before}: found nothing; allowed: no empty argument"
                )
        return super().parse_args(ctx, args)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command whose help has a line a paragraph: typer folds the first alone, and keeps ours."""
        command = super().get_command(ctx, cmd_name)
        if command is not None:
            paragraphs = inspect.cleandoc(command.help or "").split("\n\n")
            command.help = "\n\n".join(" ".join(each.split()) for each in paragraphs)
        return command
