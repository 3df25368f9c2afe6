"""Where real packets go: a folder, UDP, a stream of bytes. The simulated way out is satsim.link."""

import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from progic.replacing import make_folder, replacing
from satsim.errors import SatsimError
from satsim.framing import framed
from satsim.records import Frame

SUFFIX = ".packet"

Outlet = Callable[[str, bytes], None]  # a name for the packet, and its bytes


def send_all(
    frames: Iterable[Frame], image: str, outlet: Outlet, interval_s: float, sent: Callable[[Frame], None]
) -> None:
    """Hand the frames to `outlet` in order, one every `interval_s`, and each to `sent` once it is away.

    One that comes late, of an iterator, makes those after it late.
    """
    due_s = 0.0
    for number, frame in enumerate(frames, 1):
        due_s = max(due_s, time.monotonic())
        time.sleep(max(0.0, due_s - time.monotonic()))
        outlet(f"{image}-{number:04d}", frame.data)
        sent(frame)
        due_s += interval_s


def folder_outlet(folder: Path) -> Outlet:
    """Write one file a packet, whole or not at all; their names sort by the order of sending."""
    make_folder(folder)

    def put(name: str, packet: bytes) -> None:
        with replacing(folder / f"{name}{SUFFIX}") as partial:
            partial.write_bytes(packet)

    return put


class Stream(Protocol):
    """A pipe or a serial port."""

    def write(self, data: bytes, /) -> int | None:
        """Write all of it."""

    def flush(self) -> None:
        """Send it on."""


def stream_outlet(stream: Stream) -> Outlet:
    """Write each packet as a SLIP frame (satsim.framing) and flush it."""

    def put(name: str, packet: bytes) -> None:
        stream.write(framed(packet))
        stream.flush()

    return put


@contextmanager
def udp_outlet(host: str, port: int) -> Iterator[Outlet]:
    """Send each packet as one datagram to the address given, and to no other."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:

        def put(name: str, packet: bytes) -> None:
            try:
                udp.sendto(packet, (host, port))
            except OSError as error:
                raise SatsimError(
                    f"{host}:{port}: a datagram of {len(packet)} bytes: {error.strerror}"
                ) from None

        yield put
