"""Codecs on top of another: what is added, what stays as it is, and what is refused."""

from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from progic import weights
from progic.codec import Codec, CodecNet
from progic.config import CodecConfig, TrainConfig
from progic.data import PhotoSet
from progic.errors import ConfigError, WeightsError
from progic.train import Trainer

CPU = torch.device("cpu")


@pytest.fixture
def trunk(toy_codec: Codec, tmp_path: Path) -> str:
    path = tmp_path / "toy.safetensors"
    weights.save(path, toy_codec.net, {})
    return str(path)


def stack(trunk: str, factor: int, **keys: object) -> CodecConfig:
    shape = {"n_stages": 4, "bits_per_index": 4, "code_dim": 12, "stack_width": 32, "stack_blocks": 1}
    return CodecConfig.model_validate(
        {"name": "high", "trunk": trunk, "downsampling_factor": factor, **shape, **keys}
    )


def filled(config: CodecConfig) -> Codec:
    net = CodecNet(config, weights.load(config.trunk).net)
    torch.manual_seed(3)
    with torch.no_grad():
        for weight in net.parameters():
            if weight.requires_grad:
                weight.normal_(std=0.1)
        net.quantizer.codebooks.normal_()
    return Codec(net, "cd" * 32)


@pytest.mark.parametrize("factor", [32, 64])
def test_a_stage_has_an_index_for_each_larger_cell(trunk: str, photo: Image.Image, factor: int) -> None:
    codec = filled(stack(trunk, factor))
    stages = codec.encode(photo)  # 75x50: 3x2 cells of 32, 2x1 of 64
    assert [len(stage) for stage in stages] == [{32: 3, 64: 1}[factor]] * 4
    one, all_stages = codec.decode(stages[:1], photo.size), codec.decode(stages, photo.size)
    assert one.size == photo.size
    assert one.tobytes() != all_stages.tobytes()


def test_other_codebooks_are_another_rate_of_the_same_net(
    trunk: str, photo: Image.Image, toy_codec: Codec
) -> None:
    codec = filled(stack(trunk, 16, n_stages=3, code_dim=8, bits_per_index=2))
    assert [len(stage) for stage in codec.encode(photo)] == [5] * 3  # 5x4 cells of 2 bits
    own = set(codec.net.own_state())
    assert own == {"quantizer.codebooks", "decoder.condition.0.weight", "decoder.condition.0.bias"}


@pytest.mark.parametrize("factor", [16, 32])
def test_weights_on_a_trunk_are_saved_without_it_and_load_to_the_same(
    trunk: str, photo: Image.Image, tmp_path: Path, factor: int
) -> None:
    keys = {"n_stages": 3, "code_dim": 8} if factor == 16 else {}
    codec, path = filled(stack(trunk, factor, **keys)), tmp_path / "high.safetensors"
    weights.save(path, codec.net, {})
    again = weights.load(path)
    weights.save(tmp_path / "again.safetensors", again.net, {})
    assert weights.load(tmp_path / "again.safetensors").encode(photo) == again.encode(photo)
    assert not any("trunk" in name for name in again.net.own_state())
    assert path.stat().st_size < Path(trunk).stat().st_size


def test_codebooks_on_a_trunk_take_a_byte_a_number_and_keep_within_half_a_step(
    trunk: str, tmp_path: Path
) -> None:
    codec, path = filled(stack(trunk, 32, bits_per_index=8)), tmp_path / "high.safetensors"
    with torch.no_grad():
        codec.net.quantizer.codebooks *= torch.logspace(-2, 2, 12)  # dimensions of very different scale
        codec.net.quantizer.codebooks[1] = 0  # a stage with nothing in it
    weights.save(path, codec.net, {})
    stored = load_file(path)["quantizer.codebooks"]
    assert (stored.dtype, stored.shape) == (torch.int8, (4, 256, 12))
    before, after = codec.net.quantizer.codebooks, weights.load(path).net.quantizer.codebooks
    assert after.dtype == torch.float32
    half_step = before.abs().amax(1, keepdim=True) / 127 / 2
    assert ((before - after).abs() <= half_step * 1.001).all()
    assert not torch.equal(before, after)


def test_another_trunk_is_refused(trunk: str, toy_codec: Codec, tmp_path: Path) -> None:
    codec, path = filled(stack(trunk, 32)), tmp_path / "high.safetensors"
    weights.save(path, codec.net, {})
    nameless = weights.read_metadata(path)
    del nameless["trunk_sha256"]
    save_file(load_file(path), tmp_path / "nameless.safetensors", nameless)
    with pytest.raises(WeightsError, match=r"found no trunk_sha256; allowed: that of .*toy\.safetensors"):
        weights.load(tmp_path / "nameless.safetensors")
    with torch.no_grad():
        other = CodecNet(toy_codec.config)
    weights.save(Path(trunk), other, {})
    with pytest.raises(WeightsError, match=r"high\.safetensors: trunk .*toy\.safetensors has sha256"):
        weights.load(path)


def test_stacks_that_do_not_fit_are_named(trunk: str, tmp_path: Path) -> None:
    net = weights.load(trunk).net
    with pytest.raises(ConfigError, match=r"codec\.n_stages: 4, but trunk toy of the same f has 3"):
        CodecNet(stack(trunk, 16, code_dim=8), net)
    with pytest.raises(ConfigError, match=r"found 8 on trunk toy of f = 16"):
        CodecNet(stack(trunk, 8), net)
    high = CodecNet(stack(trunk, 32), net)
    with pytest.raises(ConfigError, match="allowed: a trunk of a smaller f that has no trunk itself"):
        CodecNet(stack("high", 64), high)


def recipe(config: CodecConfig) -> TrainConfig:
    return TrainConfig(
        codec=config,
        steps=20,
        batch=2,
        crop_px=64,
        last_crop_px=64,
        warmup_steps=8,
        latent_steps=12,
        latent_batch=8,
        kmeans_vectors=256,
        rise_steps=1,
        learning_rate=3e-3,
        compile=False,
    )


@pytest.fixture(scope="module")
def photos() -> PhotoSet:
    torch.manual_seed(9)
    small = torch.rand(6, 3, 12, 12)
    large = torch.nn.functional.interpolate(small, (96, 96), mode="bicubic").clamp(0, 1)
    return PhotoSet(tuple((large * 255).to(torch.uint8).permute(0, 2, 3, 1)), ())


def test_training_moves_what_is_added_and_leaves_the_trunk(
    trunk: str, photos: PhotoSet, metric_weights: dict[str, torch.Tensor]
) -> None:
    trainer = Trainer(recipe(stack(trunk, 32)), photos, metric_weights, CPU)
    before = {name: tensor.clone() for name, tensor in trainer.net.state_dict().items()}
    terms = [trainer.advance().values() for _ in range(20)]
    after = trainer.net.state_dict()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved and not any("trunk" in name for name in moved)
    missed, scored = [each[1] for each in terms], [each[3] > 0 for each in terms]
    assert sum(missed[4:8]) < sum(missed[:4]), "the trunk's latents, before there are codes"
    assert scored == [False] * 12 + [True] * 8


def test_other_codebooks_follow_the_trunks_latents(
    trunk: str, photos: PhotoSet, metric_weights: dict[str, torch.Tensor]
) -> None:
    config = recipe(stack(trunk, 16, n_stages=3, code_dim=8)).model_copy(update={"warmup_steps": 0})
    trainer = Trainer(config, photos, metric_weights, CPU)
    distances = [float(trainer.advance().commitment) for _ in range(12)]
    assert sum(distances[-4:]) < sum(distances[:4])
    trainer.advance()
    assert float(trainer.net.decoder.condition[0].weight.grad.abs().sum()) > 0  # type: ignore[union-attr, operator]


def moved_trunk(trunk: str, tmp_path: Path) -> str:
    """Another trunk of the same shape."""
    net = weights.load(trunk).net
    with torch.no_grad():
        net.encoder.last.weight += 0.5
    weights.save(tmp_path / "moved.safetensors", net, {})
    return str(tmp_path / "moved.safetensors")


def test_a_start_on_another_trunk_leaves_the_recipes(
    trunk: str, photos: PhotoSet, metric_weights: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    start = filled(stack(trunk, 32)).net
    moved = moved_trunk(trunk, tmp_path)
    net = Trainer(recipe(stack(moved, 32)), photos, metric_weights, CPU, start).net
    theirs, ours = start.state_dict(), net.state_dict()
    own = net.own_state()
    assert all(torch.equal(theirs[name], ours[name]) for name in own)
    wanted = CodecNet(stack(moved, 32), weights.load(moved).net).state_dict()
    assert all(torch.equal(wanted[name], ours[name]) for name in ours if name not in own)


def test_training_does_not_go_on_over_a_trunk_that_has_changed(
    trunk: str, photos: PhotoSet, metric_weights: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    config = recipe(stack(trunk, 32))
    Trainer(config, photos, metric_weights, CPU).save(tmp_path / "checkpoint.safetensors")
    Path(moved_trunk(trunk, tmp_path)).replace(trunk)
    again = Trainer(config, photos, metric_weights, CPU)
    with pytest.raises(ConfigError, match="trunk .* has changed since"):
        again.resume(tmp_path / "checkpoint.safetensors")
