"""The command `progic-decode`, which needs no torch."""

from pathlib import Path
from typing import Annotated

import typer

from progic.commands.options import Stages, check_shape, chosen_stages, opened_stages, save_picture
from progic.commands.version import HELP_NAMES
from progic.ending import ends_well, print_anything
from progic.errors import PayloadError
from progic.lite import BundledDecoder


@ends_well
def decode_lite(
    source: Annotated[Path, typer.Argument(help="A .progic file.")],
    out: Annotated[Path, typer.Argument(help="The picture to write; its suffix says the format.")],
    bundle: Annotated[Path, typer.Option(help="A folder that `progic export --format onnx` wrote.")],
    stages: Stages = "",
) -> None:
    """Draw the photo from the stages of a .progic file by onnxruntime and numpy alone."""
    content = opened_stages(source)
    decoder = BundledDecoder(bundle)
    if not decoder.fingerprint.startswith(content.fingerprint):
        ours = decoder.fingerprint[:16]
        raise PayloadError(f"{source}: written with weights {content.fingerprint}, {bundle} has {ours}")
    check_shape(source, content, decoder.shape)
    picture = decoder.decode(chosen_stages(content, stages), content.size)
    save_picture(picture, out)
    typer.echo(f"{out}: {picture.width}x{picture.height}")


def main() -> None:
    """Entry point of `progic-decode`."""
    print_anything()
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, context_settings=HELP_NAMES)
    app.command()(decode_lite)
    app()
