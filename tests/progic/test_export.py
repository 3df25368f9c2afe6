"""What is exported does what the model does at every size, and draws where there is no torch."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from progic import parity
from progic.bitstream import StageFile, write_stage_file
from progic.cli import app
from progic.codec import Codec, CodecNet
from progic.config import CodecConfig
from progic.errors import ImageError, PayloadError, ProgicError, WeightsError
from progic.export import export
from progic.lite import BundledDecoder, _image, bundle_facts
from progic.parity import Parity, Pixels, Planes, check, photos_to_check

pytestmark = pytest.mark.timeout(900)  # the ONNX export takes 20 s of one core, more where all are busy

MAIN = "from progic.commands.lite import main; main()"
NO_TORCH = """
import sys
class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "simpy"):
            raise ImportError(f"no {name} here")
sys.meta_path.insert(0, NoTorch())
"""


@pytest.fixture(scope="module")
def bundle(toy_codec: Codec, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    found = export(toy_codec, "onnx", folder, photos_to_check(None)[:4])
    assert found.photos == 4
    return folder


@pytest.fixture
def coded(toy_codec: Codec, photo: Image.Image, tmp_path: Path) -> Path:
    config, path = toy_codec.config, tmp_path / "photo.progic"
    shape = (config.n_stages, config.bits_per_index, config.downsampling_factor)
    stages = dict(enumerate(toy_codec.encode(photo)))
    path.write_bytes(write_stage_file(StageFile(toy_codec.fingerprint, *shape, photo.size, stages)))
    return path


def test_the_bundle_says_what_it_is(bundle: Path, toy_codec: Codec) -> None:
    facts = json.loads((bundle / "bundle.json").read_text())
    assert {path.name for path in bundle.iterdir()} == {"encoder.onnx", "decoder.onnx", "bundle.json"}
    assert (facts["fingerprint"], facts["model"], facts["n_stages"]) == (toy_codec.fingerprint, "toy", 3)
    assert facts["checked"]["indices_equal"] >= 0.999
    assert facts["checked"]["most_different"] <= 1 / 255


def test_what_is_found_is_printed_as_all_json_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("progic.commands.export.export", lambda *_: Parity(32, 1.0, 0.0))
    result = CliRunner().invoke(app, ["export", "--json", "-o", str(tmp_path)])
    facts = {"folder": str(tmp_path), "photos": 32, "indices_equal": 1.0, "most_different": 0.0}
    assert result.stdout == json.dumps(facts, indent=2) + "\n"


@pytest.mark.parametrize("size", [(16, 16), (75, 50), (128, 128), (129, 31), (40, 300)])
def test_onnx_draws_every_size_and_subset_as_the_model_does(
    bundle: Path, toy_codec: Codec, size: tuple[int, int]
) -> None:
    decoder = BundledDecoder(bundle)
    noise = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    stages = toy_codec.encode(Image.fromarray(noise))
    for held in ({0}, {0, 1, 2}, {2}, {0, 2}):
        some = {stage: stages[stage] for stage in held}
        ours, theirs = (np.asarray(each.decode(some, size), np.int16) for each in (toy_codec, decoder))
        assert theirs.shape == (size[1], size[0], 3)
        assert np.abs(ours - theirs).max() <= 1


@pytest.mark.filterwarnings("ignore:`torch.jit")
def test_torchscript_is_the_model_at_every_size(toy_codec: Codec, tmp_path: Path) -> None:
    with torch.inference_mode():  # as a caller may have it
        export(toy_codec, "torchscript", tmp_path / "ts", photos_to_check(None)[:4])
    encoder, decoder = (torch.jit.load(tmp_path / "ts" / name) for name in ("encoder.pt", "decoder.pt"))
    for size in ((16, 16), (144, 272), (64, 16)):
        photo = torch.rand(1, 3, *size)
        latents = toy_codec.net.encoder(photo)
        indices = toy_codec.net.quantizer.search(latents)
        assert torch.equal(encoder(photo), indices)
        held = torch.tensor([[1.0, 0.0, 1.0]])
        with torch.inference_mode():
            codes = toy_codec.net.quantizer.decode({0: indices[0], 2: indices[2]})
            drawn = toy_codec.net.decoder(codes, held).clamp(0, 1)
            assert torch.allclose(decoder(indices, held), drawn, atol=1 / 255)


def test_a_model_on_a_trunk_is_exported(toy_codec: Codec, tmp_path: Path) -> None:
    torch.manual_seed(1)
    config = CodecConfig(
        name="on-trunk",
        n_stages=2,
        bits_per_index=4,
        code_dim=8,
        downsampling_factor=32,
        trunk="toy",
        stack_width=32,
        stack_blocks=1,
    )
    net = CodecNet(config, toy_codec.net)
    net.quantizer.codebooks.normal_()
    found = export(Codec(net, "cd" * 32), "torchscript", tmp_path / "ts", photos_to_check(None)[:4])
    assert found.indices_equal == 1


def lite(*arguments: object, encoding: str = "utf-8") -> subprocess.CompletedProcess[str]:
    code = [sys.executable, "-c", NO_TORCH + MAIN, *map(str, arguments)]
    terminal = {**os.environ, "PYTHONIOENCODING": encoding}
    return subprocess.run(code, capture_output=True, text=True, timeout=120, env=terminal)


def test_progic_decode_without_torch(bundle: Path, coded: Path, toy_codec: Codec, photo: Image.Image) -> None:
    only = coded.parent / "bundle"  # what a receiver is given
    only.mkdir()
    for name in ("decoder.onnx", "bundle.json"):
        (only / name).write_bytes((bundle / name).read_bytes())
    out = coded.with_name("seen.png")
    done = lite(coded, out, "--bundle", only, "--stages", "1,3")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{out}: 75x50\n", "")
    stages = toy_codec.encode(photo)
    wanted = toy_codec.decode({0: stages[0], 2: stages[2]}, photo.size)
    with Image.open(out) as picture:
        assert np.abs(np.asarray(picture, np.int16) - np.asarray(wanted, np.int16)).max() <= 1


def test_progic_decode_names_a_file_that_the_terminal_cannot_show(bundle: Path, coded: Path) -> None:
    out = coded.with_name("a–b.png")
    done = lite(coded, out, "--bundle", bundle, encoding="latin-1")
    shown = coded.with_name("a?b.png")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{shown}: 75x50\n", "")
    assert out.is_file()


def test_there_is_no_torch_in_that_test() -> None:
    done = subprocess.run([sys.executable, "-c", NO_TORCH + "import torch"], capture_output=True, text=True)
    assert "ImportError: no torch here" in done.stderr


def test_another_models_file_is_refused(bundle: Path, coded: Path) -> None:
    content = bytearray(coded.read_bytes())
    facts = json.loads((bundle / "bundle.json").read_text())
    other = coded.parent / "other"
    other.mkdir()
    (other / "bundle.json").write_text(json.dumps({**facts, "fingerprint": "0" * 64}))
    (other / "decoder.onnx").write_bytes((bundle / "decoder.onnx").read_bytes())
    done = lite(coded, coded.with_name("seen.png"), "--bundle", other)
    assert done.returncode == 2
    assert "written with weights abababab" in done.stderr
    assert bytes(content) == coded.read_bytes()
    assert not coded.with_name("seen.png").exists()


def test_levels_of_a_picture_without_torch_are_rounded_and_clipped() -> None:
    pixels = np.array([-1, 0.5, 2], dtype=np.float32).reshape(3, 1, 1)
    assert _image(pixels).getpixel((0, 0)) == (0, 128, 255)


def test_a_damaged_bundle_is_refused(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="allowed: a folder of progic export"):
        BundledDecoder(tmp_path)
    (tmp_path / "bundle.json").write_text("{}")
    with pytest.raises(WeightsError, match="another format"):
        BundledDecoder(tmp_path)
    facts = json.loads((bundle / "bundle.json").read_text())
    for key, complaint in (("sha256", "sha256"), ("model", "model"), ("n_stages", "n_stages")):
        lacking = {each: value for each, value in facts.items() if each != key}
        (tmp_path / "bundle.json").write_text(json.dumps(lacking))
        with pytest.raises(WeightsError, match=f"bundle.json: found no {complaint}; allowed"):
            BundledDecoder(tmp_path)
    most = {"n_stages": 64, "bits_per_index": 16, "downsampling_factor": 128}
    (tmp_path / "bundle.json").write_text(json.dumps(facts | most))
    assert bundle_facts(tmp_path) == facts | most
    odd = [("n_stages", "5"), ("n_stages", 0), ("downsampling_factor", 0), ("fingerprint", None)]
    for key, value in (*odd, *((key, value + 1) for key, value in most.items())):
        (tmp_path / "bundle.json").write_text(json.dumps(facts | {key: value}))
        with pytest.raises(WeightsError, match=f"bundle.json: {key}: found {value!r}, allowed"):
            BundledDecoder(tmp_path)
    (tmp_path / "decoder.onnx").write_bytes(b"no graph")
    digest = hashlib.sha256(b"no graph").hexdigest()
    (tmp_path / "bundle.json").write_text(json.dumps(facts | {"sha256": {"decoder.onnx": digest}}))
    with pytest.raises(WeightsError, match="decoder.onnx: found no graph that onnxruntime can run: "):
        BundledDecoder(tmp_path)
    (tmp_path / "bundle.json").write_bytes((bundle / "bundle.json").read_bytes())
    (tmp_path / "decoder.onnx").write_bytes((bundle / "decoder.onnx").read_bytes()[:-1])
    with pytest.raises(WeightsError, match="decoder.onnx: sha256 is"):
        BundledDecoder(tmp_path)
    with pytest.raises(PayloadError, match="stage number: found 3"):
        BundledDecoder(bundle).decode({3: b"x"}, (16, 16))


class Same:
    """The model itself, with a fault if asked for one."""

    def __init__(self, codec: Codec, moved: float = 0.0, changed: int = 0) -> None:
        self.codec, self.moved, self.changed = codec, moved, changed

    def encode(self, photo: Pixels) -> Planes:
        indices = parity._indices(self.codec, torch.from_numpy(photo))
        indices.flat[: self.changed] ^= 1
        return indices

    def decode(self, indices: Planes, held: Pixels) -> Pixels:
        return parity._picture(self.codec, indices, torch.from_numpy(held)) + np.float32(self.moved)


def test_the_check_measures(toy_codec: Codec) -> None:
    photos = photos_to_check(None)[:1]  # 256x256: 3 x 256 indices
    assert check(toy_codec, Same(toy_codec), photos) == Parity(1, 1.0, 0.0)
    with pytest.raises(ProgicError, match=r"99\.87% of the indices are the same, allowed 99\.9%"):
        check(toy_codec, Same(toy_codec, changed=1), photos)
    with pytest.raises(ProgicError, match=r"pictures differ by 1\.\d+/255"):
        check(toy_codec, Same(toy_codec, moved=1.2 / 255), photos)
    with pytest.raises(ProgicError, match="pictures differ by nan"):
        check(toy_codec, Same(toy_codec, moved=float("nan")), photos)


def test_what_fails_the_check_is_not_left(
    toy_codec: Codec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("progic.parity.LEAST_EQUAL", 1.1)
    with pytest.raises(ProgicError, match="is not the model"):
        export(toy_codec, "torchscript", tmp_path / "new" / "folder", photos_to_check(None)[:1])
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "kept").write_text("")
    with pytest.raises(ProgicError):
        export(toy_codec, "torchscript", tmp_path, photos_to_check(None)[:1])
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_files_that_cannot_take_their_places_leave_no_new_folder(
    toy_codec: Codec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    (tmp_path / "kept").mkdir()
    for folder in (tmp_path / "new" / "folder", tmp_path / "kept"):
        with pytest.raises(OSError, match="No space left on device"):
            export(toy_codec, "torchscript", folder, photos_to_check(None)[:1])
    assert [path.relative_to(tmp_path) for path in tmp_path.rglob("*")] == [Path("kept")]


def test_photos_to_check(tmp_path: Path) -> None:
    made = photos_to_check(None)
    assert len({photo.tobytes() for photo in made}) == 32
    with pytest.raises(ImageError, match="holds no photo; looked for"):
        photos_to_check(tmp_path)
    made[0].save(tmp_path / "one.png")
    with pytest.raises(ImageError, match="found 1 photos, allowed at least 32"):
        photos_to_check(tmp_path)
    for number in range(31):
        made[number].resize((8, 8)).save(tmp_path / f"{number}.png")
    assert len(photos_to_check(tmp_path)) == 32
    with pytest.raises(ImageError, match="none: found no folder; allowed: a folder of photos"):
        photos_to_check(tmp_path / "none")


def test_bad_options_end_with_two(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["export", "--format", "coreml", "-o", str(tmp_path / "x")])
    assert result.exit_code == 2
    result = CliRunner().invoke(app, ["export", "--photos", str(tmp_path), "-o", str(tmp_path / "x")])
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert not (tmp_path / "x").exists()
    (tmp_path / "file").touch()
    result = CliRunner().invoke(app, ["export", "-o", str(tmp_path / "file")])
    assert (result.exit_code, "is a file, allowed is a folder" in result.output) == (2, True)
