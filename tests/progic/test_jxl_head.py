"""The size of a JPEG XL picture by its head alone, against the library that writes them."""

import io

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


def test_other_files_have_none() -> None:
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "PNG")
    for data in (file.getvalue(), b"", b"\xff", b"....jxlc....", b"jxlp"):
        assert jxl_size(data) is None
