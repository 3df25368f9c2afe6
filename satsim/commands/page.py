"""The command `satsim page`."""

from pathlib import Path
from typing import Annotated

import typer

from satsim.ending import ends_well
from satsim.rundir import read_run
from satsim.viewer_page import lone_page


@ends_well
def page(
    run: Annotated[Path, typer.Argument(help="A run folder that `satsim run` wrote.")],
    out: Annotated[Path, typer.Argument(help="The file to write, such as arrival.html.")],
) -> None:
    """Write one file that plays a run back in any browser, with no server and no network."""
    from progic.replacing import replacing

    html = lone_page(read_run(run))
    with replacing(out) as partial:
        partial.write_text(html, encoding="utf-8")
    typer.echo(f"{out}")
