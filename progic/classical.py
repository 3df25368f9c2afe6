"""The best that a classical codec says in a number of bytes: JPEG, JPEG 2000, WebP, AVIF, JPEG XL, HEIC.

Each photo is tried at 1, 1/2 and 1/4 of its width and height (bicubic both ways) at the highest quality that
fits: a small sharp file often looks nearer than a large spoilt one.
"""

import io
from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple, TypeVar

from PIL import Image

from progic.errors import InputError
from progic.images import readers
from progic.jxl_head import jxl_size

SCALES = (1, 2, 4)
JP2_COMMENT, JP2_TILE = b"\xff\x64", b"\xff\x90"  # the markers COM and SOT, ITU-T T.800, table A.2

_Quality = TypeVar("_Quality")
_Written = TypeVar("_Written")


class Format(NamedTuple):
    """How Pillow writes a format."""

    title: str  # what people call it
    pillow: str
    options: Callable[[int], dict[str, object]]  # of a quality
    qualities: range  # worst to best: files grow
    extra: str | None = None  # of progic-satsim, if one is needed
    most_px: int = 65_500  # of a side; libjpeg's, which is the least but for WebP's


FORMATS: dict[str, Format] = {
    # method 6 is the slowest and best; still milliseconds at these sizes
    "webp": Format("WebP", "WEBP", lambda q: {"quality": q, "method": 6}, range(101), most_px=16_383),
    # slower speeds gain under 1 % in DISTS; one thread: the bytes never differ
    "avif": Format("AVIF", "AVIF", lambda q: {"quality": q, "speed": 4, "max_threads": 1}, range(101)),
    "jpeg": Format("JPEG", "JPEG", lambda q: {"quality": q, "optimize": True}, range(96)),
    "jpeg_progressive": Format(
        "progressive JPEG",
        "JPEG",
        lambda q: {"quality": q, "optimize": True, "progressive": True},
        range(96),
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
    # 100 is lossless, which pillow-jxl-plugin 1.3.8 refuses with these options
    "jxl": Format("JPEG XL", "JXL", lambda q: {"quality": q, "effort": 9}, range(100), extra="jxl"),
    "heic": Format("HEIC", "HEIF", lambda q: {"quality": q}, range(101), extra="heic"),
}


def check_format(name: str) -> None:
    """Raise InputError for a format that is unknown, or that this installation cannot write."""
    if name not in FORMATS:
        raise InputError(f"--against: found {name!r}, allowed {', '.join(FORMATS)}")
    lacking = lacks(name)
    if lacking is not None:
        raise InputError(f"--against {name}: {lacking}")


def formats_of(text: str) -> tuple[str, ...]:
    """Read the formats of `--against`, each once; raises InputError for one that cannot be written here."""
    named = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    for name in named:
        check_format(name)
    return named


def lacks(name: str) -> str | None:
    """Return what this installation lacks to read and write a format; None if it can do both."""
    form = FORMATS[name]
    try:
        if form.extra == "jxl":
            import pillow_jxl  # noqa: F401 - registers JPEG XL with Pillow
        elif form.extra == "heic":
            from pillow_heif import register_heif_opener

            register_heif_opener()
    except ImportError:
        return f"{form.title} needs the extra: pip install 'progic-satsim[{form.extra}]'"
    Image.init()
    return None if form.pillow in Image.SAVE else f"this Pillow has no {form.title}"


def file_bytes(picture: Image.Image, name: str, quality: int) -> bytes:
    """Return the picture as a file with nothing in it but the picture."""
    return _saved(picture, FORMATS[name].pillow, FORMATS[name].options(quality))


def jp2_file(picture: Image.Image, rates: Sequence[float]) -> bytes:
    """Return a JPEG 2000 codestream in quality layers; layer k leaves 1 / `rates[k]` of the raw bytes."""
    options = {"quality_mode": "rates", "quality_layers": list(rates), "progression": "LRCP"}
    return _saved(picture, "JPEG2000", {**options, "irreversible": True, "no_jp2": True})


def candidates(photo: Image.Image, name: str, budgets_bytes: Sequence[int]) -> list[list[bytes]]:
    """Return for each budget the best file of each scale that fits; none where nothing does."""
    scales = [best_files(shrunk(photo, scale), name, budgets_bytes) for scale in SCALES]
    return [[file for file in files if file is not None] for files in zip(*scales, strict=True)]


def best_files(picture: Image.Image, name: str, budgets_bytes: Sequence[int]) -> list[bytes | None]:
    """Return for each budget the file of the highest quality that fits; no file is written twice.

    None does where the format holds no picture of so many pixels.
    """
    if max(picture.size) > FORMATS[name].most_px:
        return [None] * len(budgets_bytes)
    written = cache(lambda quality: file_bytes(picture, name, quality))
    return [_best_file(written, FORMATS[name].qualities, budget) for budget in budgets_bytes]


def best_that_fits(
    write: Callable[[_Quality], _Written], qualities: Sequence[_Quality], fits: Callable[[_Written], bool]
) -> _Written | None:
    """Bisect `qualities`, worst to best, for the best one whose file fits: the next one's does not."""
    fitting, too_big, best = -1, len(qualities), None
    while too_big - fitting > 1:
        middle = (fitting + too_big) // 2
        file = write(qualities[middle])
        if fits(file):
            fitting, best = middle, file
        else:
            too_big = middle
    return best


def _best_file(write: Callable[[int], bytes], qualities: range, budget_bytes: int) -> bytes | None:
    return best_that_fits(write, qualities, lambda file: len(file) <= budget_bytes)


def opened(file: bytes, size: tuple[int, int]) -> Image.Image:
    """Return the file's picture, enlarged to `size` = (width, height).

    Raises InputError for a file of more pixels, before any is decoded, and whatever Pillow raises for a
    broken one.
    """
    check_size(jxl_size(file), size)  # its reader decodes all there is before it tells
    with Image.open(io.BytesIO(file), formats=readers(form.pillow for form in FORMATS.values())) as image:
        check_size(image.size, size)
        return enlarged(image.convert("RGB"), size)


def check_size(found: tuple[int, int] | None, size: tuple[int, int]) -> None:
    """Raise InputError for a file's picture that is wider or higher than the photo of `size`."""
    if found is not None and (found[0] > size[0] or found[1] > size[1]):
        raise InputError(f"found {found[0]}x{found[1]} pixels, allowed at most {size[0]}x{size[1]}")


def enlarged(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return the picture at `size` = (width, height), bicubic."""
    return picture if picture.size == size else picture.resize(size, Image.Resampling.BICUBIC)


def shrunk(photo: Image.Image, scale: int) -> Image.Image:
    """Return the photo at 1/scale of its width and height, bicubic."""
    smaller = (max(1, photo.width // scale), max(1, photo.height // scale))
    return enlarged(photo, smaller)


def _saved(picture: Image.Image, pillow: str, options: dict[str, object]) -> bytes:
    bare = Image.frombytes("RGB", picture.size, picture.tobytes())  # drops any colour profile and EXIF
    file = io.BytesIO()
    bare.save(file, pillow, **options)
    return _without_comment(file.getvalue()) if pillow == "JPEG2000" else file.getvalue()


def _without_comment(codestream: bytes) -> bytes:
    """Return a JPEG 2000 codestream without the comment in which OpenJPEG signs its name, 39 bytes."""
    at = codestream.find(JP2_COMMENT, 0, codestream.find(JP2_TILE))
    if at < 0:
        return codestream
    return codestream[:at] + codestream[at + 2 + int.from_bytes(codestream[at + 2 : at + 4], "big") :]
