"""The best that a classical codec says in a number of bytes: WebP, AVIF, JPEG, JPEG 2000, JPEG XL.

Each photo is tried at 1, 1/2 and 1/4 of its width and height (bicubic both ways) at the highest quality that
fits: a small sharp file often looks nearer than a large spoilt one.
"""

import io
from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

from PIL import Image

from progic.errors import InputError

SCALES = (1, 2, 4)


class Format(NamedTuple):
    """How Pillow writes a format."""

    title: str  # what people call it
    pillow: str
    options: Callable[[int], dict[str, object]]  # of a quality
    qualities: range  # worst to best: files grow


FORMATS: dict[str, Format] = {
    # method 6 is the slowest and best; still milliseconds at these sizes
    "webp": Format("WebP", "WEBP", lambda q: {"quality": q, "method": 6}, range(101)),
    # slower speeds gain under 1 % in DISTS; one thread: the bytes never differ
    "avif": Format("AVIF", "AVIF", lambda q: {"quality": q, "speed": 4, "max_threads": 1}, range(101)),
    "jpeg": Format(
        "JPEG", "JPEG", lambda q: {"quality": q, "optimize": True, "progressive": True}, range(96)
    ),
    # in steps of a quarter dB of PSNR, 10 to 50 dB; irreversible is the lossy wavelet
    "jp2": Format(
        "JPEG 2000",
        "JPEG2000",
        lambda q: {
            "quality_mode": "dB",
            "quality_layers": [10 + q / 4],
            "irreversible": True,
            "no_jp2": True,
        },
        range(161),
    ),
    "jxl": Format("JPEG XL", "JXL", lambda q: {"quality": q, "effort": 9}, range(101)),
}


def check_format(name: str) -> None:
    """Raise InputError for a format that is unknown, or that this installation cannot write."""
    if name not in FORMATS:
        raise InputError(f"--against: found {name!r}, allowed {', '.join(FORMATS)}")
    if name == "jxl":
        try:
            import pillow_jxl  # noqa: F401 - registers JPEG XL with Pillow
        except ImportError:
            raise InputError(
                "--against jxl: JPEG XL needs the extra: pip install 'progic-satsim[jxl]'"
            ) from None
    Image.init()
    if FORMATS[name].pillow not in Image.SAVE:
        raise InputError(f"--against {name}: this Pillow cannot write {FORMATS[name].title}")


def file_bytes(picture: Image.Image, name: str, quality: int) -> bytes:
    """Return the picture as a file with nothing in it but the picture."""
    bare = Image.frombytes("RGB", picture.size, picture.tobytes())  # drops any colour profile and EXIF
    file = io.BytesIO()
    bare.save(file, FORMATS[name].pillow, **FORMATS[name].options(quality))
    return file.getvalue()


def candidates(photo: Image.Image, name: str, budgets_bytes: Sequence[int]) -> list[list[bytes]]:
    """Return for each budget the best file of each scale that fits; none where nothing does."""
    scales = [best_files(_shrunk(photo, scale), name, budgets_bytes) for scale in SCALES]
    return [[file for file in files if file is not None] for files in zip(*scales, strict=True)]


def best_files(picture: Image.Image, name: str, budgets_bytes: Sequence[int]) -> list[bytes | None]:
    """Return for each budget the file of the highest quality that fits; no file is written twice."""
    written = cache(lambda quality: file_bytes(picture, name, quality))
    return [_best_file(written, FORMATS[name].qualities, budget) for budget in budgets_bytes]


def _best_file(write: Callable[[int], bytes], qualities: range, budget_bytes: int) -> bytes | None:
    """Bisect: the next quality does not fit."""
    fits, too_big, best = -1, len(qualities), None
    while too_big - fits > 1:
        quality = (fits + too_big) // 2
        file = write(qualities[quality])
        if len(file) <= budget_bytes:
            fits, best = quality, file
        else:
            too_big = quality
    return best


def opened(file: bytes, size: tuple[int, int]) -> Image.Image:
    """Return the file's picture, enlarged to `size` = (width, height)."""
    with Image.open(io.BytesIO(file)) as image:
        picture = image.convert("RGB")
    return picture if picture.size == size else picture.resize(size, Image.Resampling.BICUBIC)


def _shrunk(photo: Image.Image, scale: int) -> Image.Image:
    if scale == 1:
        return photo
    smaller = (max(1, photo.width // scale), max(1, photo.height // scale))
    return photo.resize(smaller, Image.Resampling.BICUBIC)
