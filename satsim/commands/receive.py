"""The command `satsim receive`."""

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import Annotated, cast

import typer

from satsim.commands.options import AsJson, Baud, Quiet, SerialDevice, address_of, one_way
from satsim.ending import ends_well
from satsim.errors import InputError
from satsim.inlets import (
    Arrival,
    folder_arrivals,
    pipe_parts,
    stream_arrivals,
    udp_arrivals,
    udp_socket,
)
from satsim.journal import Journal, Row
from satsim.records import VERDICTS, Picture
from satsim.serial_port import serial_parts, serial_port
from satsim.units import MOST_DRAWN_PIXELS
from satsim.wording import from_1, stages_text

LOG = "packets.csv"
LOCALHOST = "127.0.0.1"


@ends_well
def receive(
    from_files: Annotated[
        Path | None,
        typer.Option("--files", help="Read this folder, one packet a file, and keep looking."),
    ] = None,
    udp: Annotated[
        str | None, typer.Option(help="Listen on PORT of this machine alone, or on HOST:PORT; 0: any port.")
    ] = None,
    serial: SerialDevice = None,
    stdin: Annotated[
        bool, typer.Option("--stdin", help="Read SLIP frames (RFC 1055), as `satsim send --stdout` writes.")
    ] = False,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of what is received.")] = Path("received"),
    once: Annotated[
        bool, typer.Option("--once", help="End when the folder is read, or all images heard are complete.")
    ] = False,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            help="Path of a .safetensors file, beside the bundled models. May be repeated.",
        ),
    ] = None,
    max_pixels: Annotated[
        int, typer.Option(min=1, help="Draw no picture of more pixels: memory grows with them.")
    ] = MOST_DRAWN_PIXELS,
    baud: Baud = 19200,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Receive real packets, of any images at once, in any order, and write each better picture as it comes.

    Everything that came in is in packets.csv in the folder, with what became of it (stages counted from 0, as
    on the wire), status.json counts it, and each image has a folder with its pictures (stages counted from
    1). Stopped or killed, the same command goes on where it was. With --json, a line for each event.
    """
    one_way({"--files": from_files, "--udp": udp, "--serial": serial, "--stdin": stdin})
    if from_files is not None and from_files.resolve() == out.resolve():
        raise InputError(
            f"-o: found {out}, the folder of the packets; allowed: another, for what is received"
        )

    from satsim.gallery import Gallery
    from satsim.station import Station

    def tell(row: Row | None, pictures: Sequence[Picture]) -> None:
        if not quiet:
            for line in _json_lines(row, pictures) if as_json else _lines(row, pictures):
                typer.echo(line)

    gallery = Gallery(model or (), max_pixels)
    with (
        _inlet(from_files, udp, serial, baud, once) as arrivals,
        Journal(out / LOG) as journal,
        Station(out, journal, gallery, lambda: datetime.now(UTC)) as station,
    ):
        tell(None, station.catch_up())
        for arrival in arrivals:
            if from_files is None or arrival not in station:
                tell(*station.take(arrival))
            if once and from_files is None and station.complete:
                break
    if not (quiet or as_json):
        counts = Counter(row.event for row in journal.rows)
        heard = [f"{counts[event]} {event}" for event in VERDICTS]
        typer.echo(f"{out}: packets {', '.join(heard)}")
        for name, stages in station.missing.items():
            typer.echo(f"{out / name}: stages missing: {stages_text(stages)}")


def _json_lines(row: Row | None, pictures: Sequence[Picture]) -> Iterator[str]:
    if row is not None:
        facts = row._asdict()
        del facts["data"]
        yield json.dumps(facts)
    for each in pictures:
        event = "no_picture" if each.path is None else "picture"
        yield json.dumps({"event": event, **each._asdict(), "path": each.path and str(each.path)})


def _lines(row: Row | None, pictures: Sequence[Picture]) -> Iterator[str]:
    if row is not None:
        what = f"stage {from_1(row.stage)} of {row.image}" if row.image else f"from {row.source}"
        why = f" ({row.detail})" if row.detail else ""
        yield f"{row.time_utc[11:19]} {row.event:9} {what}, {row.bytes} bytes{why}"
    for each in pictures:
        whole = ", all there is" if each.complete else ""
        yield f"  no picture: {each.detail}" if each.path is None else f"  picture {each.path}{whole}"


@contextmanager
def _inlet(
    from_files: Path | None, udp: str | None, serial: str | None, baud: int, once: bool
) -> Iterator[Iterator[Arrival]]:
    if from_files is not None:
        yield folder_arrivals(from_files, once, partial(typer.echo, err=True))
    elif udp is not None:
        with udp_socket(*address_of(udp, LOCALHOST)) as listening:
            host, port = listening.getsockname()
            typer.echo(f"listening on {host}:{port}", err=True)
            yield udp_arrivals(listening)
    elif serial is not None:
        with serial_port(serial, baud) as device:
            yield stream_arrivals(serial_parts(device), serial)
    elif sys.stdin is None:
        raise InputError("--stdin: found it closed; allowed: a pipe or a file of frames")
    else:
        stdin = cast(BufferedReader, sys.stdin.buffer)
        yield stream_arrivals(pipe_parts(stdin.read1), "stdin")
