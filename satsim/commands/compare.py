"""The command `satsim compare`."""

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
    Seed,
    Settings,
    overrides_of,
    progress_bar,
)
from satsim.ending import ends_well

PHOTOS = "photos"
MOST_NAME_CHARS = 120


@ends_well
def compare(
    scenarios: Annotated[list[Path], typer.Argument(help="Scenario files; of one alone, its schemes.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder to write; else comparisons/ and the scenarios' names."),
    ] = None,
    image: Photo = None,
    schemes: Annotated[
        str | None, typer.Option(help="Only these, by commas, such as progressive,high_bpp; else all.")
    ] = None,
    anchor: Annotated[
        str | None, typer.Option(help="The competitor that the others are measured against; else the first.")
    ] = None,
    seed: Seed = None,
    runs: Runs = None,
    settings: Settings = None,
    metrics: Metrics = None,
    jobs: Jobs = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Set schemes, or scenarios, side by side over a folder of photos.

    Time to the usable picture, DISTS at each minute with 95 % intervals, win rates, and BD-rate and BD-time:
    the mean percentage of bytes and of waiting time for the same DISTS. Stopped or killed, the same command
    goes on where it was.
    """
    from progic.data import check_outside
    from satsim.compare_photo import send_photo_by_all
    from satsim.compare_plot import PNG, draw_comparison
    from satsim.compare_text import comparison_table, sentences
    from satsim.comparison import CSV, JSON, MINUTES, comparison_of, write_comparison
    from satsim.contest import load_contest, open_photos
    from satsim.drafts import drafted
    from satsim.kept import Place, run_jobs
    from satsim.workers import local_workers

    names = [] if schemes is None else [name.strip() for name in schemes.split(",")]
    contest = load_contest(scenarios, overrides_of(settings, image, seed, runs, metrics), names, anchor)
    title = "+".join(scenario.name for scenario in contest.scenarios)[:MOST_NAME_CHARS]
    target = Path("comparisons") / title if out is None else out
    check_outside("-o", target, [contest.scenarios[0].image.path])
    place = Place(target, PHOTOS, "a comparison's")
    with progress_bar(quiet) as progress:
        progress("reading", 0)
        photos = open_photos(contest)
        with local_workers(jobs) as executor:
            results = run_jobs(photos.jobs, send_photo_by_all, place, executor, progress)
        progress("drawing", 1)
        found = comparison_of(contest, photos, results)
        with drafted(target) as draft:
            write_comparison(draft, found)
            draw_comparison(found, draft)
    if as_json:
        typer.echo((target / JSON).read_text(encoding="utf-8"), nl=False)
    elif not quiet:
        Console().print(comparison_table(found))
        for line in sentences(found):
            typer.echo(line)
        typer.echo(
            f"\nAll columns: {target / CSV}; minute by minute: {MINUTES}; the figure is {PNG} beside it."
        )
