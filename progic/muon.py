"""Muon (K. Jordan 2024, https://kellerjordan.github.io/posts/muon/), in the precision that is fast.

`torch.optim.Muon` is the same in bfloat16 alone, whose products take thirty times as long as those of float32
on a processor without instructions for it.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from progic.precision import fast_dtype

MOMENTUM = 0.95
COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the odd polynomial that draws singular values to 1, as above
ROUNDS = 5
SMALLEST_NORM = 1e-7
MATCHED_RMS = 0.2  # of AdamW's updates (arXiv 2502.16982, section 2.2): so its learning rates hold


class Muon(torch.optim.Optimizer):
    """Moves each matrix along its momentum made orthogonal, at the group's `lr`."""

    def __init__(self, matrices: Sequence[nn.Parameter], weight_decay: float) -> None:
        super().__init__(matrices, {"lr": 0.0, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Take one step; matrices without a gradient stay."""
        for group in self.param_groups:
            for matrix in group["params"]:
                if matrix.grad is not None:
                    self._move(matrix, matrix.grad, group["lr"], group["weight_decay"])

    def _move(self, matrix: Tensor, gradient: Tensor, rate: float, weight_decay: float) -> None:
        state = self.state[matrix]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(gradient)
        momentum = state["momentum_buffer"].lerp_(gradient, 1 - MOMENTUM)
        ahead = gradient.lerp(momentum, MOMENTUM)  # Nesterov's
        update = orthogonal(ahead, fast_dtype(matrix.device.type))
        matched = MATCHED_RMS * math.sqrt(max(matrix.shape))
        matrix.mul_(1 - rate * weight_decay).add_(update, alpha=-rate * matched)


def orthogonal(matrix: Float[Tensor, "m n"], dtype: torch.dtype) -> Float[Tensor, "m n"]:
    """Return about the nearest orthogonal matrix: its singular values are 0.7 to 1.2."""
    a, b, c = COEFFICIENTS
    wide = matrix.to(dtype) if len(matrix) <= matrix.shape[1] else matrix.to(dtype).T
    wide = wide / wide.norm().clamp(min=SMALLEST_NORM)
    for _ in range(ROUNDS):
        gram = wide @ wide.T
        wide = torch.addmm(wide, torch.addmm(gram, gram, gram, beta=b, alpha=c), wide, beta=a)
    return wide if len(matrix) <= matrix.shape[1] else wide.T
