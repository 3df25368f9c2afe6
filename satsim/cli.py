"""The command `satsim`: reads the command line, calls the rooms, says what came of it.

Exit codes: 0; 2 for what the user can mend; 1 for a failure while running; 130 when stopped by Ctrl-C.
torch takes seconds to import, so what needs it is imported by the command that uses it.
"""

import json
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from satsim.ending import ends_well
from satsim.errors import InputError, TraceError
from satsim.fit import fit_bursts
from satsim.grid import axis_of, points_of
from satsim.presets import load_preset, preset_names
from satsim.report import REPORT, finish
from satsim.rundir import SUMMARY, Run, read_run
from satsim.scenario import load_scenario
from satsim.settings import Metric
from satsim.terminal import notes, preset_table, presets_table, result_table, sweep_table
from satsim.timeline import PNG
from satsim.trace import read_trace
from satsim.weights_cli import weights_app
from satsim.wording import METRIC_LABELS

app = typer.Typer(
    help="Put a photo on a simulated satellite short-message link and see what arrives, and when.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(weights_app, name="weights")
SHORT_NAMES = {"psnr": "psnr_db"}

ScenarioFile = Annotated[Path, typer.Argument(help="A scenario file, such as scenarios/forest_fire.yaml.")]
Photo = Annotated[
    Path | None, typer.Option(help="Send this photo, or each photo in this folder, not the scenario's.")
]
Seed = Annotated[int | None, typer.Option(help="Decides which packets are lost.")]
Runs = Annotated[
    int | None, typer.Option(help="So often, each with losses of its own; the results say how they spread.")
]
Settings = Annotated[
    list[str] | None, typer.Option("--set", "-s", help="KEY=VALUE over the file's: -s link.loss.rate=0.2")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print only JSON on standard output.")]
Metrics = Annotated[
    str | None,
    typer.Option(help="Some of dists,lpips,psnr_db,ms_ssim; without the first two no weights are needed."),
]


@app.command()
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
    overrides = _overrides(settings, image, seed, runs, metrics)
    loaded = load_scenario(scenario, overrides)
    target = Path("runs") / loaded.name if out is None else out

    from satsim.pipeline import run_scenario

    with _progress(quiet) as progress:
        result = run_scenario(loaded, str(scenario), target, overwrite, finish, progress)
    if as_json:
        typer.echo((target / SUMMARY).read_text(encoding="utf-8"), nl=False)
    elif not quiet:
        _print_result(result)


@app.command()
@ends_well
def sweep(
    scenario: ScenarioFile,
    grid: Annotated[
        list[str],
        typer.Option("--grid", "-g", help="KEY=VALUES: -g link.loss.rate=0,0.1 -g codec.stages=1..5"),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder to write; else sweeps/ and the name."),
    ] = None,
    image: Photo = None,
    seed: Seed = None,
    runs: Runs = None,
    settings: Settings = None,
    metrics: Metrics = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Processes; else one a core.")
    ] = None,
    dask: Annotated[str | None, typer.Option(help="Not here, but by the dask scheduler at tcp://…")] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Run a scenario at every point of a grid over its keys, in parallel, into one table.

    Stopped or killed, the same command goes on where it was; a larger grid in the same folder runs only what
    is new. Values stand apart by commas, 1..5 counts up, and a YAML list takes anything:
    -g 'repair=[{kind: none}, {kind: carousel, rounds: 3}]'.
    """
    from satsim.sweep import run_tasks, tasks_of
    from satsim.sweep_table import records_of, table_of, write_table
    from satsim.workers import dask_workers, local_workers

    axes = [axis_of(text) for text in grid]
    points = points_of(axes)
    tasks = tasks_of(scenario, _overrides(settings, image, seed, runs, metrics), points)
    target = Path("sweeps") / tasks[0].scenario.name if out is None else out
    workers = local_workers(jobs or os.cpu_count() or 1) if dask is None else dask_workers(dask)
    with workers as executor, _progress(quiet) as progress:
        results = run_tasks(tasks, target, executor, progress)
    table = table_of(axes, points, results)
    write_table(target, table)
    if as_json:
        typer.echo(json.dumps(records_of(table), indent=1))
    elif not quiet:
        Console().print(sweep_table(axes, records_of(table)))
        typer.echo(f"\nAll columns: {target / 'sweep.csv'}, and the same in sweep.parquet beside it.")


@app.command()
@ends_well
def score(
    original: Annotated[Path, typer.Argument(help="The photo as it was.")],
    picture: Annotated[Path, typer.Argument(help="The picture to judge, of the same size.")],
    metrics: Metrics = None,
    as_json: AsJson = False,
) -> None:
    """Print how near a picture is to its original: DISTS, LPIPS, PSNR and MS-SSIM.

    In JSON, null is a score that was not asked for or has no finite value: PSNR of equal pictures,
    MS-SSIM below 161 pixels.
    """
    asked = _asked_metrics(metrics)

    from progic.images import open_photo
    from satsim.intake import load_perceptual
    from satsim.quality import Scorer

    first, second = open_photo(original), open_photo(picture)
    if first.size != second.size:
        sizes = f"found {second.width}x{second.height} pixels, allowed {first.width}x{first.height}"
        raise InputError(f"{picture}: {sizes}, as {original}")
    scores = Scorer(first, asked, load_perceptual(asked)).scores(second)._asdict()
    if as_json:
        finite = [name for name, value in scores.items() if value is not None and math.isfinite(value)]
        typer.echo(json.dumps({name: round(scores[name], 6) if name in finite else None for name in scores}))
        return
    for name in asked:
        value = scores[name]
        typer.echo(f"{METRIC_LABELS[name]:10} {'not defined' if value is None else f'{value:.4f}'}")


@app.command()
@ends_well
def links(
    name: Annotated[
        str | None, typer.Argument(help="A preset to show, or `fit`; all are listed without.")
    ] = None,
    trace: Annotated[Path | None, typer.Argument(help="With `fit`: a CSV of time_s and outcome.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the services that a scenario can name as its link, or show one with the sources of its values.

    `satsim links fit trace.csv` gives the Gilbert-Elliott loss of a recorded trace, with 95 % intervals.
    """
    if name == "fit":
        _fit(trace, as_json)
        return
    presets = {each: load_preset(each) for each in ([name] if name else preset_names())}
    if as_json:
        fields = {each: preset.model_dump(mode="json", exclude_none=True) for each, preset in presets.items()}
        typer.echo(json.dumps(fields[name] if name else fields, indent=2))
    else:
        Console().print(preset_table(presets[name]) if name else presets_table(presets))


@app.command()
@ends_well
def report(folder: Annotated[Path, typer.Argument(help="A run folder that `satsim run` wrote.")]) -> None:
    """Draw a run's figure and report again, from what is in its folder."""
    for photo in read_run(folder).manifest.photos:
        if photo.run is not None:
            finish(folder / photo.run)
    finish(folder)
    typer.echo(f"{folder / REPORT}")


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(f"satsim {installed_version('progic-satsim')}")


def _fit(trace: Path | None, as_json: bool) -> None:
    if trace is None:
        raise InputError("links fit: found no trace; allowed: a CSV file, as in `satsim links fit trace.csv`")
    recorded = read_trace(trace)
    try:
        found = fit_bursts(recorded.lost)
    except TraceError as error:
        raise InputError(f"{trace}: {error}") from None
    if as_json:
        estimates = {"rate": found.rate._asdict(), "mean_burst": found.mean_burst._asdict()}
        typer.echo(json.dumps({**found._asdict(), **estimates}))
        return
    for name, (value, low, high) in (("rate", found.rate), ("mean burst", found.mean_burst)):
        typer.echo(f"{name:10} {value:.4g}, 95 % interval {low:.4g} to {high:.4g}")
    typer.echo(f"{found.losses} lost of {found.outcomes}, in {found.bursts} bursts that end in the trace")
    loss = f"rate: {found.rate.value:.4g}, mean_burst: {found.mean_burst.value:.4g}"
    typer.echo(f"loss: {{kind: gilbert_elliott, {loss}}}")


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[str, float], None]]:
    """Hand out what draws a bar on standard error, if that is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task("starting", total=1.0)
        yield lambda step, done: bar.update(task, description=step, completed=done)


def _print_result(result: Run) -> None:
    Console().print(result_table(result))
    for line in notes(result):
        typer.echo(line)
    typer.echo(f"\nRun folder: {result.folder}")
    typer.echo(f"Open {result.folder / REPORT}; the figure is {PNG} beside it.")


def _overrides(
    settings: list[str] | None, image: Path | None, seed: int | None, runs: int | None, metrics: str | None
) -> list[str]:
    overrides = list(settings or [])
    overrides += [] if image is None else [f"image.path={_yaml(image.resolve())}"]
    overrides += [] if seed is None else [f"seed={seed}"]
    overrides += [] if runs is None else [f"runs={runs}"]
    return overrides + ([] if metrics is None else [f"metrics=[{', '.join(_metric_names(metrics))}]"])


def _metric_names(text: str) -> list[str]:
    return [SHORT_NAMES.get(name.strip(), name.strip()) for name in text.split(",")]


def _asked_metrics(text: str | None) -> list[Metric]:
    names = list(METRIC_LABELS) if text is None else _metric_names(text)
    known = [metric for metric in METRIC_LABELS if metric in names]
    if len(known) != len(names):
        raise InputError(f"--metrics: found {text}; allowed: some of {','.join(METRIC_LABELS)}, each once")
    return known


def _yaml(path: Path) -> str:
    return json.dumps(str(path), ensure_ascii=False)  # a YAML text whatever characters it has


def main() -> None:
    """Run the command line."""
    # torch's threads otherwise spin while they wait: 91 s against 18 s where other work shares the two cores
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    app()
