"""Where real packets come from: a folder, UDP, a stream of bytes. The simulated way in is satsim.link."""

import errno
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from satsim.complaints import printable
from satsim.errors import InputError
from satsim.framing import MAX_FRAME_BYTES, unframed

POLL_S = 0.5  # between two looks into a folder
READ_BYTES = 65_536


class Arrival(NamedTuple):
    """Bytes that came in, and from where: a file's name, a sender's address, "stdin" or a device."""

    source: str
    data: bytes


def folder_arrivals(
    folder: Path, once: bool, complain: Callable[[str], None] = lambda line: None
) -> Iterator[Arrival]:
    """Give every file of a folder by name, then each that is new or has changed; `once` stops before that.

    Names that begin with a dot are files still being written. What cannot be read is told to `complain`,
    once, and tried again at each look. Raises InputError if there is no such folder.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: found no folder; allowed: one that packets are put into, a file each")
    return _files(folder, once, complain)


def _files(folder: Path, once: bool, complain: Callable[[str], None]) -> Iterator[Arrival]:
    seen: dict[str, tuple[int, int]] = {}
    unread: set[str] = set()
    while True:
        for path in sorted(folder.iterdir()):
            name = printable(path.name)
            try:
                mark, data = _changed(path, seen.get(path.name))
            except FileNotFoundError:  # taken away while we look
                continue
            except OSError as error:
                if name not in unread:
                    complain(f"{folder}/{name}: cannot be read: {error.strerror}")
                unread.add(name)
                continue
            if data is not None:
                seen[path.name] = mark
                yield Arrival(name, data)
        if once:
            return
        time.sleep(POLL_S)


def _changed(path: Path, before: tuple[int, int] | None) -> tuple[tuple[int, int], bytes | None]:
    """When a file was last written, and its bytes, at most a frame's; None if they are those of `before`."""
    state = path.stat()
    mark = (state.st_mtime_ns, state.st_size)
    if path.name.startswith(".") or not path.is_file() or mark == before:
        return mark, None
    with path.open("rb") as file:
        return mark, file.read(MAX_FRAME_BYTES)


def stream_arrivals(parts: Iterable[bytes], source: str) -> Iterator[Arrival]:
    """Give every packet of a stream of SLIP frames (satsim.framing), until it ends."""
    return (Arrival(source, packet) for packet in unframed(parts))


def pipe_parts(read: Callable[[int], bytes]) -> Iterator[bytes]:
    """Give the bytes of a pipe as they come; `read` returns what is there, and nothing at the end."""
    return iter(lambda: read(READ_BYTES), b"")


@contextmanager
def udp_socket(host: str, port: int) -> Iterator[socket.socket]:
    """Listen on an address of this machine; port 0 takes a free one. Raises InputError if it is in use."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        try:
            udp.bind((host, port))
        except OSError as error:
            in_use = error.errno == errno.EADDRINUSE
            found = "a port that another program uses" if in_use else str(error.strerror or error)
            allowed = "a free port (0 takes any) on an address of this machine"
            raise InputError(f"--udp {host}:{port}: found {found}; allowed: {allowed}") from None
        yield udp


def udp_arrivals(udp: socket.socket) -> Iterator[Arrival]:
    """Give every datagram, for ever."""
    while True:
        data, (host, port) = udp.recvfrom(MAX_FRAME_BYTES)
        yield Arrival(f"{host}:{port}", data)
