"""Time and memory of the nets and the search for codes on a GPU, from pixels to indices and back."""

from collections.abc import Callable

import torch

from progic.codec import CodecNet
from progic.flops import counted_gflop
from progic.runtime import Cost, Way, timed


def costs_on(net: CodecNet, size: tuple[int, int], device: str, calls: int) -> tuple[Cost, Cost]:
    """Encoding and decoding at `size` = (width, height) on a torch device, which each call is waited for."""
    f = net.config.downsampling_factor
    width, height = (-(-side // f) * f for side in size)
    before = next(net.parameters()).device
    pixels = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0)).to(device)
    try:
        net.to(device)
        indices = _encode(net, pixels)
        ways: tuple[tuple[Way, Callable[[], object]], ...] = (
            ("encode", lambda: _encode(net, pixels)),
            ("decode", lambda: _decode(net, indices)),
        )
        encode, decode = (_cost(way, call, size, device, calls) for way, call in ways)
    finally:
        net.to(before)
    return encode, decode


def _cost(way: Way, call: Callable[[], object], size: tuple[int, int], device: str, calls: int) -> Cost:
    is_cuda = torch.device(device).type == "cuda"

    def waited() -> None:
        call()
        if is_cuda:
            torch.cuda.synchronize()

    with counted_gflop() as gflop:
        waited()
    if is_cuda:
        torch.cuda.reset_peak_memory_stats()
    time = timed(waited, calls)
    peak = torch.cuda.max_memory_allocated() if is_cuda else None
    return Cost(way, *size, torch.get_num_threads(), time, peak, gflop[0])


@torch.inference_mode()
def _encode(net: CodecNet, pixels: torch.Tensor) -> torch.Tensor:
    return net.quantizer.search(net.encoder(pixels))


@torch.inference_mode()
def _decode(net: CodecNet, indices: torch.Tensor) -> torch.Tensor:
    codes = net.quantizer.decode(dict(enumerate(indices)))
    photo: torch.Tensor = net.decoder(codes, torch.ones(1, len(indices), device=indices.device))
    return photo
