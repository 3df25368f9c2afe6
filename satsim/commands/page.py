"""The command `satsim page`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from satsim.ending import ends_well
from satsim.errors import InputError

if TYPE_CHECKING:
    from satsim.browser_decoder import Decoding

SUFFIXES = (".html", ".htm")


@ends_well
def page(
    places: Annotated[
        list[Path],
        typer.Argument(
            metavar="[RUN] OUT",
            help="A run folder that `satsim run` wrote, and the file to write, such as arrival.html."
            " With --decoder the run may be left out.",
        ),
    ],
    decoder: Annotated[
        list[Path] | None,
        typer.Option(
            help="A folder that `progic export --format onnx` wrote: the page draws this model's packets too."
        ),
    ] = None,
    onnxruntime_web: Annotated[
        Path | None,
        typer.Option(help="With --decoder: the npm package, as `npm pack onnxruntime-web` gets it."),
    ] = None,
) -> None:
    """Write one file that plays a run back in any browser, with no server and no network.

    With --decoder it also decodes: packet files that are dropped on it, as `satsim send --files` writes them,
    become pictures as `satsim receive` draws them, those of whole files, JPEG to HEIC, too. It has 26 MB with
    f16, 15 MB with f16-s.
    """
    from progic.replacing import replacing
    from satsim.rundir import REPORT, read_run
    from satsim.viewer_page import lone_page

    *runs, out = places
    decoding = _decoding(decoder or [], onnxruntime_web)
    if len(runs) > 1 or not (runs or decoding):
        allowed = "a run folder and a file to write" + ("" if runs else ", or with --decoder the file alone")
        raise InputError(f"found {' '.join(map(str, places))}; allowed: {allowed}")
    if runs and out.resolve() == (runs[0] / REPORT).resolve():
        raise InputError(f"{out}: found the run's report; allowed: another page, such as arrival.html")
    if out.suffix.lower() not in SUFFIXES:  # a run folder's other files, and photos, have others
        raise InputError(f"{out}: found suffix {out.suffix!r}; allowed: .html, such as arrival.html")
    html = lone_page(read_run(runs[0]) if runs else None, decoding)
    with replacing(out) as partial:
        partial.write_text(html, encoding="utf-8")
    typer.echo(f"{out}")


def _decoding(bundles: list[Path], package: Path | None) -> "Decoding | None":
    from satsim.browser_decoder import ALLOWED, decoding_of

    if not bundles and package is None:
        return None
    if package is None:
        raise InputError(f"--onnxruntime-web: found none with --decoder; allowed: {ALLOWED}")
    if not bundles:
        raise InputError("--decoder: found none with --onnxruntime-web; allowed: a folder of progic export")
    return decoding_of(bundles, package)
