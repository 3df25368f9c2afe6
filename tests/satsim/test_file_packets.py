"""Packets of whole files, JPEG to HEIC: what `satsim receive` draws, lacks, and names as broken."""

import io
import json
import sys
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from click.testing import Result
from PIL import Image
from typer.testing import CliRunner

from progic import classical
from progic.errors import InputError
from satsim import cli
from satsim.codec import file_fingerprint
from satsim.file_codecs import WHOLE_FILES
from satsim.gallery import Gallery, NoPicture
from satsim.header import ImageTag
from satsim.outlets import folder_outlet
from satsim.packetize import chunk, frames_of, packetize
from satsim.packets import parse
from satsim.settings import AnyPart, Growing
from tests.satsim.conftest import EXTRAS, needs_extra, smooth_photo

SIZE = (96, 64)
SCENARIO = """
name: files
image: {{path: photo.png, size: [96, 64]}}
link: {{payload_bytes: 100, interval_s: 60}}
schemes: [{{name: file, codec: {codec}, delivery: high, budget_bytes: 900}}]
metrics: [psnr_db]
"""


def send(folder: Path, codec: str) -> Result:
    """Have `satsim send` put a photo's packets into `folder`/air."""
    smooth_photo(5, SIZE).save(folder / "photo.png")
    (folder / "files.yaml").write_text(SCENARIO.format(codec=codec), encoding="utf-8")
    command = ["send", folder / "photo.png", "--scenario", folder / "files.yaml", "--files", folder / "air"]
    result = CliRunner().invoke(cli.app, list(map(str, command)))
    assert result.exit_code == 0
    return result


def sent(folder: Path, codec: str) -> bytes:
    """The file that `satsim send` puts, packet by packet, into `folder`/air."""
    assert send(folder, codec).stderr == ""
    packets = [parse(path.read_bytes()) for path in sorted((folder / "air").iterdir())]
    return b"".join(packet.payload for packet in packets)  # type: ignore[union-attr]


def receive(folder: Path, *options: str) -> Result:
    command = ["receive", "--files", folder / "air", "-o", folder / "in", "--once", *options]
    result = CliRunner().invoke(cli.app, list(map(str, command)))
    assert (result.exit_code, result.stderr) == (0, "")
    return result


def no_pictures(result: Result) -> list[str]:
    marked = [line.partition("  no picture: ") for line in result.stdout.splitlines()]
    return [why for before, _, why in marked if not before and why]


@pytest.mark.parametrize("codec", WHOLE_FILES.values())
def test_a_file_arrives_and_is_drawn(tmp_path: Path, codec: str) -> None:
    needs_extra(codec)
    file = sent(tmp_path, codec)
    events = [json.loads(line) for line in receive(tmp_path, "--json").stdout.splitlines()]
    pictures = [each for each in events if each["event"] == "picture"]
    assert [each["complete"] for each in pictures] == [True]
    with Image.open(pictures[0]["path"]) as picture, Image.open(io.BytesIO(file)) as plain:
        expected = plain.convert("RGB").resize(SIZE, Image.Resampling.BICUBIC)
        assert (np.asarray(picture) == np.asarray(expected)).all()


@pytest.mark.parametrize("codec", EXTRAS)
def test_a_format_without_its_extra_is_named_and_drawn_when_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, codec: str
) -> None:
    needs_extra(codec)
    sent(tmp_path, codec)
    title = classical.FORMATS[codec].title
    with monkeypatch.context() as without:
        without.setitem(sys.modules, EXTRAS[codec], None)
        *parts, last = no_pictures(receive(tmp_path))
    assert set(parts) == {f"no part of a {title} file can be shown"}
    assert last == f"{title} needs the extra: pip install 'progic-satsim[{codec}]'"
    kept = (tmp_path / "in" / "packets.csv").read_bytes()
    assert list((tmp_path / "in").rglob("*.png")) == []
    for packet in (tmp_path / "air").iterdir():
        packet.unlink()  # nothing comes again: what is kept is enough
    again = receive(tmp_path).stdout.splitlines()
    assert again[-2].endswith(".png, all there is")
    assert len(list((tmp_path / "in").rglob("latest.png"))) == 1
    assert (tmp_path / "in" / "packets.csv").read_bytes() == kept


@pytest.mark.parametrize("codec", WHOLE_FILES.values())
def test_a_broken_file_is_named(tmp_path: Path, codec: str) -> None:
    needs_extra(codec)
    file = sent(tmp_path, codec)
    for packet in (tmp_path / "air").iterdir():
        packet.unlink()
    pieces = chunk(file[: len(file) * 2 // 3], 100)
    image = ImageTag(1, len(pieces), 8, 1, *SIZE, file_fingerprint(codec), 0)
    put = folder_outlet(tmp_path / "air")
    for frame in frames_of(packetize(pieces, image, 100)):
        put(f"{frame.packet}", frame.data)
    *parts, last = no_pictures(receive(tmp_path))
    assert parts == [f"no part of a {classical.FORMATS[codec].title} file can be shown"] * (len(pieces) - 1)
    assert last.startswith("a broken file: ")
    assert last.removeprefix("a broken file: ").strip()


@pytest.mark.parametrize("codec", WHOLE_FILES.values())
def test_a_file_of_more_pixels_than_its_image_is_not_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, codec: str
) -> None:
    needs_extra(codec)
    larger = classical.file_bytes(Image.new("RGB", (SIZE[0], SIZE[1] + 8), "grey"), codec, 20)
    monkeypatch.setattr(Image.Image, "convert", lambda *_: pytest.fail("it was decoded"))
    if codec == "jxl":
        monkeypatch.setattr(Image, "open", lambda *_, **__: pytest.fail("it was decoded"))
    with pytest.raises(InputError, match=f"found {SIZE[0]}x{SIZE[1] + 8} pixels, allowed at most"):
        classical.opened(larger, SIZE)


def test_a_file_for_another_program_is_broken(tmp_path: Path) -> None:
    sent(tmp_path, "jpeg")
    for packet in (tmp_path / "air").iterdir():
        packet.unlink()
    program = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n%%EndComments\n{} loop\n"
    image = ImageTag(1, 1, 8, 1, *SIZE, file_fingerprint("jpeg"), 0)
    (frame,) = frames_of(packetize([program], image, 200))
    folder_outlet(tmp_path / "air")("1", frame.data)
    assert no_pictures(receive(tmp_path)) == ["a broken file: cannot identify image file"]


def test_no_picture_is_made_of_two_files(tmp_path: Path) -> None:
    file = sent(tmp_path, "jpeg")
    for packet in (tmp_path / "air").iterdir():
        packet.unlink()
    put = folder_outlet(tmp_path / "air")
    count = 4
    for number, piece_bytes in enumerate((len(file) // 4 + 1, len(file) // 4 + 2, len(file) // 4 + 2, 40)):
        image = ImageTag(1, count, 8, 1, *SIZE, file_fingerprint("jpeg"), 0)
        frames = frames_of(packetize([b"x" * piece_bytes] * count, image, piece_bytes + 20))
        put(f"{number}", frames[number].data)
    assert no_pictures(receive(tmp_path))[-1] == (
        "pieces of two files: all but a file's last are of one length"
    )


@pytest.mark.parametrize("codec", WHOLE_FILES.values())
def test_whatever_a_damaged_file_is_the_receiver_goes_on(tmp_path: Path, codec: str) -> None:
    needs_extra(codec)
    file, rng = sent(tmp_path, codec), np.random.default_rng(1)
    image = ImageTag(1, 1, 8, 1, *SIZE, file_fingerprint(codec), 0)
    damaged = [b"", b"no picture", *(file[:end] for end in range(1, len(file), len(file) // 20))]
    for _ in range(100):
        bits = np.unpackbits(np.frombuffer(file, np.uint8))
        bits[rng.integers(len(bits), size=3)] ^= 1
        damaged.append(np.packbits(bits).tobytes())
    reasons = set()
    for each in damaged:
        try:
            assert Gallery().draw(image, {0: each}).size == SIZE
        except NoPicture as why:
            reasons.add(str(why))
    assert all(why.startswith("a broken file: ") and "\n" not in why for why in reasons)
    assert "a broken file: cannot identify image file" in reasons


@pytest.mark.parametrize(
    "codec", sorted({*get_args(Growing), *get_args(AnyPart), "thumbhash"} - {"progic", "identity"})
)
def test_what_is_drawn_in_simulation_alone_is_named(tmp_path: Path, codec: str) -> None:
    told = send(tmp_path, codec).stderr.lower()
    assert told == f"no receiver shows it: a {codec} picture is drawn in simulation alone\n"
    image = parse(sorted((tmp_path / "air").iterdir())[0].read_bytes()).image
    with pytest.raises(NoPicture, match=f"(?i)a {codec} picture is drawn in simulation alone"):
        Gallery().draw(image, {0: b""})
