"""The command `progic export`."""

from pathlib import Path
from typing import Annotated

import typer

from progic import weights
from progic.commands.options import AsJson, Model
from progic.config import DEFAULT_MODEL
from progic.ending import ends_well
from progic.errors import InputError
from progic.export import Format, export
from progic.json_text import json_text
from progic.parity import photos_to_check


@ends_well
def export_command(
    form: Annotated[
        Format, typer.Option("--format", help="What will run it: ONNX Runtime, or torch without progic.")
    ] = "onnx",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Folder to write; else the model and the format, such as f16-s-onnx."
        ),
    ] = None,
    model: Model = DEFAULT_MODEL,
    photos: Annotated[
        Path | None,
        typer.Option(
            help="Check on 32 photos of this folder, which has at least as many; else on made pictures."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write encoder and decoder for other runtimes, checked against the model: one that differs is not left.

    Photo (float, 1 3 h w, 0..1, sides multiples of f) to indices (int64, N 1 h/f w/f); indices and held
    (float, 1 N, 1 where a stage is held) to photo. `progic-decode` draws with the ONNX decoder, no torch.
    """
    codec = weights.load(model)
    folder = Path(f"{codec.config.name}-{form}") if out is None else out
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file, allowed is a folder to write")
    found = export(codec, form, folder, photos_to_check(photos))
    if as_json:
        typer.echo(json_text({"folder": str(folder), **found._asdict()}))
        return
    typer.echo(
        f"{folder}: on {found.photos} photos {found.indices_equal:.4%} of the indices are the model's,"
        f" pictures differ by at most {found.most_different * 255:.2g}/255"
    )
