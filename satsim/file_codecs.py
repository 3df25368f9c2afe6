"""The codecs that make one file, which the receiver shows when it is whole; and the one that does nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

import thash
from PIL import Image

from progic import classical
from satsim.codec import (
    UNKNOWN_GREY,
    CodecFailed,
    Distance,
    Encoded,
    NothingFits,
    encoded_bytes,
    file_fingerprint,
    in_order,
)
from satsim.settings import FileFormat

WHOLE_FILES = {file_fingerprint(name): name for name in get_args(FileFormat)}  # that a receiver draws

THUMBHASH_MOST_PX = 100  # the sides of a photo that a ThumbHash may be made of, github.com/evanw/thumbhash


@dataclass(frozen=True)
class FileCodec:
    """A whole JPEG, WebP, AVIF, JPEG XL or HEIC file within `budget_bytes`.

    Of the scales 1, 1/2 and 1/4 (bicubic), each at the highest quality that fits, the one is sent that comes
    nearest to the photo by `distance`: DISTS, or PSNR where DISTS is not measured. The receiver enlarges
    again (bicubic).
    """

    format: FileFormat
    budget_bytes: int
    distance: Distance

    @property
    def name(self) -> str:
        """As people call the format."""
        return classical.FORMATS[self.format].title

    def encode(self, photo: Image.Image) -> Encoded:
        """Return the best file that fits; raises CodecFailed where an extra is not installed."""
        lacking = classical.lacks(self.format)
        if lacking is not None:
            raise CodecFailed(lacking)
        (files,) = classical.candidates(photo, self.format, [self.budget_bytes])
        if not files:
            raise NothingFits
        best = min(files, key=lambda file: self.distance(classical.opened(file, photo.size)))
        return encoded_bytes((best,), self.format, is_file=True)

    def decode(self, held: Mapping[int, bytes], size: tuple[int, int]) -> Image.Image:
        """Return the file's picture, enlarged to `size`."""
        return classical.opened(in_order(held), size)


@dataclass(frozen=True)
class ThumbHashCodec:
    """ThumbHash (Evan Wallace, github.com/evanw/thumbhash): a blurred preview in about 25 bytes.

    The hashes are those of the reference; the pictures are drawn by `thash`, whose inverse transform is
    exact where the reference's is not: 0.1 dB of PSNR nearer.
    """

    budget_bytes: int
    name: str = "ThumbHash"

    def encode(self, photo: Image.Image) -> Encoded:
        """Return the hash, at most 25 bytes; there is no other quality."""
        small = photo.convert("RGBA")
        small.thumbnail((THUMBHASH_MOST_PX, THUMBHASH_MOST_PX))
        preview = bytes(thash.rgba_to_thumb_hash(small.width, small.height, list(small.tobytes())))
        if len(preview) > self.budget_bytes:
            raise NothingFits
        return encoded_bytes((preview,), self.name, is_file=True)

    def decode(self, held: Mapping[int, bytes], size: tuple[int, int]) -> Image.Image:
        """Return the preview, 32 pixels long, enlarged to `size`."""
        width, height, levels = thash.thumb_hash_to_rgba(in_order(held))
        preview = Image.frombytes("RGBA", (width, height), levels).convert("RGB")
        return classical.enlarged(preview, size)


@dataclass(frozen=True)
class IdentityCodec:
    """No compression: the photo's RGB bytes, grey where a piece is missing. To isolate a fault."""

    budget_bytes: int
    piece_bytes: int  # what each packet carries of the file
    name: str = "identity"

    def encode(self, photo: Image.Image) -> Encoded:
        """Return all pixels."""
        pixels = photo.tobytes()
        if len(pixels) > self.budget_bytes:
            raise NothingFits
        return encoded_bytes((pixels,), self.name, is_file=True)

    def decode(self, held: Mapping[int, bytes], size: tuple[int, int]) -> Image.Image:
        """Return the pixels held, where they belong."""
        pixels = bytearray([UNKNOWN_GREY]) * (size[0] * size[1] * 3)
        for number, piece in held.items():
            start = number * self.piece_bytes
            pixels[start : start + len(piece)] = piece
        return Image.frombytes("RGB", size, bytes(pixels))
