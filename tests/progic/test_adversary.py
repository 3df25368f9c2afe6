"""The patch discriminator of a training run."""

import math

import pytest
import torch
from torch import Tensor

from progic.adversary import Adversary
from progic.config import LossConfig, TrainConfig
from progic.data import PhotoSet
from progic.schedule import schedule
from progic.train import Trainer

CPU = torch.device("cpu")


def test_the_discriminator_joins_late_and_its_weight_counts(
    recipe: TrainConfig, photos: PhotoSet, metric_weights: dict[str, Tensor]
) -> None:
    loss = LossConfig(l1=2, lpips=0, dists=0, commitment=0, adversarial=0.5)
    late = recipe.model_copy(update={"loss": loss, "steps": 4})
    trainer = Trainer(late, photos, metric_weights, CPU)
    *early, last = (trainer.advance() for _ in range(4))
    assert [(terms.adversarial, terms.discriminator) for terms in early] == [(0.0, 0.0)] * 3
    total, l1, adversarial, discriminator = (
        torch.as_tensor(term).item() for term in (last.loss, last.l1, last.adversarial, last.discriminator)
    )
    assert total == pytest.approx(2 * l1 + 0.5 * adversarial)
    assert adversarial == pytest.approx(math.log(2), abs=0.1)  # it guesses at first
    assert discriminator == pytest.approx(math.log(4), abs=0.1)


def test_the_discriminator_learns_at_a_rate_of_its_own(
    recipe: TrainConfig, photos: PhotoSet, metric_weights: dict[str, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    loss = LossConfig(lpips=0, dists=0, adversarial=0.1)
    own = recipe.model_copy(update={"loss": loss, "adversarial_from": 0.0, "adversarial_rate_factor": 3.0})
    trainer, rates = Trainer(own, photos, metric_weights, CPU), []
    monkeypatch.setattr(Adversary, "learn", lambda self, photo, picture, rate: rates.append(rate) or 0.0)
    trainer.advance()
    trainer.advance()
    assert rates == [3.0 * schedule(own, step).learning_rate for step in range(2)]


def test_a_discriminator_learns_to_tell_and_tells_the_picture_alone(recipe: TrainConfig) -> None:
    torch.manual_seed(3)
    adversary = Adversary(recipe, CPU)
    photo, picture = torch.rand(4, 3, 32, 32), torch.full((4, 3, 32, 32), 0.5, requires_grad=True)
    losses = [float(adversary.learn(photo, picture, 5e-3)) for _ in range(40)]
    assert losses[-1] < 0.2 < losses[0]
    assert picture.grad is None
    before = adversary.unconvinced(picture)
    (slope,) = torch.autograd.grad(before, picture)
    after = adversary.unconvinced(picture - 0.1 * slope.sign())
    assert 2 < float(before.detach()) > float(after.detach())
