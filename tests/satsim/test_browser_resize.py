"""The page that decodes brings pictures to size as Pillow does, to the bit."""

from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from satsim.viewer_page import FOLDER
from tests.satsim.conftest import browser_here

pytestmark = [pytest.mark.enable_socket, browser_here]


@pytest.fixture
def scripts(browser: Browser) -> Iterator[Page]:
    """A page with what the worker has of files."""
    page = browser.new_page()
    page.add_script_tag(content=(FOLDER / "files.js").read_text())
    yield page
    page.close()


RESIZE = """([levels, width, height, to]) => {
  const data = new Uint8ClampedArray(width * height * 4).fill(255);
  levels.forEach((level, place) => (data[Math.floor(place / 3) * 4 + (place % 3)] = level));
  return [...resized({ data, width, height }, ...to)].filter((_, place) => place % 4 < 3);
}"""


@pytest.mark.parametrize(
    ("size", "to"),
    [
        ((64, 64), (256, 256)),
        ((50, 30), (200, 120)),
        ((25, 37), (101, 149)),
        ((1, 1), (5, 4)),
        ((90, 7), (31, 60)),
    ],
)
def test_pictures_are_brought_to_size_as_pillow_does_it(
    scripts: Page, size: tuple[int, int], to: tuple[int, int]
) -> None:
    levels = np.random.default_rng(4).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    expected = Image.fromarray(levels).resize(to, Image.Resampling.BICUBIC)
    assert (
        scripts.evaluate(RESIZE, [levels.ravel().tolist(), *size, to])
        == np.asarray(expected).ravel().tolist()
    )
