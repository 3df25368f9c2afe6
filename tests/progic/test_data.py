from pathlib import Path

import pytest
import torch
from PIL import Image

from progic.data import PhotoSet, photo_paths, read_photos
from progic.errors import ImageError


def test_crops_come_from_everywhere_and_half_of_them_are_mirrored() -> None:
    rows, columns = torch.meshgrid(torch.arange(12), torch.arange(12), indexing="ij")
    photo = torch.stack([rows, columns, columns], 2).to(torch.uint8)
    crops = (PhotoSet((photo,), ()).crops(400, 8, torch.Generator().manual_seed(1)) * 255).round()
    tops, lefts = (set(crops[:, channel].amin((1, 2)).tolist()) for channel in (0, 1))
    assert tops == lefts == set(range(5))
    mirrored = float((crops[:, 1, 0, 0] > crops[:, 1, 0, -1]).float().mean())
    assert abs(mirrored - 0.5) < 0.1  # 4 standard errors


def test_a_photo_as_large_as_the_crop_holds_it() -> None:
    small, fitting = torch.zeros(9, 7, 3, dtype=torch.uint8), torch.ones(8, 9, 3, dtype=torch.uint8)
    photos = PhotoSet((small, fitting), ())
    assert photos.crops(3, 8, torch.Generator()).unique().tolist() == pytest.approx([1 / 255])
    with pytest.raises(ImageError, match="crop_px: found 9; allowed is at most 8, of the largest photo"):
        photos.holding(9)


def test_a_folder_that_is_called_like_a_photo_is_none(tmp_path: Path) -> None:
    (tmp_path / "trees.png").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "trees.png" / "oak.jpg")
    assert photo_paths([tmp_path]) == [tmp_path / "trees.png" / "oak.jpg"]


def test_a_folder_without_photos_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="holds no photo"):
        read_photos([tmp_path])
