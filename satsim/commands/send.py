"""The command `satsim send`."""

import itertools
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated

import typer

from progic.commands.options import check_search, size_of
from satsim.commands.options import (
    AsJson,
    Baud,
    Quiet,
    SerialDevice,
    Settings,
    address_of,
    one_way,
    overrides_of,
    progress_bar,
)
from satsim.ending import ends_well
from satsim.errors import InputError
from satsim.outlets import Outlet, folder_outlet, send_all, stream_outlet, udp_outlet
from satsim.progress import Progress
from satsim.records import Frame
from satsim.scenario import WEIGHTS, load_scenario, naming_sources
from satsim.section import WEEK_S
from satsim.serial_port import serial_port
from satsim.settings import Scenario

PLAIN = files("satsim") / "templates" / "send.yaml"
PACES = ("link=", "link.preset=", "link.interval_s=")  # settings that bring an interval

Refine = Annotated[
    int | None,
    typer.Option(min=0, max=1000, help="Gradient steps of the search for codes; else the scenario's, or 0."),
]
Stagewise = Annotated[
    bool | None,
    typer.Option(
        "--stagewise/--no-stagewise",
        help="So many steps before each stage, while the packet before is on its way; else the scenario's.",
    ),
]
Interval = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=WEEK_S,
        help="Seconds from packet to packet; else the scenario's; 0 without one, and into a folder.",
    ),
]


@ends_well
def send(
    photo: Annotated[Path, typer.Argument(help="The photo to send.")],
    to_files: Annotated[
        Path | None, typer.Option("--files", help="Write the packets into this folder, one packet a file.")
    ] = None,
    udp: Annotated[str | None, typer.Option(help="Send them as datagrams to HOST:PORT.")] = None,
    serial: SerialDevice = None,
    stdout: Annotated[
        bool,
        typer.Option("--stdout", help="Write SLIP frames (RFC 1055), as `satsim receive --stdin` reads."),
    ] = False,
    scenario: Annotated[
        Path | None, typer.Option(help="Size, codec, payload, interval and repair of this scenario.")
    ] = None,
    scheme: Annotated[str | None, typer.Option(help="One of the scenario's schemes; else its first.")] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="Bundled model, or the path of a .safetensors file; else the scenario's, or f16-s.",
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            help="WIDTHxHEIGHT in pixels that it is scaled and cropped to; else the scenario's, or 256x256."
        ),
    ] = None,
    payload_bytes: Annotated[
        int | None,
        typer.Option(
            help="Most bytes of a packet, header included, 21 to 65536; else the scenario's, or 360."
        ),
    ] = None,
    refine: Refine = None,
    stagewise: Stagewise = None,
    settings: Settings = None,
    interval_s: Interval = None,
    capture_time: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=2**32 - 1,
            help="Seconds since 1970 UTC; else now. Sent again with the same, it is the same image.",
        ),
    ] = None,
    baud: Baud = 19200,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Send a photo as real packets: the same bytes that the simulator sends.

    There is no way back: each packet goes once, or as often as a repair such as
    -s 'repair={kind: carousel, rounds: 3}' says. `satsim receive` takes them in.
    """
    one_way({"--files": to_files, "--udp": udp, "--serial": serial, "--stdout": stdout})
    if stdout and as_json:
        raise InputError("--json: found --stdout with it, where packets go; allowed: one of the two")
    address = None if udp is None else address_of(udp)
    overrides = [*_given(model, size, payload_bytes), *overrides_of(settings, photo, None, None, None)]
    check_search(refine, bool(stagewise))
    loaded = _loaded(scenario, overrides, refine, stagewise)

    from satsim.file_codecs import WHOLE_FILES
    from satsim.gallery import SIMULATED
    from satsim.handset import frames_to_send

    taken = int(time.time()) if capture_time is None else capture_time
    with nullcontext() if scenario is None else naming_sources(scenario, overrides):
        image, plan, frames, codec = frames_to_send(loaded, str(scenario or "satsim send"), scheme, taken)
    is_program = codec == "command" and image.fingerprint not in WHOLE_FILES
    if not quiet and (is_program or image.fingerprint in SIMULATED):
        name = "program's" if is_program else SIMULATED[image.fingerprint]
        typer.echo(f"no receiver shows it: a {name} picture is drawn in simulation alone", err=True)
    if interval_s is None:
        is_paced = scenario is not None or any(setting.startswith(PACES) for setting in settings or [])
        interval_s = loaded.link.interval_s if is_paced and not to_files else 0.0
    with _outlet(to_files, address, serial, baud) as outlet, progress_bar(quiet) as progress:
        told = _teller(image.name, len(plan), progress, as_json)
        send_all(frames, image.name, outlet, interval_s, told)
    if not (quiet or as_json):
        n_bytes = sum(len(frame.data) for frame in plan)
        typer.echo(f"image {image.name}: {len(plan)} packets, {n_bytes} bytes", err=stdout)


def _loaded(
    scenario: Path | None, overrides: list[str], refine: int | None, stagewise: bool | None
) -> Scenario:
    """Return the scenario, or the plain one, with such a search, if asked for, whatever its schemes say."""
    asked_for = {"refine_steps": refine, "refine_stagewise": stagewise}
    search = {key: value for key, value in asked_for.items() if value is not None}
    asked = [f"codec.{key}={json.dumps(value)}" for key, value in search.items()]
    with as_file(PLAIN) as plain:
        loaded = load_scenario(scenario or plain, [*overrides, *asked])
    schemes = tuple(each.model_copy(update=dict.fromkeys(search)) for each in loaded.schemes)
    return loaded.model_copy(update={"schemes": schemes})


def _teller(image: str, n_frames: int, progress: Progress, as_json: bool) -> Callable[[Frame], None]:
    """Return what tells of each frame once it is sent."""
    numbers = itertools.count(1)

    def tell(frame: Frame) -> None:
        number = next(numbers)
        progress(f"packet {number} of {n_frames}", number / n_frames)
        if as_json:
            facts = {"event": "sent", "image": image, **frame._asdict()}
            typer.echo(json.dumps({**facts, "data": frame.data.hex()}))

    return tell


def _given(model: str | None, size: str | None, payload_bytes: int | None) -> list[str]:
    """Return the short options as overrides; a model brings its N, L and f."""
    given = [] if payload_bytes is None else [f"link.payload_bytes={payload_bytes}"]
    if size is not None:
        given.append(f"image.size={list(size_of(size))}")
    if model is not None:
        from progic.weights import config_of

        config = config_of(model)
        # else from the scenario's folder
        named = str(Path(model).absolute()) if model.endswith(WEIGHTS) else model
        given += [f"codec.model={json.dumps(named)}", f"codec.stages={config.n_stages}"]
        given += [f"codec.{key}={getattr(config, key)}" for key in ("bits_per_index", "downsampling_factor")]
    return given


@contextmanager
def _outlet(
    to_files: Path | None, address: tuple[str, int] | None, serial: str | None, baud: int
) -> Iterator[Outlet]:
    if to_files is not None:
        yield folder_outlet(to_files)
    elif address is not None:
        with udp_outlet(*address) as outlet:
            yield outlet
    elif serial is not None:
        with serial_port(serial, baud) as port:
            yield stream_outlet(port)
    elif sys.stdout is None:
        raise InputError("--stdout: found it closed; allowed: a pipe or a file for the frames")
    else:
        yield stream_outlet(sys.stdout.buffer)
