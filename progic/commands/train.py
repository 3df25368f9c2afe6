"""The command `progic train`."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import torch
import typer

from progic import weights
from progic.codec import CodecNet
from progic.config import TrainConfig, load_recipe, shipped_recipes
from progic.data import PhotoSet, check_outside, chosen, photo_paths, read_photos
from progic.ending import STOPPED, ends_well, printable
from progic.errors import ConfigError, ImageError, InputError
from progic.heap import keep_freed_memory
from progic.images import fit_photo, open_photo, to_tensor
from progic.metric_weights import load_metric_weights

if TYPE_CHECKING:
    from progic.train import Trainer


@ends_well
def train_command(
    photos: Annotated[list[Path], typer.Argument(help="Folders of photos.")],
    recipe: Annotated[
        str, typer.Option(help=f"A .yaml file, or one that is shipped: {', '.join(shipped_recipes())}.")
    ] = "f16",
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", help="Folder for checkpoint, weights, log and, with --validation, pictures."
        ),
    ] = Path("training"),
    validation: Annotated[
        Path | None, typer.Option(help="Folder of photos that show how far it is; never trained on.")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps in all, instead of the recipe's.")] = None,
    max_minutes: Annotated[
        float, typer.Option(min=0, help="Stop after so long, with a checkpoint.")
    ] = math.inf,
    start: Annotated[
        str,
        typer.Option(
            help="Bundled model, or the path of a .safetensors file, to begin with; else a new net."
        ),
    ] = "",
) -> None:
    """Train a model; goes on from OUT/checkpoint.safetensors where there is one."""
    config = load_recipe(recipe)
    from progic.train import train  # which takes seconds

    if steps is not None:
        config = config.model_copy(update={"steps": steps})
    written = out / f"{config.codec.name}.safetensors"
    _check_not_its_own(written, config, start)
    if not start:
        _check_new(recipe, config)
    check_outside("-o", out, photos)
    if validation is not None:
        _check_apart(validation, photos)
        check_outside("-o", out, [validation])
    keep_freed_memory()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    begin = weights.load(start).net if start else None
    watched = [] if validation is None else _watched(validation)  # before the long part
    trainer = _trainer(recipe, config, read_photos(photos, _tell, config.short_side_px), device, begin)
    checkpoint = out / "checkpoint.safetensors"
    if checkpoint.exists():
        trainer.resume(checkpoint)
        _tell(f"goes on from step {trainer.step}")
        if trainer.step >= config.steps:
            _tell(f"all {config.steps} steps are done; --steps asks for more")
    if train(trainer, out, watched, max_minutes):
        raise typer.Exit(STOPPED)
    if trainer.step >= config.steps:
        _tell(f"{written}: the model after {trainer.step} steps")


def _trainer(
    recipe: str, config: TrainConfig, photos: PhotoSet, device: torch.device, start: CodecNet | None
) -> "Trainer":
    """Return a training at step 0; raises ConfigError, with the recipe, where nets or photos do not fit."""
    from progic.train import Trainer

    metric_weights = load_metric_weights()
    try:
        return Trainer(config, photos, metric_weights, device, start)
    except (ConfigError, ImageError) as error:  # of nets, and of crops that no photo has
        raise ConfigError(f"{recipe}: {error}") from None


def _tell(line: str) -> None:
    typer.echo(printable(line), err=True)


def _check_not_its_own(written: Path, config: TrainConfig, start: str) -> None:
    """Raise InputError where the weights that training writes would replace those that it is made from."""
    for key, read in (("codec.trunk", config.codec.trunk), ("teacher", config.teacher), ("--start", start)):
        if read.endswith(".safetensors") and Path(read).resolve() == written.resolve():
            raise InputError(
                f"{key}: found {read}, which this training writes; allowed is another file, or -o DIR"
            )


def _check_new(recipe: str, config: TrainConfig) -> None:
    """Raise ConfigError where a new net has nothing to go on from, or would have no codes at its end."""
    if config.start_share:
        found = f"start_share: found {config.start_share:g}"
        raise ConfigError(f"{recipe}: {found}; without --start allowed is 0")
    if config.decoder_alone:
        raise ConfigError(f"{recipe}: decoder_alone: found true; without --start allowed is false")
    if not config.teacher and config.steps <= config.warmup_steps:
        found = f"{recipe}: warmup_steps: found {config.warmup_steps}, after which codes are made"
        raise ConfigError(f"{found}; allowed is less than steps, {config.steps}")


def _check_apart(watched: Path, learned: Sequence[Path]) -> None:
    """Raise InputError where photos that are watched are learned from too."""
    inside, *others = (each.resolve() for each in (watched, *learned))
    shared = [each for each in others if inside.is_relative_to(each) or each.is_relative_to(inside)]
    if shared and watched.is_dir():
        found = f"found {watched}, which shares photos with those to learn from"
        raise InputError(f"--validation: {found}; allowed: a folder apart")


def _watched(folder: Path, count: int = 8, side_px: int = 256) -> list[torch.Tensor]:
    """A few photos of the folder, evenly spread, as tensors (3 h w)."""
    paths = chosen(photo_paths([folder]), count)
    return [to_tensor(fit_photo(open_photo(path), (side_px, side_px)))[0] for path in paths]
