"""Everything a training run needs to go on exactly where it stopped, in one safetensors file."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Generator, Tensor, nn

from progic.codec import CodecNet
from progic.config import TrainConfig, first_fault
from progic.errors import ConfigError, WeightsError
from progic.optimize import Optimizer
from progic.replacing import replacing

# May differ from one part of a training to the next.
SCHEDULE_ONLY = {"steps", "decay_from", "last_crop_from", "start_share", "checkpoint_every_steps", "compile"}


@dataclass(frozen=True)
class State:
    """What changes with the steps, and the models that they read and do not change."""

    nets: dict[str, nn.Module]
    optimizers: dict[str, Optimizer]
    generator: Generator
    made_from: dict[str, CodecNet | None]


def write(path: Path, config: TrainConfig, step: int, state: State) -> None:
    """Write the state whole or not at all: nets, codebook averages, optimizers, random generator, step."""
    tensors = {"generator": state.generator.get_state()}
    for role, net in state.nets.items():
        tensors |= {f"{role}.{name}": tensor for name, tensor in net.state_dict().items()}
    tensors |= {f"quantizer.{name}": tensor for name, tensor in _averages(state.nets["net"]).items()}
    for role, optimizer in state.optimizers.items():
        tensors |= {f"{role}.{name}": value for name, value in optimizer.state().items()}
    metadata = {"config": config.model_dump_json(), "step": str(step)}
    metadata |= {f"made_from.{role}": _digest(net) for role, net in state.made_from.items()}
    on_cpu = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with replacing(path) as partial:
        partial.write_bytes(save(on_cpu, metadata))  # and not save_file, whose files nobody else may read


def read(path: Path, config: TrainConfig, state: State) -> int:
    """Load the state into the objects given and return the step.

    Raises WeightsError for a file that is cut or lacks a part, ConfigError for one of another recipe, or
    made from other models.
    """
    try:
        with safe_open(path, framework="pt") as content:
            metadata = content.metadata() or {}
            tensors = {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path}: not a training checkpoint, or cut: {error}") from None
    _check_recipe(path, _recipe_of(path, metadata), config)
    _check_origins(path, metadata, state.made_from)
    step = metadata.get("step", "none")
    if not step.isdecimal():
        raise WeightsError(f"{path}: no training checkpoint: step: found {step}, allowed 0 or more")
    try:
        for role, net in state.nets.items():
            theirs = _part(tensors, role)
            _check_trunk(path, net, theirs)
            net.load_state_dict(theirs)
        for name, average in _averages(state.nets["net"]).items():
            average.copy_(tensors[f"quantizer.{name}"])
        state.generator.set_state(tensors["generator"])
        for role, optimizer in state.optimizers.items():
            optimizer.restore(_part(tensors, role))
    except (LookupError, ValueError, TypeError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise WeightsError(f"{path}: no training checkpoint, or damaged: {reason}") from None
    return int(step)


def _averages(net: nn.Module) -> dict[str, Tensor]:
    quantizer = net.get_submodule("quantizer")
    return {name: quantizer.get_buffer(name) for name in ("counts", "sums")}


def _part(tensors: dict[str, Tensor], role: str) -> dict[str, Tensor]:
    prefix = f"{role}."
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _recipe_of(path: Path, metadata: dict[str, str]) -> TrainConfig:
    try:
        return TrainConfig.model_validate_json(metadata.get("config", "no recipe"))
    except ValidationError as error:
        fault = first_fault(error)
        raise ConfigError(f"{path}: not a training checkpoint of this version: {fault}") from None


def _check_trunk(path: Path, net: nn.Module, state: dict[str, Tensor]) -> None:
    """Raise ConfigError where the trunk is another than that under which the training began."""
    if not isinstance(net, CodecNet) or not net.config.trunk:
        return
    own = net.own_state()
    for name, tensor in net.state_dict().items():
        if name not in own and not torch.equal(tensor.cpu(), state[name]):
            raise ConfigError(f"{path}: trunk {net.config.trunk} has changed since: {name} differs")


def _check_recipe(path: Path, found: TrainConfig, wanted: TrainConfig) -> None:
    plain = (json.loads(config.model_dump_json(exclude=SCHEDULE_ONLY)) for config in (found, wanted))
    theirs, ours = (dict(_dotted(values)) for values in plain)
    different = [key for key in ours if theirs[key] != ours[key]]
    if different:
        key = different[0]
        raise ConfigError(
            f"{path}: checkpoint of another recipe: {key} is {theirs[key]!r}, the recipe has {ours[key]!r}"
        )


def _dotted(values: dict[str, Any], above: str = "") -> Iterator[tuple[str, object]]:
    """Yield each key with its value, those of a section as `codec.name`."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _dotted(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _check_origins(path: Path, metadata: dict[str, str], made_from: dict[str, CodecNet | None]) -> None:
    """Raise ConfigError where the training began with another model than the one given now."""
    for role, net in made_from.items():
        ours = _digest(net)
        found = metadata.get(f"made_from.{role}", ours)  # which a file of before does not say
        if net is not None and found != ours:
            began = f"began with another {role}" if found else f"began without {role}"
            raise ConfigError(f"{path}: {began}; allowed is the same as then, or another -o")


def _digest(net: CodecNet | None) -> str:
    """Sha256 of a net's tensors in hex; an empty text of no net."""
    if net is None:
        return ""
    digest = hashlib.sha256()
    for tensor in net.state_dict().values():
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
