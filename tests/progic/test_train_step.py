"""What a step of training leaves: the average that is written, and what moved by how much."""

import pytest
import torch
from torch import Tensor

from progic.codec import CodecNet
from progic.config import CodecConfig, LossConfig, TrainConfig
from progic.data import PhotoSet
from progic.optimize import Optimizer
from progic.train import Trainer

CPU = torch.device("cpu")


def test_the_written_net_is_a_moving_average(
    recipe: TrainConfig, photos: PhotoSet, metric_weights: dict[str, Tensor]
) -> None:
    trainer = Trainer(recipe.model_copy(update={"weight_ema": 0.25}), photos, metric_weights, CPU)
    now, mean = (net.decoder.linear.weight for net in (trainer.net, trainer.average))
    wanted = now.detach().clone()
    for step in range(1, 7):
        trainer.advance()
        wanted.lerp_(now.detach(), 1 - min(0.25, (1 + step) / (10 + step)))
    torch.testing.assert_close(mean.detach(), wanted)
    assert trainer.result() is trainer.average
    assert not torch.equal(mean, now)


def test_the_loss_counts_how_far_latents_are_from_their_codes(
    recipe: TrainConfig, photos: PhotoSet, metric_weights: dict[str, Tensor]
) -> None:
    alone = LossConfig(l1=0, lpips=0, dists=0, commitment=3)
    trainer = Trainer(recipe.model_copy(update={"loss": alone}), photos, metric_weights, CPU)
    while not trainer.net.quantizer.started:
        terms = trainer.advance()
    assert float(terms.commitment.detach()) > 0
    assert float(terms.loss.detach()) == pytest.approx(3 * float(terms.commitment.detach()))


def test_linear_layers_learn_at_their_own_rate(toy_config: CodecConfig, recipe: TrainConfig) -> None:
    net = CodecNet(toy_config).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    before = {name: weight.detach().clone() for name, weight in net.named_parameters()}
    loss = torch.stack([weight.sum() for weight in net.parameters()]).sum()
    still = recipe.model_copy(update={"linear_learning_rate_factor": 0.0})
    Optimizer(net, still).step(loss, 1e-3)
    moved = {name for name, weight in net.named_parameters() if not torch.equal(weight, before[name])}
    assert moved == {name for name in before if ".linear." not in name}
