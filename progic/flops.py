"""The arithmetic of a codec, counted as it runs: one multiplication and addition is two FLOP."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from PIL import Image
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from progic.codec import Codec

GIGA = 1e9


class Gflop(NamedTuple):
    """Billions of FLOP, by torch's counter: convolutions, matrix products and attention."""

    encode: float  # the encoder and the search of the codes
    decode: float  # the same for any number of stages


def _attention(query: Tensor, key: Tensor, *_: object, **__: object) -> int:
    return 2 * 2 * query.numel() * key.shape[-2]  # how alike each is to each, and the mean of their values


def _product(left: Tensor, *_: object, out_val: Tensor) -> int:
    return 2 * out_val.numel() * left.shape[-1]


# What torch's own formulas lack: attention on CPUs, and products that inference mode does not take apart.
FORMULAS = flop_registry | {
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention,
    torch.ops.aten.matmul: _product,
    torch.ops.aten.linear: _product,
}


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts as torch's FlopCounterMode, but that one loads torch's compiler: 3 s of a run of 12."""

    flop = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # it is not compiled, and to be told so torch would load the compiler

    def __torch_dispatch__(
        self,
        func: OpOverload,
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> object:
        """Do what is asked, and add what it takes; what has no formula may be made of what has."""
        kwargs = kwargs or {}
        formula = FORMULAS.get(func.overloadpacket)
        if formula is None:
            with self:
                parts = func.decompose(*args, **kwargs)
            return func(*args, **kwargs) if parts is NotImplemented else parts
        out = func(*args, **kwargs)
        self.flop += formula(*args, **kwargs, out_val=out)
        return out


@contextmanager
def counted_gflop() -> Iterator[list[float]]:
    """Count what torch does within the block; the list that is handed out holds the sum once it has ended."""
    found: list[float] = []
    with _Counter() as counter:  # type: ignore[no-untyped-call]
        yield found
    found.append(counter.flop / GIGA)


def gflop_of(codec: Codec, size: tuple[int, int]) -> Gflop:
    """Return what a photo of `size` = (width, height) pixels costs; what it shows does not matter.

    A refined codec counts as the one that it refines: its steps are not of the model.
    """
    with counted_gflop() as encode:
        stages = Codec(codec.net, codec.fingerprint).encode(Image.new("RGB", size))
    with counted_gflop() as decode:
        codec.decode(stages, size)
    return Gflop(*encode, *decode)
