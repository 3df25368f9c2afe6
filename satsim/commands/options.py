"""What several commands take, and how the long ones show that they go on."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from satsim.errors import InputError
from satsim.progress import Progress
from satsim.settings import MOST_RUNS, Metric
from satsim.wording import METRIC_LABELS

SHORT_NAMES = {"psnr": "psnr_db"}

ScenarioFile = Annotated[Path, typer.Argument(help="A scenario file, such as scenarios/forest_fire.yaml.")]


Photo = Annotated[
    Path | None,
    typer.Option(
        help="Send this photo, not the scenario's; or each of a folder and those below it, and their mean."
    ),
]
Seed = Annotated[
    int | None, typer.Option(min=0, help="Decides which packets are lost; else the scenario's, or 1.")
]
Runs = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=MOST_RUNS,
        help="How often it is sent, each time with losses of its own; else the scenario's, or 1.",
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        "-s",
        help="KEY=VALUE over the file's, such as image.fit=pad; `satsim keys` lists them. May be repeated.",
    ),
]
Jobs = Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Processes; else one for each core.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print only JSON on standard output.")]
Metrics = Annotated[
    str | None,
    typer.Option(
        help="By commas, of dists, lpips, psnr_db, ms_ssim; else all. The first two need the metric weights."
    ),
]

SerialDevice = Annotated[
    str | None,
    typer.Option("--serial", help="A serial device, SLIP frames (RFC 1055); needs the extra serial."),
]
Baud = Annotated[int, typer.Option(min=1, help="The serial device's rate, bits a second.")]


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Progress]:
    """Hand out what draws a bar on standard error, if that is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Bar(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task("starting", total=1.0)
        yield lambda step, done: bar.update(task, description=step, completed=done)


def overrides_of(
    settings: list[str] | None, image: Path | None, seed: int | None, runs: int | None, metrics: str | None
) -> list[str]:
    """Return a command's options as overrides of the scenario's keys."""
    overrides = list(settings or [])
    overrides += [] if image is None else [f"image.path={_yaml(os.path.realpath(image))}"]
    overrides += [] if seed is None else [f"seed={seed}"]
    overrides += [] if runs is None else [f"runs={runs}"]
    if metrics is not None:
        asked_metrics(metrics)
        names = ", ".join(_metric_names(metrics))  # in their order: the first is shown
        overrides.append(f"metrics=[{names}]")
    return overrides


def _metric_names(text: str) -> list[str]:
    return [SHORT_NAMES.get(name.strip(), name.strip()) for name in text.split(",")]


def asked_metrics(text: str | None) -> list[Metric]:
    """Return the metrics of `--metrics`, all without it; raises InputError for one that is unknown."""
    names = list(METRIC_LABELS) if text is None else _metric_names(text)
    known = [metric for metric in METRIC_LABELS if metric in names]
    if len(known) != len(names):
        raise InputError(f"--metrics: found {text}; allowed: some of {','.join(METRIC_LABELS)}, each once")
    return known


def _yaml(path: str) -> str:
    text = json.dumps(path, ensure_ascii=False)
    # what is no UTF-8 came as half a pair, which YAML takes escaped alone
    return re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", text)


def one_way(ways: Mapping[str, object]) -> None:
    """Raise InputError unless just one of the options is given."""
    given = [name for name, value in ways.items() if value not in (None, False)]
    if len(given) != 1:
        raise InputError(f"found {' and '.join(given) or 'no way'}; allowed: one of {', '.join(ways)}")


def is_host(text: str) -> bool:
    """Tell whether a text can name a host at all; an empty one would be all addresses of this machine."""
    try:
        return bool(text.encode("idna"))
    except UnicodeError:
        return False


def address_of(text: str, host: str = "") -> tuple[str, int]:
    """Read HOST:PORT, or PORT of `host` where that is given; raises InputError."""
    found, colon, port = text.rpartition(":")
    found = found if colon else host
    least = 0 if host else 1  # to listen at, 0 is any free one
    if not is_host(found) or not port.isdecimal() or not least <= int(port) <= 65_535:
        allowed = "PORT or HOST:PORT" if host else "HOST:PORT"
        raise InputError(f"--udp: found {text}; allowed: {allowed}, such as 127.0.0.1:5005")
    return found, int(port)
