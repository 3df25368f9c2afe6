"""The command `satsim serve`."""

import errno
import socket
import tempfile
import webbrowser
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from progic.replacing import make_folder
from satsim.commands.options import Metrics, asked_metrics, is_host, overrides_of, progress_bar
from satsim.ending import ends_well
from satsim.errors import InputError
from satsim.playback import playback_of
from satsim.progress import Progress
from satsim.run_queue import RunQueue
from satsim.rundir import read_run
from satsim.scenario import load_scenario, naming_sources
from satsim.settings import Scenario

LOCAL = ("127.0.0.1", "localhost")


@ends_well
def serve(
    what: Annotated[
        Path | None,
        typer.Argument(help="A run folder to show, or a scenario to run first.", metavar="[SCENARIO|RUN]"),
    ] = None,
    host: Annotated[
        str, typer.Option(help="127.0.0.1: this machine alone; 0.0.0.0: all that reach it.")
    ] = LOCAL[0],
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8360,
    is_opened: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder for the runs; else they go when the server ends."),
    ] = None,
    metrics: Metrics = None,
) -> None:
    """Show on a web page how a photo arrives, packet by packet; send photos of your own from there.

    A scenario is run first; without one the page starts with its form. Ctrl-C ends the server.
    """
    with progress_bar(quiet=False) as progress:
        progress("loading", 0)
        try:
            from satsim import web
        except ModuleNotFoundError as error:
            allowed = "satsim serve after pip install 'progic-satsim[serve]'"
            raise InputError(f"satsim serve: found no {error.name}; allowed: {allowed}") from None
        from satsim.pipeline import run_scenario
        from satsim.report import finish

        measured = tuple(asked_metrics(metrics))
        scenario = _checked(what, overrides_of(None, None, None, None, metrics))

    def compute(scenario: Scenario, file: str, folder: Path, progress: Progress) -> None:
        run_scenario(scenario, file, folder, False, finish, progress)

    with ExitStack() as stack:
        listener = stack.enter_context(_listener(host, port))
        workplace = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="satsim-")))
        runs = workplace / "runs" if out is None else out
        make_folder(runs)
        queue = stack.enter_context(RunQueue(runs, compute))
        first = None
        if what is not None:
            first = queue.adopt(what) if scenario is None else queue.submit(scenario, str(what))
        address = f"http://{host}:{listener.getsockname()[1]}/"
        typer.echo(f"Open {address} in a browser; Ctrl-C ends the server.")
        if is_opened:
            webbrowser.open(address)
        shared = web.Server(queue, workplace, measured, first)
        web.listen(web.app_of(shared, LOCAL if host in LOCAL else ["*"]), listener)


def _checked(what: Path | None, overrides: Sequence[str]) -> Scenario | None:
    """Return the scenario to run, None for a run that is there; InputError for what cannot be shown."""
    if what is None:
        return None
    if what.is_dir():
        playback_of(read_run(what), str)
        return None
    scenario = load_scenario(what, overrides)
    if scenario.image.path.is_dir():
        raise InputError(f"{what}: image.path: found a folder; allowed: one photo, whose way is watched")
    from satsim.intake import check_scenario

    with naming_sources(what, overrides):
        check_scenario(scenario, str(what))
    return scenario


def _listener(host: str, port: int) -> socket.socket:
    if not is_host(host):
        raise InputError(f"--host: found {host}; allowed: an address of this machine")
    try:
        return socket.create_server((host, port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            allowed = f"another, such as --port {port + 1}, or --port 0 for any free one"
            raise InputError(f"--port: found {port}, which is in use; allowed: {allowed}") from None
        raise InputError(
            f"--host: found {host} ({error.strerror}); allowed: an address of this machine"
        ) from None
