"""A photo that is sent smaller than it is shown: shrunk to send, enlarged to show and to score."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from progic.images import fit_photo, open_photo
from satsim.errors import ScenarioError
from satsim.rundir import Run, original_file, picture_file
from satsim.scenario import load_scenario
from tests.satsim.conftest import ToyCodec

SHOWN = (96, 80)
SIZE = (64, 64)


def test_the_picture_is_what_the_smaller_photo_gives_enlarged(
    run_toy: Callable[..., Run], toy_scenario: Path
) -> None:
    run = run_toy("image.shown=[96, 80]", "schemes=[progressive]")
    original = open_photo(original_file(run.folder))
    assert original.size == SHOWN
    assert original == fit_photo(open_photo(toy_scenario.parent / "photo.png"), SHOWN)
    codec = ToyCodec()
    stages = codec.encode(fit_photo(original, SIZE))
    expected = codec.decode(dict(enumerate(stages)), SIZE).resize(SHOWN, Image.Resampling.BICUBIC)
    assert open_photo(picture_file(run.folder, "progressive", "1-3")) == expected
    last = run.timeline[-1]
    assert last.bpp == round(3 * 20 * 8 / 64**2, 6)  # of the pixels that are sent


def test_a_scheme_may_have_a_size_of_its_own_and_all_share_one_original(run_toy: Callable[..., Run]) -> None:
    small = "{name: small, codec: progic, delivery: progressive, size: [32, 32]}"
    file = "{name: file, codec: webp, delivery: high, budget_bytes: 400, size: [32, 32]}"
    run = run_toy(f"schemes=[progressive, {small}, {file}]")
    for name in ("progressive", "small"):
        with Image.open(picture_file(run.folder, name, "1-3")) as picture:
            assert picture.size == (64, 64)
    assert run.rows_of("small")[-1].bpp == round(3 * 5 * 8 / 32**2, 6)
    assert run.summary["file"].t_first_s is not None
    again = load_scenario(run.folder / "scenario.yaml")
    assert again.schemes[1].size == (32, 32)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["image.shown=[48, 96]"], r"image\.size: found \[64, 64\]; allowed: at most \[48, 96\]"),
        (
            ["schemes=[{name: big, codec: progic, delivery: high, size: [65, 8]}]", "link.payload_bytes=99"],
            r"size of big: found \[65, 8\]; allowed: at most \[64, 64\]",
        ),
        (
            ["schemes=[{name: big, codec: progic, delivery: high, size: [64, 64]}]", "link.payload_bytes=30"],
            "found 30, but one stage of 64x64 px .* or size of big at most",
        ),
        (["metrics=[dists]", "image.size=[8, 8]", "image.shown=[8, 99]"], r"image\.shown: found \[8, 99\]"),
    ],
)
def test_sizes_that_cannot_be_are_refused(
    run_toy: Callable[..., Run], overrides: list[str], message: str
) -> None:
    with pytest.raises(ScenarioError, match=message):
        run_toy(*overrides)
