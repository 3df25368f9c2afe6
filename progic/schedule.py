"""What a recipe asks of each step: learning rate, crops, and the stages each sample is decoded from."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from progic.config import TrainConfig


@dataclass(frozen=True)
class Schedule:
    """What the recipe asks of one step."""

    learning_rate: float
    crop_px: int
    batch: int
    quantise: bool
    revive_below: float
    latents_only: bool
    imitate: bool
    adversarial: bool


def schedule(config: TrainConfig, step: int) -> Schedule:
    """Plan of a step, counted from 0: the rate rises, is constant, then a cosine to zero.

    When the crops grow, the batch shrinks, so that the pixels of a step stay about the same.
    """
    done = step / config.steps
    late = max(0.0, (done - config.decay_from) / max(1e-9, 1 - config.decay_from))
    rise = min(1.0, (step + 1) / (config.rise_steps + 1))
    rate = config.learning_rate * rise * 0.5 * (1 + math.cos(math.pi * min(1.0, late)))
    latents_only = step < config.latent_steps
    crop, batch = config.crop_px, config.latent_batch if latents_only else config.batch
    if done >= config.last_crop_from:
        batch = max(1, batch * crop**2 // config.last_crop_px**2)
        crop = config.last_crop_px
    revive_below = config.revive_below if done < config.revive_until else 0.0
    adversarial = config.loss.adversarial > 0 and done >= config.adversarial_from
    quantise = step >= config.warmup_steps
    imitate = step < config.imitation_steps
    return Schedule(rate, crop, batch, quantise, revive_below, latents_only, imitate, adversarial)


def draw_held(
    count: int, n: int, full_depth_share: float, subset_share: float, generator: Generator
) -> Float[Tensor, "b n"]:
    """Which of n stages each sample is decoded from: all, a random subset, or a prefix.

    Short ones are drawn more often.
    """
    held = torch.ones(count, n)
    lengths = 1 / torch.arange(1, n + 1, dtype=torch.float32)
    for row in held:
        kind = float(torch.rand((), generator=generator))
        if kind < full_depth_share:
            continue
        length = int(torch.multinomial(lengths, 1, generator=generator)) + 1
        order = torch.randperm(n, generator=generator)
        subset = kind < full_depth_share + subset_share
        row[order[length:] if subset else slice(length, n)] = 0
    return held
