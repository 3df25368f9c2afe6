"""What `progic` and `satsim` have in common as commands: an argument that is empty is refused."""

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
