"""Recipes: the shipped ones, and what is said of bad ones."""

from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from progic.cli import app
from progic.config import load_recipe
from progic.errors import ConfigError


def test_shipped_recipe_is_the_bundled_configuration() -> None:
    codec = load_recipe("f16").codec
    assert (codec.n_stages, codec.bits_per_index, codec.downsampling_factor) == (5, 10, 16)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("steps: [", "not readable as YAML"),
        ("steps: 3\ncodec: {name: x}\nlernrate: 1", "lernrate: an unknown key, allowed are codec, loss,"),
        ("steps: 3\ncodec: {name: x, stages: 5}", "codec.stages: an unknown key, allowed are name,"),
        ("steps: 0\ncodec: {name: x}", "steps: Input should be greater than or equal to 1, found 0"),
        (
            "steps: 1\ncodec: {name: x, downsampling_factor: 32}",
            r"yaml: codec\.encoder_widths needs 4 entries for .* 32, found 3$",
        ),
        (
            "steps: 1\ncodec: {name: x, encoder_widths: [64, 160, 264]}",
            r"encoder_widths\[-1\] is 264; allowed are multiples of 32",
        ),
        ("steps: 1\ncodec: {name: x, decoder_widths: [40, 64, 64]}", r"decoder_widths\[0\] is 40"),
        (
            "steps: 1\ncodec: {name: x, encoder_blocks: [1, -2, 1]}",
            "encoder_blocks.1: Input should be greater",
        ),
        (
            "steps: 1\ncodec: {name: x, trunk: f16, downsampling_factor: 32}\ncrop_px: 80",
            "yaml: crop_px is 80; allowed are multiples of downsampling_factor, 32$",
        ),
        (
            "steps: 1\ncodec: {name: x}\nshort_side_px: 240",
            "yaml: short_side_px is 240; allowed is at least the largest crop, 256$",
        ),
        (
            "steps: 1\ncodec: {name: x}\nshort_side_px: 100\nlast_crop_from: 1.0",
            "yaml: short_side_px is 100; allowed is at least the largest crop, 128$",
        ),
        (
            "steps: 1\ncodec: {name: x, trunk: f16, separable: true}",
            "separable has no effect beside trunk 'f16'",
        ),
        ("steps: 1\ncodec: {name: x}\nbetas: [1.0, 1.0]", "betas.0: Input should be less than 1"),
        ("steps: 1\ncodec: {name: x}\ngradient_clip: .inf", "gradient_clip: Input should be a finite number"),
        ("steps: 1\ncodec: {name: x}\nloss: {l1: .inf}", "loss.l1: Input should be a finite number"),
        (
            "steps: 1\ncodec: {name: x}\nteacher: f16\ndecoder_alone: true",
            "decoder_alone is true; beside teacher f16",
        ),
        ("steps: 1\ncodec: {name: checkpoint}", "name is 'checkpoint'; allowed is another"),
        (
            "steps: 1\ncodec: {name: x}\nlatent_steps: 3",
            "latent_steps is 3; without a codec.trunk allowed is 0",
        ),
        (f"steps: 1\ncodec: {{name: x}}\nseed: {2**63}", "seed: Input should be less than"),
        ("steps: 1\ncodec: {name: x}\nseed: 2024-13-45", "not readable as YAML: month must be in 1..12"),
        ("steps: 1\ncodec: {name: x}\nseed: !!int ''", "not readable as YAML: string index out of range"),
        ("steps: 1\ncodec: {name: x}\nseed: !!bool foo", "not readable as YAML: 'foo'"),
        (
            "a: &a {x: 1}\nsteps: 1\ncodec: {<<: *a, name: x}",
            r"line 3: found alias \*a, allowed is each value",
        ),
        ("# für Fotos\nsteps: 1\ncodec: {name: x}", "not readable as YAML: 'utf-8' codec"),
    ],
)
def test_bad_recipes_are_named(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(ConfigError, match=complaint):
        load_recipe(str(path))


@pytest.mark.parametrize(
    "text",
    [
        "steps: 1\ncodec: {name: x}\nseed: 0x" + "f" * 5000,  # more digits than Python writes
        "steps: 1\ncodec: {name: x}\nseed: " + "long " * 1000,
        "steps: 1\ncodec: {name: x}\nseed: !!bool " + "f" * 1000,
        "steps: 1\ncodec: {name: x}\n" + "k" * 1000 + ": 1",
        "- 1\n" * 1000,
    ],
)
def test_a_long_value_of_a_recipe_is_cut_in_its_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text, encoding="ascii")
    with pytest.raises(ConfigError) as caught:
        load_recipe(str(path))
    assert len(str(caught.value)) < len(str(path)) + 700  # an unknown key is told with all that are allowed


@pytest.mark.parametrize(
    ("keys", "options", "complaint"),
    [
        ("codec: {name: x}", ["--start", "{out}/x.safetensors"], "--start: found {out}/x.safetensors"),
        ("codec: {name: x}\nteacher: {out}/x.safetensors", [], "teacher: found {out}/x.safetensors"),
        (
            "codec: {name: x, trunk: {out}/x.safetensors, downsampling_factor: 32}",
            [],
            "codec.trunk: found {out}/x.safetensors",
        ),
    ],
)
def test_weights_that_a_training_is_made_from_are_not_written_over(
    tmp_path: Path, keys: str, options: list[str], complaint: str
) -> None:
    (tmp_path / "x.safetensors").write_bytes(b"mine")
    keys, complaint, *options = (text.replace("{out}", str(tmp_path)) for text in (keys, complaint, *options))
    (tmp_path / "x.yaml").write_text(f"steps: 1\n{keys}\n", encoding="utf-8")
    command = ["train", str(tmp_path), "--recipe", str(tmp_path / "x.yaml"), "-o", str(tmp_path), *options]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 2
    assert f"{complaint}, which this training writes" in result.stderr
    assert (tmp_path / "x.safetensors").read_bytes() == b"mine"


def test_a_training_that_ends_before_there_are_codes_is_refused(tmp_path: Path) -> None:
    command = ["train", str(tmp_path), "--recipe", "f16", "-o", str(tmp_path / "out"), "--steps", "150"]
    result = CliRunner().invoke(app, command)
    told = "warmup_steps: found 150, after which codes are made; allowed is less than steps, 150\n"
    assert (result.exit_code, result.stderr) == (2, f"progic: f16: {told}")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("learned", "watched"), [("photos", "photos/val"), ("photos/train", "photos")])
def test_what_is_watched_is_not_learned(
    tmp_path: Path, learned: str, watched: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos" / "val").mkdir(parents=True)
    result = CliRunner().invoke(app, ["train", learned, "--recipe", "f16", "--validation", watched])
    found = f"--validation: found {watched}, which shares photos with those to learn from"
    assert (result.exit_code, result.stderr) == (2, f"progic: {found}; allowed: a folder apart\n")


@pytest.mark.parametrize("command", ["train {photos} -o {out}", "analyse bpp {photos} -o {out}"])
def test_what_is_written_is_not_among_the_photos(command: str, tmp_path: Path) -> None:
    photos, out = tmp_path / "photos", tmp_path / "photos" / "out"
    photos.mkdir()
    Image.new("RGB", (64, 64)).save(photos / "a.png")
    result = CliRunner().invoke(app, command.format(photos=photos, out=out).split())
    assert result.exit_code == 2
    assert f"-o: found {out}, among the photos; allowed: one outside of {photos}" in result.stderr
    assert not out.exists()
