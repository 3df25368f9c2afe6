"""Photos for training: read once into memory, cropped at random."""

import math
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Generator, Tensor

from progic.errors import ImageError, InputError
from progic.images import PHOTO_SUFFIXES, open_photo

LOSSY_SUFFIXES = frozenset({".jpg", ".jpeg", ".webp", ".avif", ".heic", ".heif"})


@dataclass(frozen=True)
class PhotoSet:
    """Decoded photos, uint8 (h, w, 3) each, and the names of those that could not be read."""

    photos: tuple[Tensor, ...]
    unreadable: tuple[str, ...]

    def holding(self, crop_px: int, key: str = "crop_px") -> list[Tensor]:
        """Return the photos that hold a crop; raises ImageError, with the recipe's key, where none does."""
        large = [photo for photo in self.photos if min(photo.shape[:2]) >= crop_px]
        if not large:
            largest = max(min(photo.shape[:2]) for photo in self.photos)
            raise ImageError(f"{key}: found {crop_px}; allowed is at most {largest}, of the largest photo")
        return large

    def crops(self, count: int, crop_px: int, generator: Generator) -> Float[Tensor, "b 3 s s"]:
        """`count` random square crops, mirrored half of the time, float32 0..1, channels last."""
        large = self.holding(crop_px)
        chosen = [_crop(large[_draw(len(large), generator)], crop_px, generator) for _ in range(count)]
        batch = torch.stack(chosen).permute(0, 3, 1, 2)  # keeps the channels last in memory
        return batch.float() / 255


def photo_paths(folders: Iterable[Path]) -> list[Path]:
    """All photos under the folders, sorted within each.

    Raises ImageError naming a folder that is missing or holds none.
    """
    found: list[Path] = []
    for folder in folders:
        if not folder.is_dir():
            raise ImageError(f"{folder}: found no folder; allowed: a folder of photos")
        named = (path for path in folder.rglob("*") if path.suffix.lower() in PHOTO_SUFFIXES)
        inside = sorted(path for path in named if not path.is_dir())
        if not inside:
            raise ImageError(f"{folder}: holds no photo; looked for {', '.join(sorted(PHOTO_SUFFIXES))}")
        found += inside
    return found


def check_outside(option: str, path: Path, folders: Iterable[Path]) -> None:
    """Raise InputError where what is written would be among the photos the next time."""
    for folder in folders:
        if folder.is_dir() and path.resolve().is_relative_to(folder.resolve()):
            raise InputError(f"{option}: found {path}, among the photos; allowed: one outside of {folder}")


def chosen(paths: Sequence[Path], count: int) -> list[Path]:
    """Return `count` of the files, evenly spread over their order; all with 0 or too few."""
    if not 0 < count < len(paths):
        return list(paths)
    return [paths[math.floor((index + 0.5) * len(paths) / count)] for index in range(count)]


def read_photos(
    folders: Iterable[Path],
    report: Callable[[str], object] = lambda line: None,
    short_side_px: int | None = None,
) -> PhotoSet:
    """Decode every photo of the folders; unreadable ones are skipped, and each is told to `report`.

    Those whose short side is longer than `short_side_px` are scaled down to it; how many lossy files are not
    is told.
    """
    paths = photo_paths(folders)
    with ThreadPoolExecutor() as pool:
        decoded = list(pool.map(partial(_read, short_side_px=short_side_px), paths))
    unreadable = tuple(str(path) for path, photo in zip(paths, decoded, strict=True) if photo is None)
    for name in unreadable:
        report(f"skipped, unreadable: {name}")
    photos = tuple(photo for photo in decoded if photo is not None)
    if not photos:
        raise ImageError(f"none of {len(paths)} photos could be read")
    if lossy := sum(photo.lossy for photo in photos):
        report(
            f"{lossy} of {len(photos)} photos are JPEG or another lossy format in their own size: what it did"
            " to their pixels is learned too; larger originals are scaled down, and lose it"
        )
    return PhotoSet(tuple(photo.pixels for photo in photos), unreadable)


class _Photo(NamedTuple):
    pixels: Tensor  # uint8 (h, w, 3)
    lossy: bool  # what the file's format has done to them is still there


def _read(path: Path, short_side_px: int | None) -> _Photo | None:
    try:
        photo = open_photo(path)
    except ImageError:
        return None
    lossy = path.suffix.lower() in LOSSY_SUFFIXES
    if short_side_px is not None and min(photo.size) > short_side_px:
        scale = short_side_px / min(photo.size)
        width, height = (max(short_side_px, round(side * scale)) for side in photo.size)
        photo, lossy = photo.resize((width, height), Image.Resampling.LANCZOS), False
    return _Photo(torch.from_numpy(np.array(photo)), lossy)


def _draw(n: int, generator: Generator) -> int:
    return int(torch.randint(n, (), generator=generator))


def _crop(photo: Tensor, crop_px: int, generator: Generator) -> Tensor:
    top = _draw(photo.shape[0] - crop_px + 1, generator)
    left = _draw(photo.shape[1] - crop_px + 1, generator)
    crop = photo[top : top + crop_px, left : left + crop_px]
    return crop.flip(1) if _draw(2, generator) else crop
