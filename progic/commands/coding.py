"""The commands `progic encode`, `progic decode` and `progic info`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from PIL import Image
from rich.console import Console
from rich.table import Table

from progic import weights
from progic.bitstream import MAX_SIDE_PX, StageFile, grid_of, stage_bytes, write_stage_file
from progic.codec import Codec
from progic.commands.bar import progress_bar
from progic.commands.options import (
    AsJson,
    Model,
    Refine,
    Stages,
    Stagewise,
    check_search,
    check_shape,
    chosen_stages,
    opened_stages,
    save_picture,
    size_of,
)
from progic.config import DEFAULT_MODEL, CodecConfig
from progic.ending import ends_well
from progic.errors import InputError, PayloadError
from progic.flops import gflop_of
from progic.images import fit_photo, is_photo_name, open_photo
from progic.json_text import json_text
from progic.refine import refined
from progic.replacing import replacing

CARD_SIZE = (256, 256)  # at which a model's cost is given
BUNDLED_MODELS = "bundled models"


@ends_well
def encode(
    photo: Annotated[
        Path, typer.Argument(help="PNG, JPEG, WebP, AVIF, TIFF, BMP, GIF, PPM; HEIC with its extra.")
    ],
    out: Annotated[Path, typer.Argument(help="The .progic file to write.")],
    model: Model = DEFAULT_MODEL,
    size: Annotated[
        str, typer.Option(help="WIDTHxHEIGHT in pixels that it is scaled and cropped to; else as it is.")
    ] = "",
    refine: Refine = 0,
    stagewise: Stagewise = False,
) -> None:
    """Code a photo into a .progic file of all stages."""
    check_search(refine, stagewise)
    if is_photo_name(out) or (out.exists() and out.samefile(photo)):
        raise InputError(f"{out}: is the name of a photo, allowed is one for the codes, such as photo.progic")
    codec = weights.load(model)
    image = open_photo(photo)
    if size:
        image = fit_photo(image, size_of(size))
    width, height = image.size
    if max(image.size) > MAX_SIDE_PX:
        found = f"found {width}x{height} pixels, allowed sides of up to {MAX_SIDE_PX}"
        raise InputError(f"{photo}: {found}; --size makes it smaller")
    with replacing(out) as partial:  # now, and not after a search of minutes
        stages = _searched(codec, image, refine, stagewise)
        partial.write_bytes(_file_of(codec, image.size, stages))
    typer.echo(f"{out}: {width}x{height}, {len(stages)} stages of {len(stages[0])} bytes")


def _searched(codec: Codec, image: Image.Image, refine: int, stagewise: bool) -> list[bytes]:
    with progress_bar() as bar:
        task = bar.add_task("looking for codes", visible=refine > 0)

        def told(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        return refined(codec, refine, told, stagewise=stagewise).encode(image)


def _file_of(codec: Codec, size: tuple[int, int], stages: Sequence[bytes]) -> bytes:
    config = codec.config
    held = dict(enumerate(stages))
    return write_stage_file(StageFile(codec.fingerprint[:16], *config.shape, size, held))


@ends_well
def decode(
    source: Annotated[Path, typer.Argument(help="A .progic file.")],
    out: Annotated[Path, typer.Argument(help="The picture to write; its suffix says the format.")],
    stages: Stages = "",
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="Bundled model, or the path of a .safetensors file; else the bundled one that wrote SOURCE.",
        ),
    ] = None,
) -> None:
    """Draw the photo from the stages of a .progic file, or from some of them."""
    content = opened_stages(source)
    codec = _codec_of(source, content.fingerprint, model)
    check_shape(source, content, codec.config.shape)
    picture = codec.decode(chosen_stages(content, stages), content.size)
    save_picture(picture, out)
    typer.echo(f"{out}: {picture.width}x{picture.height}")


def _codec_of(source: Path, fingerprint: str, model: str | None) -> Codec:
    """Return the codec that wrote `source`; raises PayloadError for another, or where none is bundled."""
    bundled = weights.with_fingerprint(fingerprint)
    written = f"{source}: written with weights {fingerprint}"
    if model is None and bundled is None:
        raise PayloadError(f"{written}, of no bundled model; --model FILE gives another")
    codec = weights.load(model or str(bundled))
    if not codec.fingerprint.startswith(fingerprint):
        those = f", those of {bundled}" if bundled else ""
        raise PayloadError(f"{written}{those}; {model} has {codec.fingerprint[:16]}")
    return codec


@ends_well
def info(model: Model = DEFAULT_MODEL, as_json: AsJson = False) -> None:
    """Show a model: its rate, its size, how it was trained, what it measured, and which others there are."""
    codec = weights.load(model)
    facts = _facts(codec, weights.file_bytes(model))
    if as_json:
        typer.echo(json_text(facts))
        return
    bundled = facts.pop(BUNDLED_MODELS)
    table = Table(title=f"progic model {codec.config.name}", show_header=False)
    table.add_column()
    table.add_column(overflow="fold")  # a sha256 is longer than what is left of 80 columns
    for name, value in facts.items():
        table.add_row(name, str(value))
    Console().print(table)
    Console().print(_rates_table(bundled))
    card = weights.BUNDLED / f"{model}.md"
    if card.is_file():
        typer.echo(card.read_text(encoding="utf-8"))


def _facts(codec: Codec, n_bytes: int) -> dict[str, Any]:
    config, gflop = codec.config, gflop_of(codec, CARD_SIZE)
    bundled = [weights.config_of(name) for name in weights.bundled_models()]  # without their weights
    return {
        "stages (N)": config.n_stages,
        "bits per index (L)": config.bits_per_index,
        "downsampling factor (f)": config.downsampling_factor,
        "bytes per stage at 256x256": codec.bytes_per_stage(CARD_SIZE),
        "bits per pixel, first to last stage": [
            round((k + 1) * config.bits_per_pixel_step, 6) for k in range(config.n_stages)
        ],
        "GFLOP at 256x256 to encode": round(gflop.encode, 2),
        "GFLOP at 256x256 to decode": round(gflop.decode, 2),
        "parameters": sum(each.numel() for each in codec.net.parameters()),
        "bytes on disk": n_bytes,
        "sha256": codec.fingerprint,
        BUNDLED_MODELS: [_rates_of(each) for each in sorted(bundled, key=_by_rate)],
    }


def _by_rate(config: CodecConfig) -> tuple[int, int, str]:
    return config.downsampling_factor, config.bits_per_index, config.name


def _rates_of(config: CodecConfig) -> dict[str, str | int | float]:
    """Return what a model's N, L and f make of its rate, by equation 1 of arXiv 2603.02897's supplement."""
    across, down = grid_of(CARD_SIZE, config.downsampling_factor)
    return {
        "model": config.name,
        "f": config.downsampling_factor,
        "L": config.bits_per_index,
        "N": config.n_stages,
        "bytes a stage at 256x256": stage_bytes(across * down, config.bits_per_index),
        "smallest step, BPP (L / f^2)": round(config.bits_per_pixel_step, 6),
        "all stages, BPP (N L / f^2)": round(config.bits_per_pixel, 6),
    }


def _rates_table(models: Sequence[Mapping[str, str | int | float]]) -> Table:
    table = Table(title=BUNDLED_MODELS)
    for name in models[0]:
        table.add_column(name, justify="left" if name == "model" else "right")
    for model in models:
        table.add_row(*map(str, model.values()))
    return table
