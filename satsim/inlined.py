"""Pictures as data addresses, so that a page of a few megabytes holds them and asks for nothing."""

import base64
import io
from collections.abc import Iterable
from pathlib import Path

from PIL import Image

from satsim.pictures import read_picture

INLINE_BYTES = 2_000_000  # of all pictures together: a third more in base64, and the page stays under 3 MB
QUALITIES = (95, 85, 70, 50, 30, 10)  # of WebP; the first at which all pictures fit
SIDE_PX = 384  # no picture on the page has more


def inlined(files: Iterable[Path]) -> dict[Path, str]:
    """Return the pictures as data addresses, at the best quality at which all of them fit on the page."""
    pictures = {file: _small(file) for file in files}
    encoded: dict[Path, bytes] = {}
    for quality in QUALITIES:
        encoded = {file: _webp(picture, quality) for file, picture in pictures.items()}
        if sum(map(len, encoded.values())) <= INLINE_BYTES:
            break
    return {
        file: "data:image/webp;base64," + base64.b64encode(data).decode("ascii")
        for file, data in encoded.items()
    }


def _small(file: Path) -> Image.Image:
    picture = read_picture(file)
    picture.thumbnail((SIDE_PX, SIDE_PX))
    return picture


def _webp(picture: Image.Image, quality: int) -> bytes:
    data = io.BytesIO()
    picture.save(data, "WEBP", quality=quality, method=4)
    return data.getvalue()
