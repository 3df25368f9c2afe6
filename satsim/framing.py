"""Packets in a stream of bytes, by SLIP (RFC 1055): each between two END bytes.

A stream that is damaged, cut, or joined in the middle is in step again at the next END, and a packet's
CRC-32 tells what is left of it.
"""

from collections.abc import Iterable, Iterator

END, ESC, ESC_END, ESC_ESC = b"\xc0", b"\xdb", b"\xdc", b"\xdd"
MAX_FRAME_BYTES = 65_536  # a link's largest payload; what goes on for longer is cut there


def framed(packet: bytes) -> bytes:
    """Return the packet as it goes into a stream."""
    return END + packet.replace(ESC, ESC + ESC_ESC).replace(END, ESC + ESC_END) + END


def unframed(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Give each packet of a stream that comes in parts, as soon as it ends, and what is left at the end."""
    frame = b""
    for part in parts:
        *ended, frame = (frame + part).split(END)
        yield from (_plain(each) for each in ended if each)
        frame = frame[: 2 * MAX_FRAME_BYTES]  # every byte may be two
    if frame:
        yield _plain(frame)


def _plain(frame: bytes) -> bytes:
    # in this order, since a byte after ESC is never ESC
    return frame.replace(ESC + ESC_END, END).replace(ESC + ESC_ESC, ESC)[:MAX_FRAME_BYTES]
