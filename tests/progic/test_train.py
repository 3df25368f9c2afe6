"""The real training loop on a toy model and made-up photos."""

import math
import os
import signal
import threading
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor
from torch._inductor.exc import InductorError

from progic.codec import CodecNet
from progic.commands.train import _watched
from progic.config import CodecConfig, LossConfig, TrainConfig
from progic.data import PhotoSet, read_photos
from progic.errors import ImageError, ProgicError, WeightsError
from progic.losses import PerceptualLoss
from progic.metrics import PerceptualMetrics
from progic.optimize import Optimizer
from progic.schedule import draw_held, schedule
from progic.train import Trainer, train
from progic.weights import load

CPU = torch.device("cpu")


def _trainer(recipe: TrainConfig, photos: PhotoSet, weights: dict[str, Tensor]) -> Trainer:
    return Trainer(recipe, photos, weights, CPU)


def test_photos_too_small_for_the_last_crops_are_told_at_once(
    recipe: TrainConfig, photos: PhotoSet, metric_weights: dict[str, Tensor]
) -> None:
    large = recipe.model_copy(update={"last_crop_px": 4096})
    with pytest.raises(ImageError, match=r"last_crop_px: found 4096; allowed is at most \d+, of the largest"):
        _trainer(large, photos, metric_weights)
    _trainer(large.model_copy(update={"last_crop_from": 1.0}), photos, metric_weights)


def test_a_loss_that_cannot_be_compiled_says_what_is_missing(
    recipe: TrainConfig, photos: PhotoSet, metric_weights: dict[str, Tensor]
) -> None:
    def fail(*_: Tensor) -> None:
        raise InductorError(RuntimeError("no C++ compiler"), None)

    trainer = _trainer(recipe, photos, metric_weights)
    trainer.loss = fail
    with pytest.raises(ProgicError, match="allowed is a C.. compiler on this machine, or compile: false"):
        trainer.advance()


@pytest.mark.usefixtures("open_terminal")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_sigterm_leaves_a_checkpoint_that_goes_on(
    recipe: TrainConfig, photos: PhotoSet, metric_weights: dict[str, Tensor], tmp_path: Path, number: int
) -> None:
    trainer = _trainer(recipe.model_copy(update={"steps": 10_000}), photos, metric_weights)
    threading.Timer(0.5, os.kill, (os.getpid(), number)).start()
    assert train(trainer, tmp_path)
    again = _trainer(recipe, photos, metric_weights)
    again.resume(tmp_path / "checkpoint.safetensors")
    assert 0 < again.step == trainer.step < 10_000
    lines = (tmp_path / "log.csv").read_text().splitlines()
    assert len(lines) == trainer.step + 1
    terms = "loss,l1,lpips,dists,commitment,codes_used,adversarial,discriminator,imitation"
    assert lines[0] == f"step,elapsed_s,learning_rate,{terms},blockiness,checkerboard"


def test_there_are_no_weights_before_there_are_codes(
    recipe: TrainConfig, photos: PhotoSet, metric_weights: dict[str, Tensor], tmp_path: Path
) -> None:
    """The codebooks of 0 would code every photo alike; the checkpoint goes on."""
    trainer = _trainer(recipe, photos, metric_weights)
    train(trainer, tmp_path, max_minutes=0)
    assert {path.name for path in tmp_path.iterdir()} == {"checkpoint.safetensors", "log.csv"}
    assert len({path.stat().st_mode for path in tmp_path.iterdir()}) == 1  # others may go on too
    with pytest.raises(WeightsError, match="is a training's checkpoint; allowed is the model written beside"):
        load(tmp_path / "checkpoint.safetensors")
    while trainer.step <= recipe.warmup_steps:
        trainer.advance()
    train(trainer, tmp_path, max_minutes=0)
    assert (tmp_path / f"{recipe.codec.name}.safetensors").is_file()


def test_a_nan_loss_stops_and_says_where(
    recipe: TrainConfig, photos: PhotoSet, metric_weights: dict[str, Tensor]
) -> None:
    trainer = _trainer(recipe, photos, metric_weights)
    trainer.advance()
    with torch.no_grad():
        trainer.net.decoder.last.bias.fill_(float("nan"))  # type: ignore[union-attr]
    with pytest.raises(ProgicError, match="loss is nan at step 1"):
        trainer.advance()


def test_a_gradient_that_is_not_finite_moves_nothing(
    recipe: TrainConfig, photos: PhotoSet, metric_weights: dict[str, Tensor]
) -> None:
    trainer = _trainer(recipe, photos, metric_weights)
    weight = trainer.net.decoder.last.bias  # type: ignore[union-attr]
    weight.register_hook(lambda gradient: gradient * math.inf)  # type: ignore[union-attr]
    before = {name: tensor.clone() for name, tensor in trainer.net.named_parameters()}
    with pytest.raises(ProgicError, match="gradient is (inf|nan) at step 0; the last checkpoint is kept"):
        trainer.advance()
    assert all(torch.equal(tensor, before[name]) for name, tensor in trainer.net.named_parameters())


def test_an_untrained_model_is_the_principal_components(
    recipe: TrainConfig, photos: PhotoSet, metric_weights: dict[str, Tensor]
) -> None:
    """Both linear layers invert each other on the kept components: a projection, whatever the scale."""
    net = _trainer(recipe, photos, metric_weights).net
    picture = photos.crops(2, 64, torch.Generator().manual_seed(1))
    held = torch.ones(2, 3)
    with torch.no_grad():
        once = net.decoder(net.encoder(picture), held)
        twice = net.decoder(net.encoder(once), held)
    torch.testing.assert_close(once, twice, atol=1e-4, rtol=0)
    patch_means = F.interpolate(F.avg_pool2d(picture, 16), scale_factor=16)
    assert (once - picture).square().mean() < (patch_means - picture).square().mean()


def test_stages_held_are_prefixes_subsets_and_all() -> None:
    held = draw_held(4000, 3, 0.3, 0.0, torch.Generator().manual_seed(2))
    assert (held.diff(dim=1) <= 0).all()  # prefixes only
    assert (held[:, 0] == 1).all()
    # full: 0.3, and of the other 0.7 the weights 1, 1/2, 1/3 of lengths 1, 2, 3
    shares = [float((held.sum(1) == k).float().mean()) for k in (1, 2, 3)]
    expected = [0.7 * 6 / 11, 0.7 * 3 / 11, 0.3 + 0.7 * 2 / 11]
    for share, wanted in zip(shares, expected, strict=True):
        assert abs(share - wanted) < 4 * (wanted * (1 - wanted) / 4000) ** 0.5
    subsets = draw_held(400, 3, 0.3, 0.7, torch.Generator().manual_seed(2))
    assert (subsets.sum(1) >= 1).all()
    assert (subsets[:, 0] == 0).any()
    mixed = draw_held(2000, 2, 0.5, 0.3, torch.Generator().manual_seed(2))
    # stage 2 alone: of the subsets 2/3 have one stage, half of them the second
    assert abs(float((mixed[:, 0] == 0).float().mean()) - 0.1) < 4 * (0.1 * 0.9 / 2000) ** 0.5


def test_schedule_keeps_pixels_and_ends_at_zero(recipe: TrainConfig) -> None:
    parts = {"rise_steps": 3, "decay_from": 0.5, "last_crop_from": 0.85}
    config = recipe.model_copy(update={"steps": 100, "batch": 16, "last_crop_px": 64, **parts})
    plans = [schedule(config, step) for step in range(100)]
    assert {plan.batch * plan.crop_px**2 for plan in plans} == {16 * 32**2}
    latents = config.model_copy(update={"latent_steps": 95, "latent_batch": 64})
    assert [schedule(latents, step).batch for step in (84, 85, 95)] == [64, 16, 4]
    shares = [plan.learning_rate / config.learning_rate for plan in plans[:51]]
    assert shares == pytest.approx([0.25, 0.5, 0.75] + [1] * 48)
    assert plans[75].learning_rate == pytest.approx(config.learning_rate / 2)
    assert plans[99].learning_rate < config.learning_rate / 1000
    assert [plan.quantise for plan in plans[3:5]] == [False, True]
    assert [plan.revive_below for plan in plans[79:81]] == [config.revive_below, 0]
    assert not any(plan.adversarial or plan.imitate for plan in plans)
    parts = {"loss": LossConfig(adversarial=0.1), "adversarial_from": 0.9, "imitation_steps": 7}
    plans = [schedule(config.model_copy(update=parts), step) for step in range(100)]
    assert [plan.adversarial for plan in plans] == [False] * 90 + [True] * 10
    assert [plan.imitate for plan in plans] == [True] * 7 + [False] * 93


def test_the_loss_is_the_metric_itself(photos: PhotoSet, metric_weights: dict[str, Tensor]) -> None:
    a, b = photos.crops(2, 64, torch.Generator().manual_seed(4)).chunk(2)
    found = PerceptualLoss(metric_weights)(a, b).dists
    wanted = PerceptualMetrics(metric_weights).dists(a, b)[0]
    assert float(found) == pytest.approx(float(wanted), abs=1e-4)


def test_loss_moves_only_what_it_weighs(
    recipe: TrainConfig, photos: PhotoSet, metric_weights: dict[str, Tensor]
) -> None:
    weighed = recipe.model_copy(update={"loss": LossConfig(l1=2, lpips=0, dists=0, commitment=0)})
    terms = _trainer(weighed, photos, metric_weights).advance()
    loss, l1, *_ = terms.values()
    assert loss == pytest.approx(2 * l1)


def test_one_unreadable_photo_is_skipped_named_and_counted(tmp_path: Path) -> None:
    Image.new("RGB", (40, 40)).save(tmp_path / "good.png")
    (tmp_path / "bad.png").write_bytes(b"\x89PNG no")
    said: list[str] = []
    found = read_photos([tmp_path], said.append)
    assert len(found.photos) == 1
    assert found.unreadable == (str(tmp_path / "bad.png"),)
    assert said == [f"skipped, unreadable: {tmp_path / 'bad.png'}"]


def test_photos_are_watched_evenly_and_other_files_passed_over(tmp_path: Path) -> None:
    (tmp_path / "README.txt").write_text("photos")
    for level in range(4):
        Image.new("RGB", (32, 32), (60 * level,) * 3).save(tmp_path / f"{level}.png")
    watched = _watched(tmp_path, count=2, side_px=16)
    assert [round(float(photo.mean()) * 255 / 60) for photo in watched] == [1, 3]


def test_only_whole_sets_of_stages_teach_the_encoder(
    recipe: TrainConfig, photos: PhotoSet, metric_weights: dict[str, Tensor]
) -> None:
    config = recipe.model_copy(update={"full_depth_share": 0.5, "subset_share": 0.25})
    trainer = _trainer(config, photos, metric_weights)
    trainer.net.quantizer.start(torch.randn(500, 8), trainer.generator)
    latents = torch.randn(40, 8, 1, 1, requires_grad=True)
    codes, held, _, _ = trainer._quantise(latents, 0.1)
    codes.sum().backward()
    taught = latents.grad.flatten(1).sum(1)  # type: ignore[union-attr]
    assert torch.equal(taught > 0, held.all(1))
    assert 0 < int(held.all(1).sum()) < 40


def test_hidden_weights_step_to_orthogonal_matrices(toy_config: CodecConfig, recipe: TrainConfig) -> None:
    net = CodecNet(toy_config).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    weight = net.decoder.first.weight
    before = weight.detach().clone()
    target = torch.randn_like(before)
    Optimizer(net, recipe).step((weight * target).sum(), learning_rate=1e-3)
    change = (weight.detach() - before).flatten(1)
    spread = torch.linalg.svdvals(change) / (1e-3 * 0.2 * max(change.shape) ** 0.5)  # Muon's RMS matching
    assert 0.5 < float(spread.min()) <= float(spread.max()) < 1.3  # five Newton-Schulz rounds: about 1
    assert float((change * target.flatten(1)).sum()) < 0
