"""Photos in and out: files, sizes, and tensors."""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image, ImageOps, TiffImagePlugin, UnidentifiedImageError
from torch import Tensor

from progic.errors import ImageError
from progic.limits import MAX_PIXELS

# MAX_PIXELS decides. Once for all, since a filter for the time of a call would be that of all threads.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
# A photo with damaged EXIF or tags is read as far as it can be, or named in an ImageError.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")

ROWS = 256  # of a photo, converted at a time
WHITE_IS_ZERO, SIGNED = 0, 2  # TIFF 6.0: of PhotometricInterpretation, and of SampleFormat
Tags = Mapping[int, Any]
# Pillow has readers that run other programs: EPS is drawn by Ghostscript, which hangs where the file says so.
READ = ("PNG", "JPEG", "MPO", "WEBP", "AVIF", "TIFF", "BMP", "HEIF", "GIF", "PPM")
PHOTO_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".webp", ".avif", ".tif", ".tiff", ".bmp", ".heic", ".heif"}
)


def open_photo(path: str | Path) -> Image.Image:
    """Read a still photo as RGB, upright by its EXIF tag if that is legible; transparency is laid on white.

    Raises ImageError, naming the file, when it is missing, no image, cut, animated, or over MAX_PIXELS.
    """
    with _opened(path) as image:
        image.load()
        return _in_rgb(_upright(image), _tags(image))


def readers(formats: Iterable[str]) -> list[str]:
    """Those of the formats that this Pillow reads, by their names in it."""
    Image.init()
    return [name for name in formats if name in Image.OPEN]


def is_photo_name(path: Path) -> bool:
    """Whether a file's name says that it is a picture of any kind, photo or not."""
    Image.init()
    return path.suffix.lower() in PHOTO_SUFFIXES | {".jxl"} | Image.registered_extensions().keys()


def check_photo(path: str | Path) -> None:
    """Raise ImageError for what a file's head shows to be no photo for us; no pixel is decoded."""
    with _opened(path):
        pass


@contextmanager
def _opened(path: str | Path) -> Iterator[Image.Image]:
    """Hand out a still image, not too large and not yet decoded; what goes wrong becomes an ImageError."""
    with suppress(ImportError):  # the extra `heic`
        from pillow_heif import register_heif_opener

        register_heif_opener()
    try:
        for kind, is_so in ("pipe", Path.is_fifo), ("folder", Path.is_dir):
            if is_so(Path(path)):  # a pipe would be waited for; Windows calls a folder a file that is closed
                raise ImageError(f"{path}: is a {kind}, allowed is one photo")
        with Image.open(path, formats=readers(READ)) as image:
            _check_still(image, path)
            yield image
    except FileNotFoundError:
        raise ImageError(f"{path}: no such file") from None
    except PermissionError:
        raise ImageError(f"{path}: cannot be read, its permissions do not allow it") from None
    except UnidentifiedImageError:
        allowed = "allowed are PNG, JPEG, WebP, AVIF, TIFF, BMP, GIF, PPM (HEIC with progic-satsim[heic])"
        raise ImageError(f"{path}: not an image that can be read; {allowed}") from None
    except Image.DecompressionBombError:
        raise ImageError(f"{path}: too many pixels, allowed at most {MAX_PIXELS}") from None
    except ImageError:
        raise
    except Exception as error:  # damaged files end Pillow's decoders in errors of any kind
        raise ImageError(f"{path}: broken image: {error}") from None


def _check_still(image: Image.Image, path: str | Path) -> None:
    if image.format == "TIFF":
        if _has_second_page(image):
            raise ImageError(f"{path}: found more pages than one, allowed 1")
    elif image.format != "MPO":  # a camera's photo, with its preview or gain map behind it
        frames = getattr(image, "n_frames", 1)
        if frames > 1:
            raise ImageError(f"{path}: animated, found {frames} frames, allowed 1")
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ImageError(f"{path}: {width}x{height} pixels, allowed at most {MAX_PIXELS} in all")


def _has_second_page(image: Image.Image) -> bool:
    """Look for no more than one: counting a file's pages takes time that grows with their square."""
    try:
        image.seek(1)
    except EOFError:
        return False
    finally:
        image.seek(0)
    return True


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # Pillow has no one error for damaged EXIF; the pixels are there all the same
        return image


def _tags(image: Image.Image) -> Tags:
    """What a TIFF says of its levels, which Pillow does not stretch; of other formats nothing."""
    return getattr(image, "tag_v2", {})


def _in_rgb(image: Image.Image, tags: Tags) -> Image.Image:
    """Return an image of any mode as RGB: deep levels in 8 bits, and what is transparent on white."""
    if image.mode.startswith("I;16") or image.mode in {"I", "F"}:
        image = _in_8_bits(image, tags)
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, _of_8_bit_key(image).convert("RGBA"))
    return image.convert("RGB")


def _of_8_bit_key(image: Image.Image) -> Image.Image:
    """Cut the colour that is transparent to 8 bits: of a PNG of 16, Pillow cuts the pixels alone."""
    key = image.info.get("transparency")
    if isinstance(key, tuple) and max(key) > 255:
        image = image.copy()
        image.info["transparency"] = tuple(level >> 8 for level in key)
    return image


def _in_8_bits(image: Image.Image, tags: Tags) -> Image.Image:
    """Greyscale of more than 8 bits in as many, some rows at a time, which bounds the memory.

    With alpha where a level is transparent.
    """
    levels = np.asarray(image)
    if not np.isfinite(levels).all():
        raise ValueError("found levels that are no finite numbers")
    top = _white(image.mode, float(levels.max(initial=0)), tags)
    grey = np.empty(levels.shape, np.uint8)
    for start in range(0, len(levels), ROWS):
        rows = slice(start, start + ROWS)
        grey[rows] = (levels[rows] / np.float64(top) * 255).clip(0, 255).round()
    if tags.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == WHITE_IS_ZERO:
        grey = 255 - grey
    if "transparency" not in image.info:
        return Image.fromarray(grey)
    opaque = Image.fromarray(levels != image.info["transparency"])
    return Image.merge("LA", (Image.fromarray(grey), opaque.convert("L")))


def _white(mode: str, highest: float, tags: Tags) -> float:
    """Level of white in a greyscale image of more than 8 bits; by its highest where the mode does not say."""
    bits: int = tags.get(TiffImagePlugin.BITSPERSAMPLE, (16,))[0]
    if mode.startswith("I;16"):
        return float(2**bits - 1)
    if bits == 16 and tags.get(TiffImagePlugin.SAMPLEFORMAT) == (SIGNED,):
        return 32767.0  # and what is below 0 is black
    if highest > 255:
        return 65535.0
    return 1.0 if mode == "F" and highest <= 2 else 255.0  # some light may be over white


def fit_photo(image: Image.Image, size: tuple[int, int], fit: Literal["crop", "pad"] = "crop") -> Image.Image:
    """Scale (Lanczos) to `size` = (width, height) in pixels.

    `crop` fills it and cuts what stands over, evenly; `pad` fits inside, on black.
    """
    if fit == "pad":
        width, height = image.size
        if 2 * size[0] * height <= width:  # Pillow would round this side to nothing
            image = image.resize((size[0], 1), Image.Resampling.LANCZOS)
        elif 2 * size[1] * width <= height:
            image = image.resize((1, size[1]), Image.Resampling.LANCZOS)
        return ImageOps.pad(image, size, Image.Resampling.LANCZOS)
    return ImageOps.fit(image, size, Image.Resampling.LANCZOS)


def to_tensor(image: Image.Image) -> Float[Tensor, "1 3 h w"]:
    """Photo of any mode, as `open_photo` would have it, to float32, 0..1."""
    pixels = torch.from_numpy(np.array(_in_rgb(image, _tags(image))))
    return pixels.permute(2, 0, 1)[None].float() / 255


def to_image(pixels: Float[Tensor, "1 3 h w"]) -> Image.Image:
    """Float pixels, clipped to 0..1, to an 8-bit RGB photo."""
    levels = (pixels[0].clamp(0, 1) * 255).round().to(torch.uint8)
    return Image.fromarray(levels.permute(1, 2, 0).cpu().numpy())
