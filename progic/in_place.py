"""Steps of a net that look at single values or pixels, in their input's place where no gradient asks for it.

Fresh memory is slow: the system fills it with zeros first, half of the time of a picture of 3840x2160. So in
inference mode a map that nothing else wants, `spent`, is written over, with the same numbers but for
rounding (rows apart may take another kernel); elsewhere, in training and in exported graphs, nothing is. What
is made of it has its shape and type: nothing is broadcast.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

AT_ONCE_BYTES = 2**23  # of the widest map inside `by_pixel`: a server processor's cache holds a few


def added(spent: Tensor, kept: Tensor) -> Tensor:
    """Sum of both."""
    return torch.add(kept, spent, out=_room(spent))


def modulated(spent: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    """`spent` times 1 + scale, plus bias."""
    return torch.addcmul(bias, spent, 1 + scale, out=_room(spent))


def silu(spent: Tensor) -> Tensor:
    """SiLU of it (arXiv 1702.03118)."""
    return F.silu(spent, inplace=torch.is_inference_mode_enabled())


def by_pixel(layers: Callable[[Tensor], Tensor], spent: Tensor, widening: int) -> Tensor:
    """What layers that look at single pixels make of maps (b c h w), as many channels as they were.

    In between there are `widening` times as many; some rows at a time, these are never all in memory.
    """
    if not torch.is_inference_mode_enabled():
        return layers(spent)
    row_bytes = widening * spent[:, :, 0].nbytes
    for rows in torch.split(spent, max(1, AT_ONCE_BYTES // row_bytes), dim=2):
        rows.copy_(layers(rows))
    return spent


def _room(spent: Tensor) -> Tensor | None:
    return spent if torch.is_inference_mode_enabled() else None
