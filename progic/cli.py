"""The command `progic`: parse, call, print."""

import json
import math
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, ParamSpec

import torch
import typer
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table

from progic import tables, weights
from progic.bitstream import StageFile, read_stage_file, write_stage_file
from progic.classical import check_format
from progic.codec import Codec
from progic.compare import compare
from progic.config import load_recipe
from progic.data import read_photos
from progic.errors import InputError, PayloadError, ProgicError
from progic.evaluate import evaluate, evaluate_subsets
from progic.images import fit_photo, open_photo, to_tensor
from progic.metric_weights import load_metric_weights
from progic.metrics import PerceptualMetrics
from progic.rate_figure import check_path, draw
from progic.replacing import replacing
from progic.train import Trainer, train

app = typer.Typer(
    help="Turn photos into stages of a few hundred bytes, and any stages back into a photo.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
stderr = Console(stderr=True)
P = ParamSpec("P")
MENDABLE = (InputError, FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)

Model = Annotated[
    str, typer.Option("--model", "-m", help="Bundled model, or the path of a .safetensors file.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print only JSON.")]


def _ends_well(command: Callable[P, None]) -> Callable[P, None]:
    """End with a line and exit code 2 where the user can mend it, 1 where not; never with a traceback."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except MENDABLE as error:
            typer.echo(f"progic: {error}", err=True)
            raise typer.Exit(2) from None
        except (ProgicError, OSError) as error:
            typer.echo(f"progic: {error}", err=True)
            raise typer.Exit(1) from None

    return wrapped


@app.command()
@_ends_well
def encode(
    photo: Annotated[Path, typer.Argument(help="PNG, JPEG, WebP, AVIF, TIFF or BMP.")],
    out: Annotated[Path, typer.Argument(help="The .progic file to write.")],
    model: Model = "f16",
    size: Annotated[
        str, typer.Option(help="WIDTHxHEIGHT to scale and crop to first; as it is without.")
    ] = "",
) -> None:
    """Code a photo into a .progic file of all stages."""
    codec = weights.load(model)
    image = open_photo(photo)
    if size:
        image = fit_photo(image, _size(size))
    stages = codec.encode(image)
    config = codec.config
    content = StageFile(
        codec.fingerprint[:16],
        config.n_stages,
        config.bits_per_index,
        config.downsampling_factor,
        image.size,
        dict(enumerate(stages)),
    )
    with replacing(out) as partial:
        partial.write_bytes(write_stage_file(content))
    width, height = image.size
    typer.echo(f"{out}: {width}x{height}, {len(stages)} stages of {len(stages[0])} bytes")


@app.command()
@_ends_well
def decode(
    source: Annotated[Path, typer.Argument(help="A .progic file.")],
    out: Annotated[Path, typer.Argument(help="The picture to write; its suffix says the format.")],
    stages: Annotated[
        str, typer.Option(help="How many from the first (`2`), or which (`1,4`); all without.")
    ] = "",
    model: Model = "f16",
) -> None:
    """Draw the photo from the stages of a .progic file, or from some of them."""
    content = read_stage_file(source.read_bytes())
    codec = weights.load(model)
    if not codec.fingerprint.startswith(content.fingerprint):
        ours = codec.fingerprint[:16]
        raise PayloadError(f"{source}: written with weights {content.fingerprint}, {model} has {ours}")
    picture = codec.decode(_chosen(content, stages), content.size)
    try:
        with replacing(out) as partial:
            picture.save(partial)
    except ValueError:
        raise InputError(f"{out}: suffix {out.suffix!r} is no format that can be written; try .png") from None
    typer.echo(f"{out}: {picture.width}x{picture.height}")


def _chosen(content: StageFile, wanted: str) -> dict[int, bytes]:
    if not wanted:
        return dict(content.stages)
    try:
        numbers = [int(part) for part in wanted.split(",")]
    except ValueError:
        raise InputError(
            f"--stages: found {wanted!r}, allowed a count such as 2, or numbers such as 1,4"
        ) from None
    chosen = range(1, numbers[0] + 1) if len(numbers) == 1 else numbers
    missing = [number for number in chosen if number - 1 not in content.stages]
    if missing or not chosen:
        held = ", ".join(str(stage + 1) for stage in content.stages)
        raise InputError(f"--stages: found {wanted!r}, the file holds {held}")
    return {number - 1: content.stages[number - 1] for number in chosen}


@app.command()
@_ends_well
def info(model: Model = "f16", as_json: AsJson = False) -> None:
    """Show a model: its rate, its size, how it was trained, and what it measured."""
    codec = weights.load(model)
    facts = _facts(codec)
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
        return
    table = Table(title=f"progic model {codec.config.name}", show_header=False)
    for name, value in facts.items():
        table.add_row(name, str(value))
    Console().print(table)
    card = weights.BUNDLED / f"{model}.md"
    if card.is_file():
        typer.echo(card.read_text(encoding="utf-8"))


def _facts(codec: Codec) -> dict[str, object]:
    config = codec.config
    return {
        "stages (N)": config.n_stages,
        "bits per index (L)": config.bits_per_index,
        "downsampling factor (f)": config.downsampling_factor,
        "bytes per stage at 256x256": codec.bytes_per_stage((256, 256)),
        "bits per pixel, first to last stage": [
            round((k + 1) * config.bits_per_pixel / config.n_stages, 6) for k in range(config.n_stages)
        ],
        "sha256": codec.fingerprint,
        "bundled models": weights.bundled_models(),
    }


@app.command("train")
@_ends_well
def train_command(
    photos: Annotated[list[Path], typer.Argument(help="Folders of photos.")],
    recipe: Annotated[str, typer.Option(help="Shipped recipe, or a .yaml file.")] = "f16",
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for checkpoint, weights, log and strip.")
    ] = Path("training"),
    validation: Annotated[
        Path | None, typer.Option(help="Folder of photos to watch; never trained on.")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps in all, instead of the recipe's.")] = None,
    max_minutes: Annotated[
        float, typer.Option(min=0, help="Stop after so long, with a checkpoint.")
    ] = math.inf,
    start: Annotated[
        str, typer.Option(help="Model to begin with: bundled, or a .safetensors file; a new net without.")
    ] = "",
) -> None:
    """Train a model; goes on from OUT/checkpoint.safetensors where there is one."""
    config = load_recipe(recipe)
    if steps is not None:
        config = config.model_copy(update={"steps": steps})
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    begin = weights.load(start).net if start else None
    trainer = Trainer(config, read_photos(photos), load_metric_weights(), device, begin)
    checkpoint = out / "checkpoint.safetensors"
    if checkpoint.exists():
        trainer.resume(checkpoint)
        typer.echo(f"goes on from step {trainer.step}", err=True)
    watched = [] if validation is None else _watched(validation)
    train(trainer, out, watched, max_minutes)


def _watched(folder: Path, count: int = 8, side_px: int = 256) -> list[torch.Tensor]:
    """A few photos of the folder, evenly spread, as tensors (3 h w)."""
    paths = sorted(path for path in folder.iterdir() if path.is_file())
    spread = paths[:: max(1, len(paths) // count)][:count]
    return [to_tensor(fit_photo(open_photo(path), (side_px, side_px)))[0] for path in spread]


@app.command("evaluate")
@_ends_well
def evaluate_command(
    folder: Annotated[Path, typer.Argument(help="Folder of photos that the model was not trained on.")],
    model: Model = "f16",
    size: Annotated[
        str, typer.Option(help="WIDTHxHEIGHT that each photo is scaled and cropped to.")
    ] = "256x256",
    against: Annotated[
        str, typer.Option(help="Classical codecs beside it, of webp,avif,jpeg,jp2,jxl; with commas.")
    ] = "",
    subsets: Annotated[
        bool, typer.Option("--subsets", help="Every set of stages, not prefixes only.")
    ] = False,
    figure: Annotated[Path | None, typer.Option(help="Draw DISTS and LPIPS against bytes.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure a model: DISTS, LPIPS, PSNR and MS-SSIM after 1..N stages, and how its codes are used."""
    formats = [name.strip() for name in against.split(",") if name.strip()]
    for name in formats:
        check_format(name)
    if figure is not None:
        check_path(figure)  # before the long part
    metrics, codec = PerceptualMetrics(load_metric_weights()), weights.load(model)
    with Progress(console=stderr, disable=not sys.stderr.isatty(), transient=True) as bar:
        result = evaluate(codec, folder, metrics, _size(size), _task(bar, "photos"))
        rivals = compare(result, folder, formats, metrics, _task(bar, "files")) if formats else ()
        sets = evaluate_subsets(codec, folder, result, metrics, _task(bar, "sets")) if subsets else ()
    for line in result.skipped:
        typer.echo(f"skipped: {line}", err=True)
    if figure is not None:
        draw(result, rivals, figure)
    if as_json:
        typer.echo(tables.as_json(result, rivals, sets))
    else:
        tables.show(result, rivals, sets)


def _task(bar: Progress, title: str) -> Callable[[int, int], None]:
    task: TaskID = bar.add_task(title, visible=False)
    return lambda done, total: bar.update(task, completed=done, total=total, visible=True)


def _size(text: str) -> tuple[int, int]:
    try:
        width, height = (int(part) for part in text.lower().split("x"))
    except ValueError:
        raise InputError(f"--size: found {text!r}, allowed WIDTHxHEIGHT such as 256x256") from None
    if not (1 <= width <= 65535 and 1 <= height <= 65535):
        raise InputError(f"--size: found {text!r}, allowed sides are 1..65535 pixels")
    return width, height


def main() -> None:
    """Entry point."""
    app()
