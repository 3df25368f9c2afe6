import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from progic.errors import ImageError
from progic.images import _check_still, fit_photo, open_photo, to_image, to_tensor
from progic.limits import MAX_PIXELS


@pytest.mark.parametrize(
    ("suffix", "exact"), [("png", True), ("tiff", True), ("bmp", True), ("webp", False), ("avif", False)]
)
def test_formats_open_as_rgb(tmp_path: Path, suffix: str, exact: bool) -> None:
    path = tmp_path / f"photo.{suffix}"
    Image.new("RGB", (20, 30), (10, 200, 90)).save(path)
    photo = open_photo(path)
    assert (photo.mode, photo.size) == ("RGB", (20, 30))
    assert photo.getpixel((3, 3)) == pytest.approx((10, 200, 90), abs=0 if exact else 6)


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    image = Image.new("RGB", (40, 20), "red")
    image.paste("blue", (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # EXIF 2.3, tag Orientation: turn a quarter clockwise to view
    image.save(tmp_path / "turned.png", exif=exif)
    photo = open_photo(tmp_path / "turned.png")
    assert photo.size == (20, 40)
    assert photo.getpixel((10, 5)) == (0, 0, 255)


@pytest.mark.parametrize(
    ("mode", "colour", "seen"),
    [
        ("L", 100, (100, 100, 100)),
        ("1", 1, (255, 255, 255)),
        ("CMYK", (0, 0, 0, 0), (255, 255, 255)),
        ("RGBA", (255, 0, 0, 0), (255, 255, 255)),
        ("LA", (0, 255), (0, 0, 0)),
        ("I;16", 65535, (255, 255, 255)),
        ("I;16", 200, (1, 1, 1)),  # dark, and not of 8 bits: 200 / 257, rounded
        ("I", 2, (2, 2, 2)),  # dark, and not of 0 to 1
        ("I", 255, (255, 255, 255)),
        ("I", 257, (1, 1, 1)),  # of 16 bits
        ("F", 1.0, (255, 255, 255)),
        ("F", 1.02, (255, 255, 255)),  # of 0 to 1, with light over white
        ("F", 128.0, (128, 128, 128)),
    ],
)
def test_other_modes_become_rgb(tmp_path: Path, mode: str, colour: object, seen: tuple[int, ...]) -> None:
    path = tmp_path / "photo.tiff"
    image = Image.new(mode, (8, 8), colour)  # type: ignore[arg-type]
    image.save(path)
    assert open_photo(path).getpixel((4, 4)) == seen
    assert to_image(to_tensor(image)).getpixel((4, 4)) == seen  # of a library's user, who opened it elsewhere


def test_whatever_a_decoder_ends_in_is_a_broken_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "photo.png")
    monkeypatch.setattr(Image.Image, "convert", lambda image, mode: struct.unpack("I", b"odd"))
    with pytest.raises(ImageError, match="photo.png: broken image: unpack requires a buffer of 4 bytes"):
        open_photo(tmp_path / "photo.png")


def test_damaged_exif_does_not_cost_the_photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("RGB", (8, 16), "red").save(tmp_path / "photo.png")
    monkeypatch.setattr(ImageOps, "exif_transpose", lambda image: struct.unpack("I", b"odd"))
    photo = open_photo(tmp_path / "photo.png")
    assert (photo.size, photo.getpixel((4, 4))) == ((8, 16), (255, 0, 0))


def test_damaged_exif_is_read_without_a_word(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "a maker of cameras"  # EXIF 2.3, tag Make
    Image.new("RGB", (8, 16), "red").save(tmp_path / "photo.jpg", exif=exif)
    data = (tmp_path / "photo.jpg").read_bytes()
    (tmp_path / "photo.jpg").write_bytes(data.replace(b"MM\0*\0\0\0\x08\0\x01", b"MM\0*\0\0\0\x08\0\x63"))
    reading = "import sys; from progic.images import open_photo; print(open_photo(sys.argv[1]).size)"
    command = [sys.executable, "-c", reading, str(tmp_path / "photo.jpg")]  # pytest has filters of its own
    read = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (read.stdout, read.stderr) == ("(8, 16)\n", "")


def test_a_camera_may_put_its_preview_behind_the_photo(tmp_path: Path) -> None:
    photo, preview = Image.new("RGB", (64, 64), "red"), Image.new("RGB", (8, 8), "blue")
    photo.save(tmp_path / "photo.jpg", "MPO", save_all=True, append_images=[preview])
    assert open_photo(tmp_path / "photo.jpg").size == (64, 64)
    pages = [Image.new("L", (8, 8)) for _ in range(2)]  # Pillow cannot save the two above again
    pages[0].save(tmp_path / "pages.tiff", save_all=True, append_images=pages[1:])
    with pytest.raises(ImageError, match="found more pages than one, allowed 1"):
        open_photo(tmp_path / "pages.tiff")


def test_levels_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    Image.new("F", (8, 8), float("nan")).save(tmp_path / "photo.tiff")
    with pytest.raises(ImageError, match="no finite numbers"):
        open_photo(tmp_path / "photo.tiff")


@pytest.mark.parametrize("size", [(6400, 32), (32, 6400), (129, 1), (640, 480)])
def test_padding_keeps_something_of_every_photo(size: tuple[int, int]) -> None:
    fitted = fit_photo(Image.new("RGB", size, "white"), (64, 64), "pad")
    assert fitted.getextrema() == ((0, 255),) * 3


def test_faults_are_named(tmp_path: Path) -> None:
    good = tmp_path / "good.png"
    Image.effect_noise((64, 64), 50).save(good)
    cases = {
        tmp_path / "none.png": "no such file",
        tmp_path: "is a folder",
        tmp_path / "text.png": "not an image",
        tmp_path / "cut.png": "broken image",
        tmp_path / "moving.gif": "animated, found 2 frames",
        tmp_path / "pipe.png": "is a pipe",
        tmp_path / f"{'long' * 64}.png": "File name too long",
    }
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "text.png").write_text("hello")
    (tmp_path / "cut.png").write_bytes(good.read_bytes()[:-900])
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    for path, complaint in cases.items():
        with pytest.raises(ImageError, match=complaint) as caught:
            open_photo(path)
        assert str(path) in str(caught.value)


def test_a_folder_is_named_where_the_system_calls_it_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(path: Path, formats: list[str]) -> None:
        raise PermissionError(13, "Permission denied", str(path))  # as Windows does

    monkeypatch.setattr(Image, "open", closed)
    with pytest.raises(ImageError, match=f"{tmp_path}: is a folder, allowed is one photo"):
        open_photo(tmp_path)


def test_no_file_is_handed_to_a_reader_that_runs_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.jpg"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n%%EndComments\n{} loop\n")
    with Image.open(path) as image:
        assert image.format == "EPS"  # as Pillow would have it
    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", lambda *_: pytest.fail("it was drawn"))
    with pytest.raises(ImageError, match="not an image that can be read; allowed are PNG"):
        open_photo(path)


@pytest.mark.parametrize("height", [1, 255, 256, 600])
def test_sixteen_bits_keep_their_levels_row_by_row(tmp_path: Path, height: int) -> None:
    levels = np.random.default_rng(1).integers(0, 65536, (height, 40), np.uint16)
    Image.fromarray(levels).save(tmp_path / "deep.png")
    grey = np.asarray(open_photo(tmp_path / "deep.png"))[:, :, 0]
    assert (grey == np.rint(levels / 65535 * 255)).all()


def test_decompression_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    side = int(MAX_PIXELS**0.5) + 1
    path = tmp_path / "bomb.png"
    Image.new("1", (side, side)).save(path)
    with pytest.raises(ImageError, match=f"allowed at most {MAX_PIXELS}"):
        open_photo(path)


def test_as_many_pixels_as_are_allowed_are_no_bomb() -> None:
    fitting, more = (Image.Image() for _ in range(2))
    fitting._size, more._size = (MAX_PIXELS, 1), (MAX_PIXELS + 1, 1)
    _check_still(fitting, "photo.png")
    with pytest.raises(ImageError, match=f"photo.png: {MAX_PIXELS + 1}x1 pixels, allowed at most"):
        _check_still(more, "photo.png")


def test_crop_fills_and_pad_keeps_all() -> None:
    wide = Image.new("RGB", (200, 100), "white")
    assert np.array(fit_photo(wide, (64, 64), "crop")).min() == 255
    padded = np.array(fit_photo(wide, (64, 64), "pad"))
    assert padded.shape == (64, 64, 3)
    assert padded[0].max() == 0
    assert padded[32].min() == 255


def test_photos_are_fitted_by_lanczos_around_their_middle() -> None:
    noise = np.random.default_rng(2).integers(0, 256, (100, 200, 3), dtype=np.uint8)
    wide, lanczos = Image.fromarray(noise), Image.Resampling.LANCZOS
    middle = wide.resize((50, 50), lanczos, box=(50, 0, 150, 100))
    assert fit_photo(wide, (50, 50)).tobytes() == middle.tobytes()
    whole = Image.new("RGB", (50, 45))
    whole.paste(wide.resize((50, 25), lanczos), (0, 10))
    assert fit_photo(wide, (50, 45), "pad").tobytes() == whole.tobytes()


def test_tensors_round_trip_and_clip() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    photo = Image.fromarray(pixels)
    assert np.array_equal(np.array(to_image(to_tensor(photo))), pixels)
    beyond = torch.tensor([-1.0, 0.5, 2.0]).view(1, 3, 1, 1)
    assert to_image(beyond).getpixel((0, 0)) == (0, 128, 255)


def _tiff(pixels: bytes, bits: int, more: dict[int, int]) -> bytes:
    """A square TIFF by hand, since Pillow writes few kinds: the pixels, then the tags, each of one long."""
    side = round((len(pixels) * 8 / bits) ** 0.5)
    tags = {256: side, 257: side, 258: bits, 259: 1, 262: 1, 273: 8, 277: 1, 278: side, 279: len(pixels)}
    told = sorted({**tags, **more}.items())
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in told)
    head = struct.pack("<2sHI", b"II", 42, 8 + len(pixels))
    return head + pixels + struct.pack("<H", len(told)) + entries + bytes(4)


@pytest.mark.parametrize(
    ("file", "seen"),
    [
        (_tiff(b"\xff" * 96, 12, {}), [255] * 64),
        (_tiff(struct.pack("<4h", -32768, 0, 16384, 32767), 16, {339: 2}), [0, 0, 128, 255]),  # signed
        (_tiff(struct.pack("<4h", 0, 100, 200, 255), 16, {339: 2}), [0, 1, 2, 2]),  # dark, not of 8 bits
        (_tiff(struct.pack("<4H", 0, 257, 65278, 65535), 16, {262: 0}), [255, 254, 1, 0]),  # white is 0
        (_tiff(struct.pack("<4f", 0, 0.2, 0.8, 1), 32, {262: 0, 339: 3}), [255, 204, 51, 0]),
    ],
    ids=["12 bits", "signed", "signed and dark", "white is 0", "fractions of which white is 0"],
)
def test_levels_of_a_tiff_are_as_its_tags_have_them(tmp_path: Path, file: bytes, seen: list[int]) -> None:
    path = tmp_path / "photo.tiff"
    path.write_bytes(file)
    assert list(open_photo(path).convert("L").tobytes()) == seen


def _png(kind: int, levels: list[int], key: tuple[int, ...]) -> bytes:
    """A row of 16-bit pixels, grey (0) or RGB (2), of which one colour is transparent (tRNS)."""
    width = len(levels) // len(key)
    chunks = {
        b"IHDR": struct.pack(">IIBBBBB", width, 1, 16, kind, 0, 0, 0),
        b"tRNS": struct.pack(f">{len(key)}H", *key),
        b"IDAT": zlib.compress(b"\0" + struct.pack(f">{len(levels)}H", *levels)),
        b"IEND": b"",
    }
    told = (name + data for name, data in chunks.items())
    parts = (struct.pack(">I", len(each) - 4) + each + struct.pack(">I", zlib.crc32(each)) for each in told)
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize(
    ("file", "seen"),
    [
        (_png(0, [0, 1000, 1001, 65535], (1000,)), [0, 255, 4, 255]),
        (_png(0, [0, 1000], (0,)), [255, 4]),
        (_png(2, [0, 0, 0, 1000, 1000, 1000], (1000, 1000, 1000)), [0, 255]),
    ],
    ids=["grey", "black", "RGB"],
)
def test_the_transparent_colour_of_16_bits_is_laid_on_white(
    tmp_path: Path, file: bytes, seen: list[int]
) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(file)
    assert list(open_photo(path).convert("L").tobytes()) == seen
    with Image.open(path) as image:
        image.load()
        key = image.info["transparency"]
        assert list(to_image(to_tensor(image)).convert("L").tobytes()) == seen
        assert image.info["transparency"] == key


def test_the_transparent_colour_of_8_bits_is_as_it_stands(tmp_path: Path) -> None:
    image = Image.new("RGB", (3, 1))
    image.putdata([(255, 0, 0), (0, 0, 0), (254, 0, 0)])
    image.save(tmp_path / "photo.png", transparency=(255, 0, 0))
    pixels = np.asarray(open_photo(tmp_path / "photo.png"))[0].tolist()
    assert pixels == [[255, 255, 255], [0, 0, 0], [254, 0, 0]]
