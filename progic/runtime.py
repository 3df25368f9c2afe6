"""Time and memory of a codec: the nets and the search, from pixels on the device to indices, and back.

Each size is measured in a process of its own, so that its peak memory is its own.
"""

import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

from progic import weights
from progic.codec import CodecNet

WARM_UPS = 1  # runs before the clock starts: kernels are chosen, memory is taken
LEAST_REPEATS, MOST_REPEATS = 3, 30
ENOUGH_S = 4.0  # of measuring, after the least repeats


class Timing(NamedTuple):
    """Milliseconds over all repeats."""

    median_ms: float
    p5_ms: float
    p95_ms: float
    repeats: int


class Runtime(NamedTuple):
    """One size on one device."""

    device: str  # its name
    threads: int  # on a CPU
    size: tuple[int, int]  # width, height in pixels
    encode: Timing
    decode: Timing
    peak_mib: float | None  # of the process, or of the CUDA memory; None where the system does not say


def measure_apart(model: str, size: tuple[int, int], device: str = "cpu", threads: int = 0) -> Runtime:
    """Measure in a new process; `threads` = 0 takes torch's own number. Raises what `measure` raises."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=context) as pool:
        return pool.submit(measure, model, size, device, threads).result()


@torch.inference_mode()
def measure(model: str, size: tuple[int, int], device: str = "cpu", threads: int = 0) -> Runtime:
    """Code and decode a made picture again and again. Raises WeightsError for no such model."""
    if threads:
        torch.set_num_threads(threads)
    net = weights.load(model).net.to(device)
    pixels = _picture(size, net.config.downsampling_factor).to(device)
    indices = _encode(net, pixels)
    if device != "cpu":
        torch.cuda.reset_peak_memory_stats()
    encode = _timing(lambda: _encode(net, pixels), device)
    decode = _timing(lambda: _decode(net, indices), device)
    name = "CPU" if device == "cpu" else torch.cuda.get_device_name()
    return Runtime(name, torch.get_num_threads(), size, encode, decode, _peak_mib(device))


def _picture(size: tuple[int, int], factor: int) -> torch.Tensor:
    """Smooth seeded noise (1 3 h w), sides padded to what the nets take."""
    width, height = (-(-side // factor) * factor for side in size)
    noise = np.random.default_rng(1).random((1, 3, 16, 16), dtype=np.float32)
    smooth = F.interpolate(torch.from_numpy(noise), (height, width), mode="bilinear")
    return smooth.contiguous(memory_format=torch.channels_last)


def _encode(net: CodecNet, pixels: torch.Tensor) -> torch.Tensor:
    return net.quantizer.search(net.encoder(pixels))


def _decode(net: CodecNet, indices: torch.Tensor) -> torch.Tensor:
    codes = net.quantizer.decode(dict(enumerate(indices)))
    held = torch.ones(1, len(indices), device=indices.device)
    photo: torch.Tensor = net.decoder(codes.contiguous(memory_format=torch.channels_last), held)
    return photo


def _timing(work: Callable[[], object], device: str) -> Timing:
    for _ in range(WARM_UPS):
        work()
    times: list[float] = []
    while len(times) < LEAST_REPEATS or (len(times) < MOST_REPEATS and sum(times) < ENOUGH_S * 1000):
        _wait(device)
        start = time.perf_counter()
        work()
        _wait(device)
        times.append((time.perf_counter() - start) * 1000)
    p5, p95 = np.percentile(times, (5, 95))
    return Timing(statistics.median(times), float(p5), float(p95), len(times))


def _wait(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize()


def _peak_mib(device: str) -> float | None:
    if device != "cpu":
        return torch.cuda.max_memory_allocated() / 2**20
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10  # bytes there, KiB elsewhere
