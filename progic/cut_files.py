"""Files of which any beginning is a picture: progressive JPEG, and JPEG 2000 in quality layers.

A receiver that holds the first bytes of such a file shows what they say; this is where that is done, since
the usual readers refuse a file that is cut.
"""

import io
from collections.abc import Sequence
from itertools import dropwhile, takewhile

from PIL import Image

from progic import classical

START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9  # JPEG's markers after 0xFF, ITU-T T.81, table B.1
RESTARTS = range(0xD0, 0xD8)
END_OF_CODESTREAM = b"\xff\xd9"  # EOC, ITU-T T.800, table A.2
TILE_HEAD_BYTES = 14  # SOT, 12 bytes, and SOD, 2
TILE_LENGTH = slice(6, 10)  # of SOT, where Psot is; 0: up to the end, T.800, A.4.2
SPARE_BYTES = range(0, 65, 4)  # OpenJPEG's layers end up to some tens of bytes beyond what they were asked


def layered_jp2(picture: Image.Image, ends_bytes: Sequence[int]) -> bytes | None:
    """Return a JPEG 2000 codestream of which the first `ends_bytes[k]` bytes hold layers 0..k, about.

    `ends_bytes` ascend; the file is no longer than the last. None if that holds no file.
    """
    raw_bytes = 3 * picture.width * picture.height
    for spare in SPARE_BYTES:
        rates = [raw_bytes / max(1, end - spare) for end in ends_bytes]
        try:
            file = classical.jp2_file(picture, rates)
        except OSError:  # OpenJPEG refuses some layers of small pictures
            continue
        if len(file) <= ends_bytes[-1]:
            return file
    return None


def jp2_start(start: bytes, size: tuple[int, int]) -> Image.Image | None:
    """Return the picture of the whole packets that the first bytes of a codestream hold; None: not one.

    OpenJPEG reads a tile that ends with a packet and refuses any other; where packets end, only it knows: so
    the end is moved back until it agrees, and on as long as it does, since it takes a byte too many as well.

    Raises InputError for a codestream of more pixels than `size` = (width, height), before any is decoded.
    """
    tile = start.find(classical.JP2_TILE)
    body = tile + TILE_HEAD_BYTES
    if tile < 0 or len(start) < body:
        return None
    read = (_jp2_picture(start, tile, end, size) for end in range(len(start), body - 1, -1))
    readable = dropwhile(lambda picture: picture is None, read)
    shortest = None
    for picture in takewhile(lambda picture: picture is not None, readable):
        shortest = picture
    return None if shortest is None else classical.enlarged(shortest, size)


def jpeg_start(start: bytes, size: tuple[int, int]) -> Image.Image | None:
    """Return the picture of the scans that the first bytes of a JPEG hold, whole or not; None: no scan.

    What an unfinished scan does not say is left as the scan before it has it, or grey; the one block in which
    it is cut may be noise, as libjpeg reads on in zeros, and it smooths what is coarse yet.

    Raises as `progic.classical.opened` does.
    """
    end = _end_of_scans(start)
    return None if end is None else classical.opened(start[:end] + bytes((0xFF, END_OF_IMAGE)), size)


def _jp2_picture(start: bytes, tile: int, end: int, size: tuple[int, int]) -> Image.Image | None:
    file = bytearray(start[:end])
    file[tile + TILE_LENGTH.start : tile + TILE_LENGTH.stop] = bytes(4)
    try:
        with Image.open(io.BytesIO(bytes(file) + END_OF_CODESTREAM), formats=("JPEG2000",)) as image:
            classical.check_size(image.size, size)
            return image.convert("RGB")
    except OSError:
        return None


def _end_of_scans(start: bytes) -> int | None:
    """Return where the last whole segment ends, scan data included; None if no scan has begun."""
    at, has_scan = 2, False
    while at + 4 <= len(start):
        marker, length = start[at + 1], int.from_bytes(start[at + 2 : at + 4], "big")
        end = at + 2 + length
        if marker == END_OF_IMAGE or end > len(start):
            break
        at = end
        if marker == START_OF_SCAN:
            at, has_scan = _end_of_scan(start, end), True
    return at if has_scan else None


def _end_of_scan(start: bytes, at: int) -> int:
    """Return where the next marker is that is no restart; a stuffed 0xFF 0x00 is data."""
    while (at := start.find(b"\xff", at)) >= 0 and at + 1 < len(start):
        if start[at + 1] and start[at + 1] not in RESTARTS:
            return at
        at += 2
    return len(start) if at < 0 else at
