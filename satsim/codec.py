"""What every codec is that a scheme sends with: a photo to stages of bytes, and back from those held."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from PIL import Image

from satsim.units import BITS_PER_BYTE

UNKNOWN_GREY = 128  # what is shown where nothing is held

Distance = Callable[[Image.Image], float]  # to the photo, lower is nearer: satsim.quality.Scorer.distance


class NothingFits(Exception):
    """A codec that cannot say anything in the bytes it may spend; the text, if any, says how near it came."""


class CodecFailed(Exception):
    """A codec that is not there or does not work; the text says why. Other schemes go on."""


@dataclass(frozen=True)
class Encoded:
    """A photo as bytes, and what the packet header says about them."""

    stages: tuple[bytes, ...]  # whole ones, in the order of sending; a file is one, to be cut into packets
    is_file: bool
    bits_per_index: int  # 8 for a file: plain bytes
    downsampling_factor: int  # 1 for a file
    fingerprint: int  # 16 bits that tell the receiver which codec, with which weights
    first_stages: int = 1  # a file's beginning that shows something has as many pieces, or more


class PhotoCodec(Protocol):
    """A photo to stages and back."""

    @property
    def name(self) -> str:
        """What people call it: "ProGIC", "WebP"."""

    def encode(self, photo: Image.Image) -> Encoded:
        """Return the best that fits the bytes this codec may spend; raises NothingFits and CodecFailed."""

    def decode(self, held: Mapping[int, bytes], size: tuple[int, int]) -> Image.Image:
        """Return the picture, `size` = (width, height), of the stages, or a file's pieces, held: one or more.

        Which pieces a codec can show something of is `satsim.settings.Scheme.shown`: any, a beginning, or
        all of them alone. Raises CodecFailed.
        """


def encoded_bytes(stages: tuple[bytes, ...], name: str, is_file: bool, first_stages: int = 1) -> Encoded:
    """Return plain bytes as the header describes them; `name` is what tells the receiver the codec."""
    return Encoded(stages, is_file, BITS_PER_BYTE, 1, file_fingerprint(name), first_stages)


def short_fingerprint(sha256_hex: str) -> int:
    """Return the header's fingerprint: the first two bytes of a sha256 given in hexadecimal."""
    return int(sha256_hex[:4], 16)


def file_fingerprint(name: str) -> int:
    """Return what stands in the header where no model codes: two bytes of the sha256 of the codec's name."""
    return short_fingerprint(hashlib.sha256(name.encode()).hexdigest())


def in_order(held: Mapping[int, bytes]) -> bytes:
    """Return a file, or its beginning, from its pieces."""
    return b"".join(held[number] for number in sorted(held))
