"""A training goes on from its checkpoint as if it had not stopped; what is no checkpoint of its is told."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from progic.config import LossConfig, TrainConfig
from progic.data import PhotoSet
from progic.errors import ConfigError, WeightsError
from progic.train import Trainer

CPU = torch.device("cpu")


def _trainer(recipe: TrainConfig, photos: PhotoSet, weights: dict[str, Tensor]) -> Trainer:
    return Trainer(recipe, photos, weights, CPU)


def test_twenty_steps_equal_ten_and_a_resume_and_ten(
    recipe: TrainConfig, photos: PhotoSet, metric_weights: dict[str, Tensor], tmp_path: Path
) -> None:
    loss = LossConfig(adversarial=0.1)
    recipe = recipe.model_copy(update={"loss": loss, "adversarial_from": 0.25})  # from step 5 on
    whole = _trainer(recipe, photos, metric_weights)
    losses = [float(whole.advance().loss.detach()) for _ in range(20)]
    first = _trainer(recipe, photos, metric_weights)
    halves = [float(first.advance().loss.detach()) for _ in range(10)]
    first.save(tmp_path / "checkpoint.safetensors")
    second = _trainer(recipe, photos, metric_weights)
    second.resume(tmp_path / "checkpoint.safetensors")
    halves += [float(second.advance().loss.detach()) for _ in range(10)]
    assert halves == losses
    for role, net in whole.nets().items():
        for name, tensor in net.state_dict().items():
            assert torch.equal(tensor, second.nets()[role].state_dict()[name]), (role, name)


def test_a_checkpoint_of_another_recipe_is_refused(
    recipe: TrainConfig, photos: PhotoSet, metric_weights: dict[str, Tensor], tmp_path: Path
) -> None:
    path = tmp_path / "checkpoint.safetensors"
    _trainer(recipe, photos, metric_weights).save(path)
    for change, told in ({"batch": 3}, "batch is 2"), ({"loss": LossConfig(l1=2)}, r"loss\.l1 is 1\.0"):
        other = _trainer(recipe.model_copy(update=change), photos, metric_weights)
        with pytest.raises(ConfigError, match=f"another recipe: {told}, the recipe has"):
            other.resume(path)


@pytest.mark.parametrize(
    ("metadata", "complaint"),
    [
        ({}, "config: Invalid JSON"),
        ({"config": '{"codec": {"name": "x"}, "steps": 1, "colour": 2}'}, "colour: Extra inputs"),
    ],
)
def test_what_is_no_checkpoint_is_named(
    recipe: TrainConfig,
    photos: PhotoSet,
    metric_weights: dict[str, Tensor],
    tmp_path: Path,
    metadata: dict[str, str],
    complaint: str,
) -> None:
    path = tmp_path / "checkpoint.safetensors"
    save_file({"a": torch.zeros(1)}, path, metadata)
    with pytest.raises(ConfigError, match=f"not a training checkpoint of this version: {complaint}"):
        _trainer(recipe, photos, metric_weights).resume(path)


@pytest.mark.parametrize(
    ("lacks", "step", "complaint"),
    [
        ("generator", "3", "'generator'"),
        ("net.encoder.linear.weight", "3", "Missing key"),
        ("optimizer.adamw.0.exp_avg", "3", "adamw.0 has exp_avg_sq, step, allowed exp_avg,"),
        ("", "x", "step: found x, allowed 0 or more"),
        ("", "-5", "step: found -5, allowed 0 or more"),
    ],
)
def test_a_checkpoint_that_lacks_a_part_is_named(
    recipe: TrainConfig,
    photos: PhotoSet,
    metric_weights: dict[str, Tensor],
    tmp_path: Path,
    lacks: str,
    step: str,
    complaint: str,
) -> None:
    path = tmp_path / "checkpoint.safetensors"
    began = _trainer(recipe, photos, metric_weights)
    began.advance()
    began.save(path)
    assert not lacks or lacks in load_file(path)
    tensors = {name: tensor for name, tensor in load_file(path).items() if name != lacks}
    save_file(tensors, path, {"config": recipe.model_dump_json(), "step": step})
    with pytest.raises(WeightsError, match=f"checkpoint.safetensors: no training checkpoint.*{complaint}"):
        _trainer(recipe, photos, metric_weights).resume(path)
