"""A beginning of a file is the picture of the packets or scans in it, whatever follows."""

import io
import struct
from bisect import bisect_right
from itertools import accumulate

import numpy as np
import pytest
from PIL import Image

from progic import classical, cut_files
from progic.errors import InputError

SIZE = (64, 48)


@pytest.fixture(scope="module")
def small(photo: Image.Image) -> Image.Image:
    return photo.convert("RGB").resize(SIZE)


def squared_error(one: Image.Image, other: Image.Image) -> float:
    levels = [np.asarray(each, dtype=np.float64) for each in (one, other)]
    return float(((levels[0] - levels[1]) ** 2).mean())


def packet_ends(picture: Image.Image) -> tuple[bytes, list[int]]:
    """Return a codestream and where its packets end, which OpenJPEG itself lists if asked (PLT)."""
    options = {"quality_mode": "rates", "quality_layers": [60, 30, 15], "irreversible": True, "no_jp2": True}
    plain, listed = io.BytesIO(), io.BytesIO()
    picture.save(plain, "JPEG2000", progression="LRCP", **options)
    picture.save(listed, "JPEG2000", progression="LRCP", plt=True, **options)
    codestream, marked = plain.getvalue(), listed.getvalue()
    at = marked.index(
        b"\xff\x58"
    )  # T.800, A.7.3: length, index, then 7 bits a byte, the last without the top
    coded = marked[at + 5 : at + 2 + int.from_bytes(marked[at + 2 : at + 4], "big")]
    lengths, value = [], 0
    for byte in coded:
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            lengths.append(value)
            value = 0
    body = codestream.index(b"\xff\x90") + 14
    return codestream, list(accumulate(lengths, initial=body))


def test_jp2_shows_the_whole_packets_of_any_beginning(small: Image.Image) -> None:
    codestream, ends = packet_ends(small)
    assert len(ends) > 50
    of_end = {end: cut_files.jp2_start(codestream[:end], SIZE) for end in ends[1:]}
    for length in range(len(codestream) + 1):
        found = cut_files.jp2_start(codestream[:length], SIZE)
        if length < ends[1]:
            assert found is None
        else:
            assert found == of_end[ends[bisect_right(ends, length) - 1]]
    assert of_end[ends[-1]] == classical.opened(codestream, SIZE)


def test_more_of_jp2_is_nearer(small: Image.Image) -> None:
    ends = [300, 600, 900, 1200]
    file = cut_files.layered_jp2(small, ends)
    assert file is not None
    assert len(file) <= ends[-1]
    assert b"OpenJPEG" not in file
    errors = [
        squared_error(picture, small) for end in ends if (picture := cut_files.jp2_start(file[:end], SIZE))
    ]
    assert len(errors) == 4
    assert errors == sorted(errors, reverse=True)
    assert classical.opened(file, SIZE) == cut_files.jp2_start(file, SIZE)


def test_layers_that_openjpeg_refuses_are_no_file(
    small: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it does some of pictures of 33x64; the next, with shorter layers, may be written."""
    asked: list[float] = []

    def jp2_file(picture: Image.Image, rates: list[float]) -> bytes:
        asked.append(rates[-1])
        if len(asked) < 3:
            raise OSError("broken data stream when writing image file")
        return b"written"

    monkeypatch.setattr(classical, "jp2_file", jp2_file)
    assert cut_files.layered_jp2(small, [300, 600]) == b"written"
    assert asked == sorted(asked) and len(asked) == 3


def test_no_jp2_in_fewer_bytes_than_its_header(small: Image.Image) -> None:
    assert cut_files.layered_jp2(small, [40, 80]) is None


def test_any_beginning_of_a_progressive_jpeg_is_a_picture(small: Image.Image) -> None:
    file = classical.file_bytes(small, "jpeg_progressive", 60)
    scan = file.index(b"\xff\xda")
    first = scan + 2 + int.from_bytes(file[scan + 2 : scan + 4], "big")
    pictures = [cut_files.jpeg_start(file[:length], SIZE) for length in range(len(file) + 1)]
    assert all(picture is None for picture in pictures[:first])
    assert all(picture is not None for picture in pictures[first:])
    assert pictures[-1] == classical.opened(file, SIZE)
    at_start, half, whole = (pictures[each] for each in (first, (first + len(file)) // 2, -1))
    assert at_start is not None
    assert half is not None
    assert whole is not None
    nothing_said = np.asarray(at_start)[:, 56:]  # away from the block in which it is cut
    assert (nothing_said == 128).all()
    assert squared_error(at_start, small) > squared_error(half, small) > squared_error(whole, small)


def test_restarts_within_a_scan_are_part_of_it(small: Image.Image) -> None:
    files = [io.BytesIO(), io.BytesIO()]
    for file, blocks in zip(files, (0, 2), strict=True):
        small.save(file, "JPEG", quality=60, progressive=True, restart_marker_blocks=blocks)
    plain, marked = (file.getvalue() for file in files)
    assert b"\xff\xd0" in marked and cut_files.jpeg_start(marked, SIZE) == cut_files.jpeg_start(plain, SIZE)


def test_the_two_jpegs_differ(small: Image.Image) -> None:
    baseline, progressive = (classical.file_bytes(small, name, 50) for name in ("jpeg", "jpeg_progressive"))
    assert b"\xff\xc0" in baseline
    assert b"\xff\xc2" in progressive


def test_no_beginning_is_decoded_that_is_larger_than_the_photo_or_of_another_format(
    small: Image.Image,
) -> None:
    """The two counts of SIZ, T.800, A.5.1, say how large; EPS would be drawn by a program, Ghostscript."""
    file = bytearray(classical.jp2_file(small, [20]))
    at = file.index(b"\xff\x51") + 6
    file[at : at + 8] = struct.pack(">2I", SIZE[0], 20 * SIZE[1])
    with pytest.raises(InputError, match="found 64x960 pixels, allowed at most 64x48"):
        cut_files.jp2_start(bytes(file), SIZE)
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 48\n%%EndComments\n%\xff\x90" + bytes(12)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("PIL.EpsImagePlugin.Ghostscript", lambda *_: pytest.fail("it was drawn"))
        assert cut_files.jp2_start(eps, SIZE) is None
