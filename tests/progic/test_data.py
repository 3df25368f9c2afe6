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


def test_photos_are_scaled_down_to_the_short_side_and_never_up(tmp_path: Path) -> None:
    row = torch.arange(80)[:, None] + torch.arange(100)
    squares = (row % 2).bool()
    large = squares.repeat_interleave(5, 0).repeat_interleave(5, 1)
    Image.fromarray(large.numpy()).save(tmp_path / "a.png")
    Image.new("RGB", (70, 90)).save(tmp_path / "b.png")
    scaled, small = read_photos([tmp_path], short_side_px=80).photos
    assert scaled.shape == (80, 100, 3)
    assert torch.equal(scaled[:, :, 0] > 127, squares)
    assert small.shape == (90, 70, 3)


def test_lossy_files_in_their_own_size_are_counted(tmp_path: Path) -> None:
    for name, side_px in (("a.JPG", 80), ("b.jpg", 81), ("c.webp", 60), ("d.png", 70)):
        Image.new("RGB", (90, side_px)).save(tmp_path / name)
    said: list[str] = []
    read_photos([tmp_path], said.append, short_side_px=80)
    assert [line.partition(":")[0] for line in said] == [
        "2 of 4 photos are JPEG or another lossy format in their own size"
    ]


def test_a_folder_without_photos_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="holds no photo"):
        read_photos([tmp_path])
