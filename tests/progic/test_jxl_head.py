"""The size of a JPEG XL picture by its head alone, against the library that writes them."""

import io
import struct

import pytest
from PIL import Image

from progic.jxl_head import jxl_size

pytest.importorskip("pillow_jxl")


@pytest.mark.parametrize("use_container", [False, True])
@pytest.mark.parametrize(
    "size",
    [
        (8, 8),
        (256, 256),
        (320, 256),
        (96, 80),
        (64, 48),
        (96, 64),
        (256, 144),
        (80, 64),
        (512, 256),
        (1, 1),
        (250, 600),
        (513, 8193),
        (9000, 31),
    ],
)
def test_the_head_tells_the_size(size: tuple[int, int], use_container: bool) -> None:
    file = io.BytesIO()
    Image.new("RGB", size, "grey").save(file, "JXL", quality=50, effort=1, use_container=use_container)
    assert jxl_size(file.getvalue()) == size


def test_the_codestream_may_be_in_parts() -> None:
    """A box jxlp has its number before its part; the top bit marks the last. What is in it is no box."""
    file = io.BytesIO()
    Image.new("RGB", (40, 24), "grey").save(file, "JXL", quality=50, effort=1, use_container=False)
    boxes = (
        b"\0\0\0\x0cJXL \r\n\x87\n",
        b"\0\0\0\x14ftypjxl \0\0\0\0jxl ",
        struct.pack(">I4sI", 12 + len(file.getvalue()), b"jxlp", 1 << 31) + file.getvalue(),
    )
    assert Image.open(io.BytesIO(b"".join(boxes))).size == (40, 24)
    assert jxl_size(b"".join(boxes) + b"jxlc") == (40, 24)


def test_other_files_have_none() -> None:
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "PNG")
    for data in (file.getvalue(), b"", b"\xff", b"....jxlc....", b"jxlp"):
        assert jxl_size(data) is None
