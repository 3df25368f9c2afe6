"""The commands `satsim run` and `satsim report`."""

import math
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from progic.heap import keep_freed_memory
from satsim.commands.options import (
    AsJson,
    Metrics,
    Photo,
    Quiet,
    Runs,
    ScenarioFile,
    Seed,
    Settings,
    overrides_of,
    progress_bar,
)
from satsim.ending import ends_well
from satsim.rundir import FIGURE, REPORT, SUMMARY, Run, read_run
from satsim.scenario import load_scenario, naming_sources
from satsim.terminal import notes, result_table


@ends_well
def run(
    scenario: ScenarioFile,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder to write; else runs/ and the scenario's name.")
    ] = None,
    image: Photo = None,
    seed: Seed = None,
    runs: Runs = None,
    settings: Settings = None,
    metrics: Metrics = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the run that is there.")] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Run a scenario and write a folder with its events, pictures, scores, figure and report.

    The last line printed says what to open. With --json, summary.json is printed.
    """
    overrides = overrides_of(settings, image, seed, runs, metrics)
    loaded = load_scenario(scenario, overrides)
    target = Path("runs") / loaded.name if out is None else out

    from progic.data import check_outside
    from satsim.pipeline import run_scenario
    from satsim.report import finish

    check_outside("-o", target, [loaded.image.path])
    keep_freed_memory(math.prod(loaded.image.original_size))

    with naming_sources(scenario, overrides), progress_bar(quiet) as progress:
        result = run_scenario(loaded, str(scenario), target, overwrite, finish, progress)
    if as_json:
        typer.echo((target / SUMMARY).read_text(encoding="utf-8"), nl=False)
    elif not quiet:
        _print_result(result)


@ends_well
def report(folder: Annotated[Path, typer.Argument(help="A run folder that `satsim run` wrote.")]) -> None:
    """Draw a run's figure and report again, from what is in its folder."""
    from satsim.report import finish

    for photo in read_run(folder).manifest.photos:
        if photo.run is not None:
            finish(folder / photo.run)
    finish(folder)
    typer.echo(f"{folder / REPORT}")


def _print_result(result: Run) -> None:
    Console().print(result_table(result))
    for line in notes(result):
        typer.echo(line)
    typer.echo(f"\nRun folder: {result.folder}")
    typer.echo(f"Open {result.folder / REPORT}; the figure is {FIGURE}.png beside it.")
