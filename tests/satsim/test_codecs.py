"""Every codec keeps its budget, sends the best that fits, and draws what it was given."""

import io
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from progic.classical import FORMATS as FORMATS_WRITTEN
from progic.classical import SCALES, file_bytes
from satsim.codec import CodecFailed, NothingFits
from satsim.codecs import room_text
from satsim.file_codecs import FileCodec, IdentityCodec, ThumbHashCodec
from satsim.scenario import load_scenario
from satsim.settings import FileFormat
from satsim.trained_codec import ProgicCodec, RememberingCodec

SIZE = (48, 48)
FOREST_FIRE = Path(__file__).parents[2] / "scenarios" / "forest_fire.yaml"
FORMATS: tuple[FileFormat, ...] = ("jpeg", "webp", "avif")


def textured(seed: int) -> Image.Image:
    noise = np.random.default_rng(seed)
    coarse = Image.fromarray(noise.integers(0, 256, (6, 6, 3), dtype=np.uint8)).resize(
        SIZE, Image.Resampling.BICUBIC
    )
    levels = np.asarray(coarse, dtype=np.float64) + noise.normal(0, 12, (48, 48, 3))
    return Image.fromarray(levels.clip(0, 255).astype(np.uint8))


def smooth(seed: int) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize(SIZE, Image.Resampling.BICUBIC)


def squared_error(original: Image.Image) -> Callable[[Image.Image], float]:
    levels = np.asarray(original, dtype=np.float64)
    return lambda picture: float(((np.asarray(picture) - levels) ** 2).mean())


def sent_by(file_format: FileFormat, photo: Image.Image, budget_bytes: int) -> bytes:
    encoded = FileCodec(file_format, budget_bytes, squared_error(photo)).encode(photo)
    assert encoded.is_file
    return encoded.stages[0]


@pytest.mark.parametrize("file_format", FORMATS)
@hypothesis_settings(max_examples=5)  # 101 files each
@given(seed=st.integers(0, 10_000), budget_bytes=st.integers(60, 3000))
def test_the_largest_quality_that_fits_is_sent(file_format: FileFormat, seed: int, budget_bytes: int) -> None:
    photo = textured(seed)
    try:
        file = sent_by(file_format, photo, budget_bytes)
    except NothingFits:
        assert all(len(file_bytes(shrunk(photo, scale), file_format, 0)) > budget_bytes for scale in SCALES)
        return
    assert len(file) <= budget_bytes
    with Image.open(io.BytesIO(file)) as picture:
        scale = photo.width // picture.width
    smaller = shrunk(photo, scale)
    qualities = FORMATS_WRITTEN[file_format].qualities
    quality = next(quality for quality in qualities if file_bytes(smaller, file_format, quality) == file)
    while quality < qualities[-1] and (following := file_bytes(smaller, file_format, quality + 1)) == file:
        quality += 1
    assert quality == qualities[-1] or len(following) > budget_bytes


def shrunk(photo: Image.Image, scale: int) -> Image.Image:
    size = (photo.width // scale, photo.height // scale)
    return photo if scale == 1 else photo.resize(size, Image.Resampling.BICUBIC)


@pytest.mark.parametrize(("file_format", "tight_bytes"), [("jpeg", 520), ("webp", 130), ("avif", 345)])
def test_the_nearest_scale_is_sent(
    file_format: FileFormat, tight_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes_sent = set()
    for photo, budget_bytes in [(textured(0), tight_bytes), (textured(1), 3000), (smooth(2), tight_bytes)]:
        file = sent_by(file_format, photo, budget_bytes)
        codec = FileCodec(file_format, budget_bytes, squared_error(photo))
        distances = {}
        for scale in SCALES:
            monkeypatch.setattr("progic.classical.SCALES", (scale,))
            with suppress(NothingFits):
                distances[scale] = codec.distance(
                    codec.decode(dict(enumerate(codec.encode(photo).stages)), SIZE)
                )
        monkeypatch.undo()
        assert codec.distance(codec.decode({0: file}, SIZE)) == min(distances.values())
        with Image.open(io.BytesIO(file)) as picture:
            sizes_sent.add(picture.width)
    assert len(sizes_sent) > 1


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_file_in_pieces_is_the_picture(file_format: FileFormat) -> None:
    photo = textured(1)
    codec = FileCodec(file_format, 5000, squared_error(photo))
    (file,) = codec.encode(photo).stages
    pieces = {number: file[number * 50 : number * 50 + 50] for number in range(-(-len(file) // 50))}
    backwards = dict(reversed(pieces.items()))
    assert codec.decode(backwards, SIZE).tobytes() == codec.decode({0: file}, SIZE).tobytes()


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_colour_profile_costs_no_byte(file_format: FileFormat) -> None:
    photo = textured(2)
    bare = file_bytes(photo, file_format, 30)
    photo.info["icc_profile"] = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    photo.info["exif"] = b"Exif\0\0" + bytes(400)
    assert file_bytes(photo, file_format, 30) == bare


def test_nothing_fits_in_twenty_bytes() -> None:
    for codec in (
        *(FileCodec(each, 20, lambda picture: 0.0) for each in FORMATS),
        IdentityCodec(20, 340),
        ThumbHashCodec(20),
        ProgicCodec(Toy(), n_stages=3, bits_per_index=5, downsampling_factor=16, budget_bytes=20),
    ):
        with pytest.raises(NothingFits):
            codec.encode(textured(0))


class Toy:
    """A trained codec with three stages of forty bytes, that counts its calls."""

    fingerprint = "abcd" * 16

    def __init__(self) -> None:
        self.n_encoded = self.n_decoded = 0

    def encode(self, photo: Image.Image) -> list[bytes]:
        self.n_encoded += 1
        return [bytes([number]) * 40 for number in range(3)]

    def decode(self, stages: dict[int, bytes], size: tuple[int, int]) -> Image.Image:
        self.n_decoded += 1
        return Image.new("RGB", size, (40 * sum(stages), 0, 0))


@pytest.mark.parametrize(
    ("budget_bytes", "n_stages", "n_sent"), [(40, 3, 1), (79, 3, 1), (80, 3, 2), (999, 3, 3), (999, 2, 2)]
)
def test_progic_sends_whole_stages_within_its_budget(budget_bytes: int, n_stages: int, n_sent: int) -> None:
    codec = ProgicCodec(Toy(), n_stages, bits_per_index=5, downsampling_factor=16, budget_bytes=budget_bytes)
    encoded = codec.encode(textured(0))
    assert encoded.stages == tuple(bytes([number]) * 40 for number in range(n_sent))
    assert (encoded.is_file, encoded.fingerprint) == (False, 0xABCD)


def test_a_remembering_codec_does_nothing_twice() -> None:
    toy = Toy()
    codec = RememberingCodec(toy)
    photo, other = textured(0), textured(1)
    stages = codec.encode(photo)
    assert codec.encode(photo.copy()) == stages
    first, second = ({0: stages[0]}, {0: stages[0], 2: stages[2]})
    pictures = [codec.decode(held, SIZE) for held in (first, second, first, dict(reversed(second.items())))]
    assert (toy.n_encoded, toy.n_decoded) == (1, 2)
    assert pictures[0] == pictures[2] != pictures[1] == pictures[3]
    codec.encode(other)
    codec.decode(first, (32, 32))
    assert (toy.n_encoded, toy.n_decoded) == (2, 3)


def test_photos_of_one_colour_are_told_apart_by_their_shape() -> None:
    toy = Toy()
    codec = RememberingCodec(toy)
    for size in ((80, 16), (40, 32), (80, 16)):
        codec.encode(Image.new("RGB", size, "grey"))
    assert toy.n_encoded == 2


@given(
    seed=st.integers(0, 99),
    piece_bytes=st.integers(200, 7_000),
    held=st.sets(st.integers(0, 35), min_size=1),
)
def test_identity_shows_what_is_held_and_grey(seed: int, piece_bytes: int, held: set[int]) -> None:
    photo = textured(seed)
    codec = IdentityCodec(20_000, piece_bytes)
    (file,) = codec.encode(photo).stages
    pieces = {
        number: file[number * piece_bytes : (number + 1) * piece_bytes]
        for number in range(-(-len(file) // piece_bytes))
    }
    assert codec.decode(pieces, SIZE) == photo
    some = {number: piece for number, piece in pieces.items() if number in held}
    pixels = codec.decode(some, SIZE).tobytes()
    expected = b"".join(some.get(number, b"\x80" * len(piece)) for number, piece in pieces.items())
    assert pixels == expected


@pytest.mark.parametrize(("file_format", "module"), [("jxl", "pillow_jxl"), ("heic", "pillow_heif")])
def test_a_format_whose_extra_is_not_there_says_so(
    file_format: FileFormat, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(CodecFailed, match=rf"needs the extra: pip install 'progic-satsim\[{file_format}\]'$"):
        FileCodec(file_format, 5000, lambda picture: 0.0).encode(textured(0))


@pytest.mark.parametrize(("file_format", "module"), [("jxl", "pillow_jxl"), ("heic", "pillow_heif")])
def test_a_format_of_an_extra_is_the_picture(file_format: FileFormat, module: str) -> None:
    pytest.importorskip(module)
    photo = smooth(3)
    codec = FileCodec(file_format, 1500, squared_error(photo))
    (file,) = codec.encode(photo).stages
    assert len(file) <= 1500
    assert codec.distance(codec.decode({0: file[:99], 1: file[99:]}, SIZE)) < 100  # of 65025


# the crate thumbhash 0.1.0, by the format's author, gives the same bytes for this picture
REFERENCE_HASH = "5df80945820467746687867787677787f986c67c0e"


def test_a_thumbhash_is_the_references() -> None:
    levels = [
        [(5 * x * y % 256, (x * x + 3 * y) % 256, (40 * (x // 7) + y) % 256) for x in range(60)]
        for y in range(40)
    ]
    photo = Image.fromarray(np.array(levels, dtype=np.uint8))
    codec = ThumbHashCodec(25)
    (preview,) = codec.encode(photo).stages
    assert preview.hex() == REFERENCE_HASH
    picture = codec.decode({0: preview[:9], 1: preview[9:]}, photo.size)
    assert picture.size == photo.size
    mean = Image.new("RGB", photo.size, tuple(np.asarray(photo).mean(axis=(0, 1)).astype(int).tolist()))
    assert squared_error(photo)(picture) < squared_error(photo)(mean)


@pytest.mark.parametrize(
    ("budget_bytes", "room"), [(320, "320 bytes"), (30_000, "21760 bytes, 64 packets of 340")]
)
def test_the_room_that_is_named_is_the_one_that_was_there(budget_bytes: int, room: str) -> None:
    own = f"schemes=[{{name: own, codec: jpeg, delivery: high, budget_bytes: {budget_bytes}}}]"
    scenario = load_scenario(FOREST_FIRE, [own])
    assert room_text(scenario.schemes[0], scenario) == room
