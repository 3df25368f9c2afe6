"""What a training begins with, and what of it stays."""

import copy
from pathlib import Path

import pytest
import torch
from torch import Tensor
from typer.testing import CliRunner

from progic import weights
from progic.cli import app
from progic.codec import Codec
from progic.config import CodecConfig, TrainConfig
from progic.data import PhotoSet
from progic.errors import ConfigError, ImageError
from progic.train import Trainer, train

CPU = torch.device("cpu")


def test_a_start_is_taken_over_whole_and_its_codebooks_are_kept(
    recipe: TrainConfig, photos: PhotoSet, metric_weights: dict[str, Tensor], toy_codec: Codec
) -> None:
    trainer = Trainer(recipe, photos, metric_weights, CPU, toy_codec.net)
    for name, tensor in toy_codec.net.state_dict().items():
        assert torch.equal(trainer.net.state_dict()[name], tensor), name
    trainer.advance()  # step 0: within the warm-up, but the codebooks are there
    moved = (trainer.net.quantizer.codebooks - toy_codec.net.quantizer.codebooks).abs().amax(2)
    assert float((moved > 0).float().mean()) > 0
    assert float(moved.median()) < 0.2  # k-means would have replaced them all


def test_an_added_block_changes_nothing_at_first(
    recipe: TrainConfig, photos: PhotoSet, metric_weights: dict[str, Tensor], toy_codec: Codec
) -> None:
    deeper = toy_codec.config.model_copy(update={"decoder_blocks": (2, 1, 3)})
    trainer = Trainer(recipe.model_copy(update={"codec": deeper}), photos, metric_weights, CPU, toy_codec.net)
    codes, held = torch.randn(1, 8, 2, 2), torch.ones(1, 3)
    with torch.no_grad():
        assert torch.equal(trainer.net.decoder(codes, held), toy_codec.net.decoder(codes, held))


def test_more_numbers_a_code_than_components_are_refused(
    recipe: TrainConfig, photos: PhotoSet, metric_weights: dict[str, Tensor]
) -> None:
    shape = {"downsampling_factor": 8, "code_dim": 200, "encoder_widths": (8, 32), "encoder_blocks": (1, 1)}
    shape |= {"decoder_widths": (32, 8), "decoder_blocks": (1, 1)}
    codec = CodecConfig.model_validate(recipe.codec.model_dump() | shape)
    with pytest.raises(ConfigError, match=r"codec.code_dim: found 200, allowed at most 192"):
        Trainer(recipe.model_copy(update={"codec": codec}), photos, metric_weights, CPU)


def test_a_start_of_another_shape_is_refused(
    recipe: TrainConfig, photos: PhotoSet, metric_weights: dict[str, Tensor], toy_codec: Codec
) -> None:
    wider = recipe.model_copy(update={"codec": recipe.codec.model_copy(update={"code_dim": 12})})
    with pytest.raises(ConfigError, match="codec: code_dim is 12, of --start 8; allowed is the net of"):
        Trainer(wider, photos, metric_weights, CPU, toy_codec.net)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (
            "crop_px: 64\nlast_crop_px: 64",
            "codec: code_dim is 12, of --start 32; allowed is the net of --start, or one of",
        ),
        ("crop_px: 128", "crop_px: found 128; allowed is at most 96, of the largest photo"),
    ],
)
def test_what_does_not_fit_is_told_with_the_recipe(
    photos: PhotoSet,
    metric_weights: dict[str, Tensor],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    lines: str,
    told: str,
) -> None:
    for name, value in (("read_photos", photos), ("load_metric_weights", metric_weights)):
        monkeypatch.setattr(f"progic.commands.train.{name}", lambda *_, value=value: value)
    mine = tmp_path / "mine.yaml"
    mine.write_text(
        f"steps: 9\nwarmup_steps: 0\n{lines}\ncodec: {{name: x, separable: true, code_dim: 12}}\n"
    )
    options = ["--recipe", str(mine), "--start", "f16-s", "-o", str(tmp_path / "out")]
    result = CliRunner().invoke(app, ["train", str(tmp_path / "photos"), *options])
    assert result.exit_code == 2
    assert result.stderr.startswith(f"progic: {mine}: {told}")


def test_photos_are_as_large_as_the_recipe_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(folders: list[Path], report: object, short_side_px: int) -> None:
        raise ImageError(f"{short_side_px} pixels")

    monkeypatch.setattr("progic.commands.train.read_photos", read)
    mine = tmp_path / "mine.yaml"
    mine.write_text("steps: 9\nwarmup_steps: 0\nshort_side_px: 300\ncodec: {name: x, separable: true}\n")
    options = ["--recipe", str(mine), "--start", "f16-s", "-o", str(tmp_path / "out")]
    result = CliRunner().invoke(app, ["train", str(tmp_path / "photos"), *options])
    assert (result.exit_code, result.stderr) == (2, "progic: 300 pixels\n")


def test_what_is_written_keeps_its_share_of_the_start(
    recipe: TrainConfig, photos: PhotoSet, metric_weights: dict[str, Tensor], toy_codec: Codec, tmp_path: Path
) -> None:
    config = recipe.model_copy(update={"steps": 3, "start_share": 0.25})
    trainer = Trainer(config, photos, metric_weights, CPU, toy_codec.net)
    train(trainer, tmp_path)
    written = weights.load(tmp_path / f"{config.codec.name}.safetensors").net.state_dict()
    ends, began = trainer.average.state_dict(), toy_codec.net.state_dict()
    assert any(not torch.equal(ends[name], began[name]) for name in ends)
    for name, tensor in written.items():
        torch.testing.assert_close(
            tensor, 0.75 * ends[name] + 0.25 * began[name], rtol=1e-3, atol=1e-3
        )  # float16
    again = Trainer(config, photos, metric_weights, CPU, toy_codec.net)
    again.resume(tmp_path / "checkpoint.safetensors")  # which holds what goes on, not what is written
    assert all(torch.equal(again.average.state_dict()[name], ends[name]) for name in ends)


@pytest.mark.parametrize(("begun", "complaint"), [(True, "with another --start"), (False, "without --start")])
def test_a_training_goes_on_from_its_own_start_alone(
    recipe: TrainConfig,
    photos: PhotoSet,
    metric_weights: dict[str, Tensor],
    toy_codec: Codec,
    tmp_path: Path,
    begun: bool,
    complaint: str,
) -> None:
    path = tmp_path / "checkpoint.safetensors"
    Trainer(recipe, photos, metric_weights, CPU, toy_codec.net if begun else None).save(path)
    other = copy.deepcopy(toy_codec.net)
    other.quantizer.codebooks[0, 0, 0] += 1
    with pytest.raises(ConfigError, match=f"{path}: began {complaint}; allowed is the same"):
        Trainer(recipe, photos, metric_weights, CPU, other).resume(path)
    Trainer(recipe, photos, metric_weights, CPU, toy_codec.net if begun else None).resume(path)
    Trainer(recipe, photos, metric_weights, CPU).resume(path)  # what it began with is in the checkpoint


def test_a_decoder_alone_learns_while_photos_keep_their_codes(
    recipe: TrainConfig, photos: PhotoSet, metric_weights: dict[str, Tensor], toy_codec: Codec, tmp_path: Path
) -> None:
    config = recipe.model_copy(update={"steps": 6, "decoder_alone": True})
    whole = Trainer(config, photos, metric_weights, CPU, toy_codec.net)
    losses = [float(whole.advance().loss.detach()) for _ in range(6)]
    first = Trainer(config, photos, metric_weights, CPU, toy_codec.net)
    halves = [float(first.advance().loss.detach()) for _ in range(3)]
    first.save(tmp_path / "checkpoint.safetensors")
    second = Trainer(config, photos, metric_weights, CPU, toy_codec.net)
    second.resume(tmp_path / "checkpoint.safetensors")
    assert losses == [*halves, *(float(second.advance().loss.detach()) for _ in range(3))]
    began = toy_codec.net.state_dict()
    for net in (whole.net, whole.average):
        moved = {name for name, tensor in net.state_dict().items() if not torch.equal(tensor, began[name])}
        learned = {name for name in moved if name.startswith("decoder.")}
        assert moved == learned and len(learned) > 10


@pytest.mark.parametrize(
    ("key", "found", "allowed"), [("start_share", "0.3", "0"), ("decoder_alone", "true", "false")]
)
def test_what_is_of_a_start_is_refused_without_one(
    tmp_path: Path, key: str, found: str, allowed: str
) -> None:
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(f"steps: 9\nwarmup_steps: 4\n{key}: {found}\ncodec: {{name: x}}\n")
    result = CliRunner().invoke(
        app, ["train", str(tmp_path), "--recipe", str(recipe), "-o", str(tmp_path / "out")]
    )
    told = f"progic: {recipe}: {key}: found {found}; without --start allowed is {allowed}\n"
    assert (result.exit_code, result.stderr) == (2, told)


def test_a_training_tells_where_its_model_is(
    recipe: TrainConfig,
    photos: PhotoSet,
    metric_weights: dict[str, Tensor],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in (
        ("load_recipe", recipe),
        ("read_photos", photos),
        ("load_metric_weights", metric_weights),
    ):
        monkeypatch.setattr(f"progic.commands.train.{name}", lambda *_, value=value: value)
    options = ["--steps", str(recipe.warmup_steps + 1), "-o", str(tmp_path / "out")]
    result = CliRunner().invoke(app, ["train", str(tmp_path / "photos"), *options])
    model = tmp_path / "out" / f"{recipe.codec.name}.safetensors"
    assert result.exit_code == 0, result.stderr
    assert result.stderr.endswith(f"{model}: the model after {recipe.warmup_steps + 1} steps\n")
    assert weights.load(model).config == recipe.codec
