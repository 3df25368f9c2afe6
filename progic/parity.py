"""Whether an exported codec does what the model does: the same indices, the same pictures."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from progic.codec import Codec
from progic.data import photo_paths
from progic.errors import ImageError, ProgicError
from progic.images import fit_photo, open_photo, to_tensor

PHOTOS = 32
SIZES_PX = ((256, 256), (192, 144), (320, 128), (64, 272))  # rounded up to multiples of f
LEAST_EQUAL = 0.999  # of all indices
MOST_DIFFERENT = 1 / 255  # of a picture's values, 0..1

Planes = NDArray[np.int64]
Pixels = NDArray[np.float32]


class Runs(Protocol):
    """Both graphs of a codec (progic.graphs) in another runtime."""

    def encode(self, photo: Pixels) -> Planes:
        """Photo (1 3 h w) to indices (N 1 u v)."""

    def decode(self, indices: Planes, held: Pixels) -> Pixels:
        """Indices (N 1 u v) and which stages are held (1 N) to the photo (1 3 h w)."""


class Parity(NamedTuple):
    """What a check has found."""

    photos: int
    indices_equal: float  # share of all indices
    most_different: float  # of any value of any picture, 0..1


def check(codec: Codec, exported: Runs, photos: list[Image.Image]) -> Parity:
    """Set the exported codec beside the model, at several sizes and sets of stages.

    Raises ProgicError where fewer than LEAST_EQUAL of the indices are the same, or a value of a picture, of
    the same indices, differs by more than MOST_DIFFERENT.
    """
    n_equal = n_indices = 0
    differences = []
    for number, photo in enumerate(photos):
        pixels = to_tensor(fit_photo(photo, _size(number, codec.config.downsampling_factor)))
        wanted = _indices(codec, pixels)
        found = exported.encode(pixels.numpy())
        n_equal += int((found == wanted).sum())
        n_indices += wanted.size
        held = _held(number, codec.config.n_stages)
        picture = exported.decode(wanted, held.numpy())
        differences.append(np.abs(picture - _picture(codec, wanted, held)).max())
    most = float(np.max(differences))  # which keeps a NaN
    found_all = Parity(len(photos), n_equal / n_indices, most)
    if found_all.indices_equal < LEAST_EQUAL or not most <= MOST_DIFFERENT:
        raise ProgicError(
            f"the exported codec is not the model: {found_all.indices_equal:.2%} of the indices are the same,"
            f" allowed {LEAST_EQUAL:.1%}; pictures differ by {most * 255:.3g}/255, allowed 1/255"
        )
    return found_all


def photos_to_check(folder: Path | None) -> list[Image.Image]:
    """Return 32 photos of a folder, the first by name, or pictures made of noise and gradients.

    Raises ImageError for a folder that is missing or has fewer.
    """
    if folder is None:
        return list(_made())
    found = photo_paths([folder])
    if len(found) < PHOTOS:
        raise ImageError(f"{folder}: found {len(found)} photos, allowed at least {PHOTOS}")
    return [open_photo(path) for path in found[:PHOTOS]]


def _made() -> Iterator[Image.Image]:
    """Noise of every coarseness over a gradient: detail and flat areas as photos have them."""
    random = np.random.default_rng(0)
    for number in range(PHOTOS):
        side = 2 ** (1 + number % 8)
        noise = Image.fromarray(random.integers(0, 256, (side, side, 3), dtype=np.uint8))
        gradient = Image.linear_gradient("L").rotate(90 * number).convert("RGB").resize((256, 256))
        yield Image.blend(noise.resize((256, 256), Image.Resampling.BICUBIC), gradient, 0.5)


def _size(number: int, factor: int) -> tuple[int, int]:
    width, height = (-(-side // factor) * factor for side in SIZES_PX[number % len(SIZES_PX)])
    return width, height


def _held(number: int, n_stages: int) -> torch.Tensor:
    """A prefix or, for every other photo, the stages of that parity."""
    if number % 2 == 0 or n_stages == 1:
        numbers = range(1 + number // 2 % n_stages)
    else:
        numbers = range(number // 2 % 2, n_stages, 2)
    return torch.tensor([[float(stage in numbers) for stage in range(n_stages)]])


@torch.inference_mode()
def _indices(codec: Codec, pixels: torch.Tensor) -> Planes:
    latents = codec.net.encoder(pixels.to(memory_format=torch.channels_last))
    planes: Planes = codec.net.quantizer.search(latents).numpy()
    return planes


@torch.inference_mode()
def _picture(codec: Codec, indices: Planes, held: torch.Tensor) -> Pixels:
    stages = {stage: torch.from_numpy(indices[stage]) for stage in held[0].nonzero()[:, 0].tolist()}
    codes = codec.net.quantizer.decode(stages).contiguous(memory_format=torch.channels_last)
    picture: Pixels = codec.net.decoder(codes, held).clamp(0, 1).numpy()
    return picture
