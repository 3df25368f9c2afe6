"""Arithmetic of a codec at a photo's size: floating-point operations, 1 multiply-accumulate = 2 of them.

Counted by torch's own counter: convolutions and matrix products, all but a thousandth of what there is.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from PIL import Image
from torch.utils.flop_counter import FlopCounterMode

from progic.codec import Codec


class CodecFlops(NamedTuple):
    """GFLOP of one photo, coded into all stages and decoded from all of them."""

    encode_gflop: float
    decode_gflop: float

    @property
    def gflop(self) -> float:
        """Both together."""
        return self.encode_gflop + self.decode_gflop


def count_flops(codec: Codec, size: tuple[int, int]) -> CodecFlops:
    """Code and decode one grey photo of `size` = (width, height) pixels, and count."""
    photo = Image.new("RGB", size, "grey")
    stages = codec.encode(photo)
    return CodecFlops(_gflop(lambda: codec.encode(photo)), _gflop(lambda: codec.decode(stages, size)))


@torch.inference_mode()
def _gflop(work: Callable[[], object]) -> float:
    with FlopCounterMode(display=False) as counter:
        work()
    return float(counter.get_total_flops()) / 1e9
