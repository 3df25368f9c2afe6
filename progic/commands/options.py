"""What several commands take."""

import io
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image

from progic.bitstream import MAX_SIDE_PX, StageFile, read_stage_file
from progic.errors import InputError, PayloadError
from progic.limits import MAX_PIXELS
from progic.replacing import replacing

Model = Annotated[
    str, typer.Option("--model", "-m", help="Bundled model, or the path of a .safetensors file.")
]
Stages = Annotated[str, typer.Option(help="How many from the first (`2`), or which (`1,4`); else all.")]
Refine = Annotated[
    int,
    typer.Option(
        min=0,
        max=1000,
        help="Gradient steps of the search for codes; 1 with --stagewise brings most of the gain.",
    ),
]
Stagewise = Annotated[
    bool,
    typer.Option(
        "--stagewise",
        help="So many steps before each stage, while the packet before is on its way.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print only JSON on standard output.")]


def check_search(refine: int | None, stagewise: bool) -> None:
    """Raise InputError for a search that goes stage by stage and takes no step."""
    if stagewise and not refine:
        found = "no --refine" if refine is None else f"--refine {refine}"
        raise InputError(f"--stagewise: found {found} with it; allowed: --refine of at least 1")


def size_of(text: str) -> tuple[int, int]:
    """Read WIDTHxHEIGHT in pixels; raises InputError."""
    try:
        width, height = (int(part) for part in text.lower().split("x"))
    except ValueError:
        raise InputError(f"--size: found {text!r}, allowed WIDTHxHEIGHT such as 256x256") from None
    if not (1 <= width <= MAX_SIDE_PX and 1 <= height <= MAX_SIDE_PX):
        raise InputError(f"--size: found {text!r}, allowed sides are 1..{MAX_SIDE_PX} pixels")
    if width * height > MAX_PIXELS:
        raise InputError(f"--size: found {text!r}, allowed are at most {MAX_PIXELS} pixels in all")
    return width, height


def opened_stages(source: Path) -> StageFile:
    """Read a .progic file; raises InputError or PayloadError, which name it."""
    try:
        content = read_stage_file(source.read_bytes())
    except OSError as error:
        raise InputError(f"{source}: {error.strerror}; allowed: a .progic file") from None
    except PayloadError as error:
        raise PayloadError(f"{source}: {error}") from None
    width, height = content.size
    if width * height > MAX_PIXELS:
        raise PayloadError(f"{source}: {width}x{height} pixels, allowed at most {MAX_PIXELS} in all")
    return content


def check_shape(source: Path, content: StageFile, shape: tuple[int, int, int]) -> None:
    """Raise PayloadError where a file says of its weights another N, L and f than they have."""
    if content.shape != shape:
        found, allowed = (", ".join(map(str, each)) for each in (content.shape, shape))
        raise PayloadError(f"{source}: N, L, f at byte 13: found {found}, allowed {allowed}, its weights'")


def chosen_stages(content: StageFile, wanted: str) -> dict[int, bytes]:
    """Return the stages of `--stages`, all without; raises InputError."""
    if not wanted:
        return dict(content.stages)
    try:
        numbers = [int(part) for part in wanted.split(",")]
    except ValueError:
        raise InputError(
            f"--stages: found {wanted!r}, allowed a count such as 2, or numbers such as 1,4"
        ) from None
    chosen = range(1, numbers[0] + 1) if len(numbers) == 1 else numbers
    if not chosen or any(number - 1 not in content.stages for number in chosen):
        held = ", ".join(str(stage + 1) for stage in content.stages)
        raise InputError(f"--stages: found {wanted!r}, the file holds {held}")
    return {number - 1: content.stages[number - 1] for number in chosen}


def save_picture(picture: Image.Image, path: Path) -> None:
    """Write a picture whole or not at all; raises InputError for a suffix or size that cannot be written."""
    Image.init()
    kind = Image.registered_extensions().get(path.suffix.lower())
    if kind not in Image.SAVE or kind in {"ICO", "ICNS"}:  # which write sizes of their own
        allowed = "no format that can be written; try .png"
        raise InputError(f"{path}: suffix {path.suffix!r} is {allowed}")
    data = io.BytesIO()  # Pillow's errors apart from those of the disk
    try:
        picture.save(data, kind)
    except (ValueError, OSError) as error:
        raise InputError(f"{path}: cannot be written: {error}; try .png") from None
    with replacing(path) as partial:
        partial.write_bytes(data.getvalue())
