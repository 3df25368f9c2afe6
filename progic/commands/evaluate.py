"""The command `progic evaluate`."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress, TaskID

from progic import weights
from progic.classical import FORMATS, formats_of
from progic.commands.bar import progress_bar
from progic.commands.options import AsJson, Model, Refine, Stagewise, check_search, size_of
from progic.config import DEFAULT_MODEL
from progic.ending import ends_well, printable
from progic.heap import keep_freed_memory
from progic.metric_weights import load_metric_weights
from progic.metrics import PerceptualMetrics
from progic.refine import refined


@ends_well
def evaluate_command(
    folder: Annotated[
        Path, typer.Argument(help="Photos that the model was not trained on: a folder, and those below it.")
    ],
    model: Model = DEFAULT_MODEL,
    size: Annotated[
        str, typer.Option(help="WIDTHxHEIGHT in pixels that each is scaled and cropped to.")
    ] = "256x256",
    against: Annotated[
        str,
        typer.Option(help=f"Classical codecs beside it, by commas: {', '.join(FORMATS)}."),
    ] = "",
    subsets: Annotated[
        bool, typer.Option("--subsets", help="Every set of stages, not prefixes only (models of at most 10).")
    ] = False,
    refine: Refine = 0,
    stagewise: Stagewise = False,
    figure: Annotated[
        Path | None, typer.Option(help="Draw DISTS and LPIPS against bytes: .png, .svg or .pdf.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure a model: DISTS, LPIPS, PSNR and MS-SSIM after 1..N stages, and how its codes are used."""
    from progic import tables
    from progic.compare import compare
    from progic.evaluate import check_subsets, evaluate, evaluate_subsets
    from progic.rate_figure import check_path, draw

    check_search(refine, stagewise)
    formats = formats_of(against)
    if figure is not None:
        check_path(figure, folder)  # before the long part
    keep_freed_memory()
    trained = weights.load(model)
    if subsets:
        check_subsets(trained)
    metrics = PerceptualMetrics(load_metric_weights())
    codec = refined(trained, refine, stagewise=stagewise)
    with progress_bar() as bar:
        result = evaluate(codec, folder, metrics, size_of(size), _task(bar, "photos"))
        rivals = compare(result, folder, formats, metrics, _task(bar, "files")) if formats else ()
        sets = evaluate_subsets(codec, folder, result, metrics, _task(bar, "sets")) if subsets else ()
    for line in result.skipped:
        typer.echo(f"skipped: {printable(line)}", err=True)
    if as_json:
        typer.echo(tables.as_json(result, rivals, sets))
    else:
        tables.show(result, rivals, sets)
    if figure is not None:
        draw(result, rivals, figure)  # last: what goes wrong with a file must not take the table along


def _task(bar: Progress, title: str) -> Callable[[int, int], None]:
    task: TaskID = bar.add_task(title, visible=False)
    return lambda done, total: bar.update(task, completed=done, total=total, visible=True)
