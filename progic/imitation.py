"""What a taught decoder may learn first: the teacher's maps after each block, and its pictures.

The teacher's picture is a function of the codes, so nothing perceptual is needed to come near it, and a step
takes less than half the time of one that looks through VGG16 (hints: Romero et al. 2015, arXiv 1412.6550).
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from progic.errors import ConfigError
from progic.nets import Maps, ResidualBlock


class Missed(NamedTuple):
    """How far a decoder is from its teacher, given the same codes."""

    picture: Float[Tensor, ""]  # mean absolute difference of the pictures
    maps: Float[Tensor, ""]  # squared error in parts of the teacher's variance, mean over the blocks


def missed(
    decoder: nn.Module, teacher: nn.Module, codes: Float[Tensor, "b d u v"], held: Float[Tensor, "b n"]
) -> Missed:
    """Return what `decoder` lacks; the gradient reaches it, not the teacher."""
    with torch.no_grad():
        wanted, sought = _drawn(teacher, codes, held)
    picture, found = _drawn(decoder, codes, held)
    errors = [F.mse_loss(ours, theirs) / theirs.var() for ours, theirs in zip(found, sought, strict=True)]
    return Missed(F.l1_loss(picture, wanted), torch.stack(errors).mean())


def check_alike(decoder: nn.Module, teacher: nn.Module) -> None:
    """Raise ConfigError where the two have not the same blocks, whose maps could be compared."""
    ours, theirs = _widths(decoder), _widths(teacher)
    if ours != theirs or not ours:
        raise ConfigError(
            f"imitation_steps: the decoder's blocks have {ours} channels, the teacher's {theirs}; "
            "allowed are the same, one or more, or 0 steps"
        )


def _blocks(decoder: nn.Module) -> list[ResidualBlock]:
    return [part for part in decoder.modules() if isinstance(part, ResidualBlock)]


def _widths(decoder: nn.Module) -> list[int]:
    return [len(block.second.weight) for block in _blocks(decoder)]


def _drawn(decoder: nn.Module, codes: Tensor, held: Tensor) -> tuple[Float[Tensor, "b 3 h w"], list[Maps]]:
    """Return the picture and what each block made of it on the way."""
    maps: list[Maps] = []
    hooks = [
        block.register_forward_hook(lambda _, given, made: maps.append(made.float()))
        for block in _blocks(decoder)
    ]
    try:
        return decoder(codes, held).float(), maps
    finally:
        for hook in hooks:
            hook.remove()
