"""The command `satsim tune`."""

from pathlib import Path
from typing import Annotated

import typer

from satsim.commands.options import (
    AsJson,
    Jobs,
    Photo,
    Quiet,
    ScenarioFile,
    Seed,
    Settings,
    overrides_of,
    progress_bar,
)
from satsim.csv_file import json_text
from satsim.duration import seconds_of
from satsim.ending import ends_well
from satsim.errors import InputError
from satsim.scenario import naming_sources
from satsim.settings import MOST_RUNS

Sides = Annotated[
    str | None,
    typer.Option(
        help="Longer sides to try beside that shown, in pixels, by commas, 32 to 4096; else 128 to 512."
    ),
]
LossyRuns = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=MOST_RUNS,
        help="How often it is sent where losses or delays are drawn; else the scenario's, or 200.",
    ),
]


@ends_well
def tune(
    scenario: ScenarioFile,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder to write; else tunings/ and the scenario's name."),
    ] = None,
    deadline: Annotated[
        str | None,
        typer.Option(help="By when the picture counts, such as 90s, 5m or 1h30m; else ten messages."),
    ] = None,
    budget_bytes: Annotated[
        int | None, typer.Option(min=1, help="Most bytes on the air, headers and repeats too; else no limit.")
    ] = None,
    max_cost: Annotated[
        float | None,
        typer.Option(min=0, help="Most US dollars for all messages, by link.billing; else no limit."),
    ] = None,
    loss: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Share of messages lost: link.loss.rate; else the scenario's."),
    ] = None,
    models: Annotated[
        str | None,
        typer.Option(help="Models to try, by commas, such as f16,f32; else all that `progic info` lists."),
    ] = None,
    sides: Sides = None,
    image: Photo = None,
    seed: Seed = None,
    runs: LossyRuns = None,
    settings: Settings = None,
    jobs: Jobs = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Search model, size, stages and repair for a photo and a link: earliest usable, best, cheapest usable.

    Every candidate is sent through the simulator and scored by DISTS against the photo at the size at which
    it is shown (image.shown; else as it is, 512 pixels at most). Killed, the same command goes on.
    """
    from progic.data import check_outside
    from satsim.drafts import drafted
    from satsim.tune import SIDES_PX, Asked, prepare, search
    from satsim.tune_answers import answers_of, front_of
    from satsim.tune_folder import record_of, remove_former, write_tuning
    from satsim.tune_plot import draw_tune
    from satsim.tune_words import lines_of
    from satsim.workers import local_workers

    deadline_s = None if deadline is None else seconds_of(deadline, "--deadline")
    names = tuple(dict.fromkeys(name.strip() for name in models.split(","))) if models else ()
    asked = Asked(deadline_s, budget_bytes, max_cost, names, _sides(sides) if sides else SIDES_PX)
    overrides = overrides_of(settings, image, seed, runs, None)
    overrides += [] if loss is None else [f"link.loss.rate={loss}"]
    with naming_sources(scenario, overrides):
        tuning = prepare(scenario, overrides, asked)
    target = Path("tunings") / tuning.scenario.name if out is None else out
    check_outside("-o", target, [tuning.scenario.image.path])
    with local_workers(jobs) as executor, progress_bar(quiet) as progress:
        tuning = search(tuning, target, executor, progress)
    answers, front = answers_of(tuning), front_of(tuning.rows)
    with drafted(target) as draft:
        write_tuning(draft, tuning, answers, front)
        draw_tune(draft, tuning, answers, front)
    remove_former(target, answers)
    if as_json:
        typer.echo(json_text(record_of(tuning, answers, front)))
    elif not quiet:
        for line in lines_of(tuning, answers, target):
            typer.echo(line)


def _sides(text: str) -> tuple[int, ...]:
    sides = tuple(int(part) for part in text.split(",") if part.strip().isdecimal())
    if len(sides) < len(text.split(",")) or not all(32 <= side <= 4096 for side in sides):
        raise InputError(f"--sides: found {text}; allowed: whole numbers from 32 to 4096, such as 128,256")
    return sides
