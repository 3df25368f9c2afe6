"""A model that is taught: its teacher's latents, codes, maps, and then the photos."""

import copy
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from progic import weights
from progic.codec import Codec
from progic.config import TrainConfig
from progic.data import PhotoSet
from progic.errors import ConfigError
from progic.imitation import check_alike, missed
from progic.train import Trainer

CPU = torch.device("cpu")


def _trainer(recipe: TrainConfig, photos: PhotoSet, weights: dict[str, Tensor]) -> Trainer:
    return Trainer(recipe, photos, weights, CPU)


@pytest.fixture
def taught(recipe: TrainConfig, toy_codec: Codec, tmp_path: Path) -> TrainConfig:
    """A recipe whose separable model learns from the toy codec."""
    weights.save(tmp_path / "teacher.safetensors", toy_codec.net, {})
    separable = recipe.codec.model_copy(update={"separable": True})
    return recipe.model_copy(update={"codec": separable, "teacher": str(tmp_path / "teacher.safetensors")})


def test_a_taught_encoder_comes_nearer_to_its_teacher_and_the_codebooks_stay(
    taught: TrainConfig, photos: PhotoSet, metric_weights: dict[str, Tensor], toy_codec: Codec
) -> None:
    trainer = _trainer(taught, photos, metric_weights)
    distances = [float(trainer.advance().commitment.detach()) for _ in range(20)]
    assert sum(distances[-5:]) < 0.9 * sum(distances[:5])
    assert torch.equal(trainer.net.quantizer.codebooks, toy_codec.net.quantizer.codebooks)


def test_a_taught_decoder_imitates_first_and_learns_from_photos_then(
    taught: TrainConfig, photos: PhotoSet, metric_weights: dict[str, Tensor]
) -> None:
    fast = taught.model_copy(update={"imitation_steps": 15, "learning_rate": 0.02, "rise_steps": 0})
    trainer = _trainer(fast, photos, metric_weights)
    terms = [trainer.advance() for _ in range(16)]
    errors = [float(torch.as_tensor(each.imitation).detach()) for each in terms]
    assert sum(errors[10:15]) < 0.7 * sum(errors[:5])
    assert [float(each.dists.detach()) > 0 for each in terms] == 15 * [False] + [True]
    assert errors[15] == 0


def test_a_teacher_misses_nothing_of_itself(toy_codec: Codec) -> None:
    codes, held = torch.randn(2, 8, 2, 2), torch.tensor([[1.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    net = copy.deepcopy(toy_codec.net.decoder).requires_grad_(True)
    assert [float(part.detach()) for part in missed(net, net, codes, held)] == pytest.approx([0, 0], abs=1e-5)
    other = copy.deepcopy(net)
    with torch.no_grad():
        other.levels[1][0].second.bias += 1  # type: ignore[index]
    picture, maps = missed(other, net, codes, held)
    assert float(maps.detach()) > 0
    (picture + maps).backward()
    assert other.first.weight.grad is not None
    assert all(weight.grad is None for weight in net.parameters())


def test_imitation_of_other_blocks_is_refused(
    taught: TrainConfig, photos: PhotoSet, metric_weights: dict[str, Tensor]
) -> None:
    deeper = taught.codec.model_copy(update={"decoder_blocks": (1, 1, 2)})
    other = taught.model_copy(update={"codec": deeper, "imitation_steps": 5})
    with pytest.raises(ConfigError, match=r"imitation_steps: the decoder's blocks have \[.*the teacher's \["):
        _trainer(other, photos, metric_weights)


def test_imitation_without_a_teacher_is_refused(recipe: TrainConfig) -> None:
    with pytest.raises(ValidationError, match="imitation_steps is 5; without a teacher allowed is 0"):
        TrainConfig.model_validate(recipe.model_dump() | {"imitation_steps": 5})


def test_a_teacher_of_another_rate_is_refused(
    taught: TrainConfig, photos: PhotoSet, metric_weights: dict[str, Tensor]
) -> None:
    other = taught.model_copy(update={"codec": taught.codec.model_copy(update={"n_stages": 2})})
    with pytest.raises(ConfigError, match=r"codec\.n_stages: 2, but teacher toy has 3"):
        _trainer(other, photos, metric_weights)


def test_a_start_learns_the_codes_of_its_teacher(
    taught: TrainConfig, photos: PhotoSet, metric_weights: dict[str, Tensor], toy_codec: Codec
) -> None:
    start = _trainer(taught, photos, metric_weights).net
    with torch.no_grad():
        start.quantizer.codebooks.normal_()
    trainer = Trainer(taught, photos, metric_weights, CPU, start)
    assert torch.equal(trainer.net.quantizer.codebooks, toy_codec.net.quantizer.codebooks)
    assert torch.equal(trainer.net.encoder.last.weight, start.encoder.last.weight)


def test_imitation_of_no_blocks_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"the decoder's blocks have \[\] channels.* one or more"):
        check_alike(torch.nn.Identity(), torch.nn.Identity())
