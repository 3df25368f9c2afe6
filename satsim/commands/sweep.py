"""The command `satsim sweep`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from satsim.commands.options import (
    AsJson,
    Jobs,
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
from satsim.csv_file import json_text
from satsim.ending import ends_well
from satsim.grid import axis_of, points_of
from satsim.terminal import sweep_table


@ends_well
def sweep(
    scenario: ScenarioFile,
    grid: Annotated[
        list[str],
        typer.Option(
            "--grid",
            "-g",
            help="KEY=VALUES, for each key: -g link.loss.rate=0,0.1 -g codec.stages=1..5",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder to write; else sweeps/ and the scenario's name."),
    ] = None,
    image: Photo = None,
    seed: Seed = None,
    runs: Runs = None,
    settings: Settings = None,
    metrics: Metrics = None,
    keep_going: Annotated[
        bool,
        typer.Option(
            "--keep-going",
            "-k",
            help="Leave out points that cannot be sent, such as of messages too small, and name each.",
        ),
    ] = False,
    jobs: Jobs = None,
    dask: Annotated[
        str | None, typer.Option(help="Not here, but by the dask scheduler at tcp://HOST:PORT.")
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Run a scenario at every point of a grid over its keys, in parallel, into one table.

    Stopped or killed, the same command goes on where it was; a larger grid in the same folder runs only what
    is new. Values stand apart by commas, 1..5 counts up, and a YAML list takes anything:
    -g 'repair=[{kind: none}, {kind: carousel, rounds: 3}]'.
    """
    from progic.data import check_outside
    from satsim.drafts import drafted
    from satsim.sweep import plan_of, run_tasks, skipped_of
    from satsim.sweep_table import CSV, PARQUET, records_of, table_of, write_table
    from satsim.wording import equal_runs_text
    from satsim.workers import dask_workers, local_workers

    axes = [axis_of(text) for text in grid]
    overrides = overrides_of(settings, image, seed, runs, metrics)
    points, tasks, unfit = plan_of(scenario, overrides, points_of(axes), keep_going=keep_going)
    skipped = skipped_of(tasks)
    target = Path("sweeps") / tasks[0].given.name if out is None else out
    check_outside("-o", target, [task.given.image.path for task in tasks])
    for error in () if quiet else unfit:
        typer.echo(f"left out: {error}", err=True)
    workers = local_workers(jobs) if dask is None else dask_workers(dask)
    with workers as executor, progress_bar(quiet) as progress:
        results = run_tasks(tasks, target, executor, progress)
    table = table_of(axes, points, results)
    with drafted(target) as draft:
        write_table(draft, table)
    if as_json:
        typer.echo(json_text(records_of(table)))
    elif not quiet:
        Console().print(sweep_table(axes, records_of(table)))
        same = {equal_runs_text(task.given) for task in tasks}
        if len(same) == 1 and (said := same.pop()):
            typer.echo(said)
        for each in skipped:
            typer.echo(f"left out: {each.reason}")
        typer.echo(f"\nAll columns: {target / CSV}, and the same in {PARQUET} beside it.")
