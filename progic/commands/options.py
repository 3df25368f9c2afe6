"""What several commands take."""

from typing import Annotated

import typer

from progic.errors import InputError

Model = Annotated[
    str, typer.Option("--model", "-m", help="Bundled model, or the path of a .safetensors file.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print only JSON.")]


def size_of(text: str) -> tuple[int, int]:
    """Read WIDTHxHEIGHT in pixels; raises InputError."""
    try:
        width, height = (int(part) for part in text.lower().split("x"))
    except ValueError:
        raise InputError(f"--size: found {text!r}, allowed WIDTHxHEIGHT such as 256x256") from None
    if not (1 <= width <= 65535 and 1 <= height <= 65535):
        raise InputError(f"--size: found {text!r}, allowed sides are 1..65535 pixels")
    return width, height
