"""The command `satsim`: all its commands under one name.

Exit codes: 0; 2 for what the user can mend; 1 for a failure while running; 130 when stopped by Ctrl-C.
torch takes seconds to import, so what needs it is imported by the command that uses it.
"""

import os
from typing import Annotated

import typer

from progic.commands.group import Commands
from progic.commands.version import HELP_NAMES, print_version, version_option
from progic.ending import print_anything
from satsim.commands.compare import compare
from satsim.commands.keys import keys
from satsim.commands.links import links
from satsim.commands.page import page
from satsim.commands.receive import receive
from satsim.commands.run import report, run
from satsim.commands.score import score
from satsim.commands.send import send
from satsim.commands.serve import serve
from satsim.commands.sweep import sweep
from satsim.commands.tune import tune
from satsim.commands.weights import weights_app

app = typer.Typer(
    help="Put a photo on a simulated satellite short-message link and see what arrives, and when.",
    no_args_is_help=True,
    cls=Commands,
    context_settings=HELP_NAMES,
    pretty_exceptions_enable=False,
)
for command in (run, serve, sweep, compare, tune, score, links, keys, report, page, send, receive):
    app.command()(command)
app.add_typer(weights_app, name="weights")


@app.callback()
def satsim(version: Annotated[bool, version_option("satsim")] = False) -> None:
    """Before every command."""


@app.command("version")
def version_command() -> None:
    """Print the version."""
    print_version("satsim")


def main() -> None:
    """Run the command line."""
    # torch's threads otherwise spin while they wait: 91 s against 18 s where other work shares the two cores
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    print_anything()
    app()
