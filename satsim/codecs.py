"""The codecs that a scheme can send with, all behind one contract: ours, WebP, AVIF, and none at all."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from PIL import Image

from progic import classical
from satsim.packets import short_fingerprint
from satsim.scenario import Scenario, Scheme
from satsim.units import HEADER_BYTES, MAX_STAGES

UNKNOWN_GREY = 128  # what the identity codec shows where it holds nothing

FileFormat = Literal["webp", "avif"]


class NothingFits(Exception):
    """A codec that cannot say anything in the bytes it may spend."""


@dataclass(frozen=True)
class Encoded:
    """A photo as bytes, and what the packet header says about them."""

    stages: tuple[bytes, ...]  # whole ones, in the order of sending; a file is one, to be cut into packets
    is_file: bool
    bits_per_index: int  # 8 for a file: plain bytes
    downsampling_factor: int  # 1 for a file
    fingerprint: int  # 16 bits that tell the receiver which codec, with which weights


class PhotoCodec(Protocol):
    """A photo to stages and back."""

    @property
    def name(self) -> str:
        """What people call it: "ProGIC", "WebP"."""

    def encode(self, photo: Image.Image) -> Encoded:
        """Return the best that fits the bytes this codec may spend; raises NothingFits."""

    def decode(self, held: Mapping[int, bytes], size: tuple[int, int]) -> Image.Image:
        """Return the picture, `size` = (width, height), of the stages, or a file's pieces, held: one or more.

        WebP and AVIF need them all: no part of such a file can be shown.
        """


class TrainedCodec(Protocol):
    """The part of `progic.Codec` that is used here."""

    @property
    def fingerprint(self) -> str:
        """Sha256 of the weights, in hex."""

    def encode(self, photo: Image.Image) -> list[bytes]:
        """Return all stages."""

    def decode(self, stages: Mapping[int, bytes], size: tuple[int, int]) -> Image.Image:
        """Return the picture of any stages."""


class RememberingCodec:
    """A trained codec that does nothing twice: the schemes of a run share their stages and pictures."""

    def __init__(self, codec: TrainedCodec) -> None:
        self.fingerprint = codec.fingerprint
        self._codec = codec
        self._stages: dict[bytes, list[bytes]] = {}
        self._pictures: dict[tuple[object, ...], Image.Image] = {}

    def encode(self, photo: Image.Image) -> list[bytes]:
        """Return all stages."""
        pixels = photo.tobytes()
        if pixels not in self._stages:
            self._stages[pixels] = self._codec.encode(photo)
        return self._stages[pixels]

    def decode(self, stages: Mapping[int, bytes], size: tuple[int, int]) -> Image.Image:
        """Return the picture of any stages."""
        key = (size, *sorted(stages.items()))
        if key not in self._pictures:
            self._pictures[key] = self._codec.decode(stages, size)
        return self._pictures[key]


@dataclass(frozen=True)
class ProgicCodec:
    """Our codec: the first stages that fit `budget_bytes`, at most `n_stages` of them."""

    codec: TrainedCodec
    n_stages: int
    bits_per_index: int
    downsampling_factor: int
    budget_bytes: int
    name: str = "ProGIC"

    def encode(self, photo: Image.Image) -> Encoded:
        """Return as many whole stages as the budget holds."""
        stages = self.codec.encode(photo)
        n_fitting = min(self.n_stages, self.budget_bytes // len(stages[0]))
        if n_fitting == 0:
            raise NothingFits
        return Encoded(
            stages=tuple(stages[:n_fitting]),
            is_file=False,
            bits_per_index=self.bits_per_index,
            downsampling_factor=self.downsampling_factor,
            fingerprint=short_fingerprint(self.codec.fingerprint),
        )

    def decode(self, held: Mapping[int, bytes], size: tuple[int, int]) -> Image.Image:
        """Return the picture of any stages."""
        return self.codec.decode(held, size)


@dataclass(frozen=True)
class FileCodec:
    """A whole WebP or AVIF file within `budget_bytes`.

    Of the scales 1, 1/2 and 1/4 (bicubic), each at the highest quality that fits, the one is sent that comes
    nearest to the photo by `distance` (lower is nearer): `satsim.quality.Scorer.distance`, which is DISTS, or
    PSNR where DISTS is not measured. The receiver enlarges again (bicubic).
    """

    format: FileFormat
    budget_bytes: int
    distance: Callable[[Image.Image], float]

    @property
    def name(self) -> str:
        """WebP or AVIF."""
        return classical.FORMATS[self.format].title

    def encode(self, photo: Image.Image) -> Encoded:
        """Return the best file that fits."""
        (files,) = classical.candidates(photo, self.format, [self.budget_bytes])
        if not files:
            raise NothingFits
        best = min(files, key=lambda file: self.distance(classical.opened(file, photo.size)))
        return _encoded_file(best, self.format)

    def decode(self, held: Mapping[int, bytes], size: tuple[int, int]) -> Image.Image:
        """Return the file's picture, enlarged to `size`."""
        return classical.opened(b"".join(held[stage] for stage in sorted(held)), size)


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
        return _encoded_file(pixels, self.name)

    def decode(self, held: Mapping[int, bytes], size: tuple[int, int]) -> Image.Image:
        """Return the pixels held, where they belong."""
        pixels = bytearray([UNKNOWN_GREY]) * (size[0] * size[1] * 3)
        for number, piece in held.items():
            start = number * self.piece_bytes
            pixels[start : start + len(piece)] = piece
        return Image.frombytes("RGB", size, bytes(pixels))


def codec_of(
    scheme: Scheme, scenario: Scenario, model: TrainedCodec | None, distance: Callable[[Image.Image], float]
) -> PhotoCodec:
    """Return the codec that a scheme sends with, within the scheme's budget and what a header can count.

    `model` may be None for a scheme that does not send with it; `distance` is FileCodec's.
    """
    budget_bytes, codec = scenario.budget_bytes(scheme), scenario.codec
    piece_bytes = scenario.link.payload_bytes - HEADER_BYTES
    file_bytes_allowed = min(budget_bytes, piece_bytes * MAX_STAGES)
    if scheme.codec == "identity":
        return IdentityCodec(file_bytes_allowed, piece_bytes)
    if scheme.codec != "progic":
        return FileCodec(scheme.codec, file_bytes_allowed, distance)
    if model is None:
        raise ValueError(f"{scheme.name}: no trained codec given")
    return ProgicCodec(model, codec.stages, codec.bits_per_index, codec.downsampling_factor, budget_bytes)


def _encoded_file(file: bytes, name: str) -> Encoded:
    fingerprint = short_fingerprint(hashlib.sha256(name.encode()).hexdigest())
    return Encoded((file,), is_file=True, bits_per_index=8, downsampling_factor=1, fingerprint=fingerprint)
