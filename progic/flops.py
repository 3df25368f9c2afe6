"""The arithmetic of a codec, counted as it runs: one multiplication and addition is two FLOP."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from PIL import Image
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from progic.codec import Codec

GIGA = 1e9
Shape = tuple[int, ...]


class Gflop(NamedTuple):
    """Billions of FLOP, by torch's counter: convolutions, matrix products and attention."""

    encode: float  # the encoder and the search of the codes
    decode: float  # the same for any number of stages


def _attention(query: Shape, key: Shape, value: Shape, *_: object, **__: object) -> int:
    flop: int = sdpa_flop_count(query, key, value)  # type: ignore[no-untyped-call]
    return flop


# torch's counter knows the attention of GPUs alone.
ON_CPU = {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention}


@contextmanager
def counted_gflop() -> Iterator[list[float]]:
    """Count what torch does within the block; the list that is handed out holds the sum once it has ended."""
    found: list[float] = []
    with FlopCounterMode(display=False, custom_mapping=ON_CPU) as counter:
        yield found
    found.append(counter.get_total_flops() / GIGA)


def gflop_of(codec: Codec, size: tuple[int, int]) -> Gflop:
    """Return what a photo of `size` = (width, height) pixels costs; what it shows does not matter.

    A refined codec counts as the one that it refines: its steps are not of the model.
    """
    with counted_gflop() as encode:
        stages = Codec(codec.net, codec.fingerprint).encode(Image.new("RGB", size))
    with counted_gflop() as decode:
        codec.decode(stages, size)
    return Gflop(*encode, *decode)
