"""Our own codec behind the contract of satsim.codec."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from PIL import Image

from progic.flops import counted_gflop
from satsim.codec import Encoded, NothingFits, short_fingerprint

_Pixels = tuple[tuple[int, int], bytes]  # a photo's size and levels: all of one colour are alike without it
LONG_S = 10  # of an encoding: what its first call sets up, memory and threads, is small in it


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
        self._stages: dict[_Pixels, list[bytes]] = {}
        self._encode_s: dict[_Pixels, float] = {}
        self._gflop: dict[tuple[str, tuple[int, int]], float] = {}
        self._pictures: dict[tuple[object, ...], Image.Image] = {}

    def encode(self, photo: Image.Image) -> list[bytes]:
        """Return all stages."""
        pixels = (photo.size, photo.tobytes())
        if pixels not in self._stages:
            start_s = time.perf_counter()
            with self._counting("encode", photo.size):
                self._stages[pixels] = self._codec.encode(photo)
            took_s = time.perf_counter() - start_s
            self._encode_s |= {pixels: took_s} if took_s >= LONG_S else {}
        return self._stages[pixels]

    def encode_s(self, photo: Image.Image) -> float:
        """Return how many seconds the codec takes here to encode, measured once for each photo.

        Of a long search that is the time of the encoding that is sent, about 7 % of it for counting its FLOP;
        what is short is encoded a second time.
        """
        self.encode(photo)
        pixels = (photo.size, photo.tobytes())
        if pixels not in self._encode_s:
            start_s = time.perf_counter()
            self._codec.encode(photo)
            self._encode_s[pixels] = time.perf_counter() - start_s
        return self._encode_s[pixels]

    def decode(self, stages: Mapping[int, bytes], size: tuple[int, int]) -> Image.Image:
        """Return the picture of any stages."""
        key = (size, *sorted(stages.items()))
        if key not in self._pictures:
            with self._counting("decode", size):
                self._pictures[key] = self._codec.decode(stages, size)
        return self._pictures[key]

    def gflop(self, size: tuple[int, int]) -> float | None:
        """Return what it took to encode and to decode once at `size`, in GFLOP; None if it was not done."""
        encode, decode = (self._gflop.get((step, size)) for step in ("encode", "decode"))
        return None if encode is None or decode is None else encode + decode

    @contextmanager
    def _counting(self, step: str, size: tuple[int, int]) -> Iterator[None]:
        with counted_gflop() as found:
            yield
        self._gflop[step, size] = found[0]


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
