"""The command `progic analyse`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table

from progic import classical, weights
from progic.analyses import NAMES
from progic.commands.bar import progress_bar
from progic.commands.options import AsJson, Model, Refine, Stagewise, check_search, size_of
from progic.config import DEFAULT_MODEL
from progic.data import check_outside
from progic.ending import ends_well
from progic.errors import InputError
from progic.heap import keep_freed_memory
from progic.json_text import json_text
from progic.refine import refined

if TYPE_CHECKING:
    from progic.analyses.catalogue import Outcome
    from progic.analyses.result import Result
    from progic.analyses.study import Progress as Report
    from progic.analyses.study import Settings

USUAL = ("webp", "avif", "jpeg", "jp2", "jxl")  # without --against
COMPARING = ("rd", "bd-rate", "all")  # analyses that look at them
KNOWN = ", ".join([*NAMES, "all"])
Folder = Annotated[
    Path | None, typer.Argument(help="Folder of photos that the model was not trained on; or one photo.")
]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder for all files.")]
Size = Annotated[str, typer.Option(help="WIDTHxHEIGHT in pixels that each is scaled and cropped to.")]
Photos = Annotated[int, typer.Option(min=0, help="So many of the folder, evenly spread; 0 is all.")]
Against = Annotated[
    str,
    typer.Option(
        help="Classical codecs of rd and bd-rate, by commas:"
        f" {', '.join(classical.FORMATS)}; else {', '.join(USUAL)}."
    ),
]
Anchor = Annotated[str, typer.Option(help="Of bd-rate: a published curve, or one of --against.")]
Priors = Annotated[Path | None, typer.Option(help="Folder of training photos for range-coding's priors.")]
Run = Annotated[Path | None, typer.Option(help="Folder that satsim run wrote, for satcom; else it is made.")]
Clip = Annotated[Path | None, typer.Option(help="Folder of CLIP weights, for CLIP-IQA in rd.")]
Threads = Annotated[int, typer.Option(min=0, help="CPU threads; 1 as on a handset; 0 is torch's own number.")]
Seed = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of the points of tsne.")]


@ends_well
def analyse(
    name: Annotated[str, typer.Argument(help=f"Which analysis: {KNOWN}.")],
    folder: Folder = None,
    out: Out = Path("paper"),
    model: Model = DEFAULT_MODEL,
    size: Size = "256x256",
    photos: Photos = 0,
    against: Against = "",
    anchor: Anchor = "ms-illm",
    priors: Priors = None,
    run: Run = None,
    clip_iqa: Clip = None,
    threads: Threads = 0,
    refine: Refine = 0,
    stagewise: Stagewise = False,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Make one result of the ProGIC supplement again, or all, with the paper's value beside ours.

    Each is a figure (PNG, SVG), a CSV and a JSON in OUT; `all` writes paper.html and findings.md too, and
    goes on where it was stopped; one by name is always made anew. bpp, runtime and satcom need no photos.
    --refine is for all that codes photos, but not for tsne and runtime, which show the net as it is.
    """
    if name not in (*NAMES, "all"):
        raise InputError(f"analysis: found {name!r}, allowed {KNOWN}")
    check_search(refine, stagewise)
    check_outside("-o", out, [each for each in (folder, priors) if each is not None])
    from progic.analyses.study import Settings

    settings = Settings(
        size=size_of(size),
        photo_count=photos,
        formats=_formats(against, name),
        anchor=anchor,
        priors="" if priors is None else str(priors),
        run="" if run is None else str(run),
        clip="" if clip_iqa is None else str(clip_iqa),
        threads=threads,
        seed=seed,
        refine_steps=refine,
        refine_stagewise=stagewise,
    )
    _make(name, folder, out, model, settings, as_json)


def _make(name: str, folder: Path | None, out: Path, model: str, settings: "Settings", as_json: bool) -> None:
    import torch

    from progic.analyses import catalogue  # which takes seconds, with all that draws
    from progic.analyses.bd_rate import check_anchor
    from progic.analyses.study import Study

    check_anchor(settings)
    keep_freed_memory()
    if settings.threads:
        torch.set_num_threads(settings.threads)
    with progress_bar() as bar:
        codec = refined(weights.load(model), settings.refine_steps, stagewise=settings.refine_stagewise)
        study = Study(codec, model, folder, out, settings, _reporter(bar))
        if name == "all":
            outcomes = catalogue.make_all(study, _tell)
        else:
            made = catalogue.make(name, study)
    if name == "all":
        _finish_all(out, outcomes, as_json)
    else:
        _show(made, out, as_json)


def _formats(against: str, name: str) -> tuple[str, ...]:
    """The formats named, or the paper's that can be written here; an analysis of them tells which cannot."""
    named = classical.formats_of(against)
    lacking = {each: classical.lacks(each) for each in USUAL}
    for complaint in lacking.values():
        if complaint and not named and name in COMPARING:
            typer.echo(f"left out: {complaint}", err=True)
    return named or tuple(each for each, complaint in lacking.items() if complaint is None)


def _reporter(bar: Progress) -> "Report":
    tasks: dict[str, TaskID] = {}

    def report(what: str, done: int, total: int) -> None:
        if what not in tasks:
            tasks[what] = bar.add_task(what, total=total)
        bar.update(tasks[what], completed=done, total=total)

    return report


def _tell(outcome: "Outcome") -> None:
    state = (
        f"not made: {outcome.complaint}"
        if outcome.complaint
        else "as it was"
        if outcome.was_there
        else f"made in {outcome.took_s:.0f} s"
    )
    typer.echo(f"{outcome.name}: {state}", err=True)


def _finish_all(out: Path, outcomes: "list[Outcome]", as_json: bool) -> None:
    from progic.analyses.page import write_page

    complaints = {each.name: each.complaint for each in outcomes if each.complaint}
    page = write_page(out, list(NAMES), complaints)
    if as_json:
        made = [each.name for each in outcomes if not each.complaint]
        typer.echo(json_text({"page": str(page), "made": made, "not_made": complaints}))
    else:
        typer.echo(f"{page}: {len(outcomes) - len(complaints)} of {len(outcomes)} analyses")


def _show(made: "Result", out: Path, as_json: bool) -> None:
    if as_json:
        typer.echo(json_text(made.as_json()))
        return
    table = Table("", "ours", "paper", "difference", title=f"{made.title} ({made.reference})")
    for each in made.beside:
        table.add_row(each.what, each.ours, each.paper, each.difference)
    console = Console()
    console.print(table)
    for note in made.notes:
        if note:
            console.print(note, style="dim", markup=False, highlight=False)
    typer.echo(f"{out / made.name}.png, .svg, .csv, .json: {made.photos} photos, model {made.model}")
