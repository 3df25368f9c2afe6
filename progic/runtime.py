"""What a codec costs on a machine: time, peak memory and arithmetic of encoding and decoding, by size.

Times are of warm calls on as many threads as asked for; memory is the peak of a process of its own that does
nothing else, so it includes Python and torch.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from PIL import Image

from progic.codec import Codec
from progic.errors import ProgicError
from progic.flops import counted_gflop
from progic.weights import load

WARM_UP_CALLS = 3  # the first ones set up memory and choose kernels
WARM_UP_S = 2.0  # enough of them, where a call takes long
LEAST_CALLS = 6  # the median of so many lies between the first and the last in 97 of 100 cases
Way = Literal["encode", "decode"]
STATUS = Path("/proc/self/status")

ALONE = """
import re, sys
import torch
from PIL import Image
import progic
from progic.runtime import STATUS, call_of
torch.set_num_threads(int(sys.argv[5]))
call_of(progic.load(sys.argv[1]), sys.argv[2], (int(sys.argv[3]), int(sys.argv[4])))()
# not ru_maxrss, which begins at the parent's
print(re.search(r"VmHWM:\\s+(\\d+) kB", STATUS.read_text())[1])
"""


class Time(NamedTuple):
    """Seconds a call: the median, and the interval that holds it with about 95 % confidence."""

    median_s: float
    low_s: float
    high_s: float
    calls: int


class Cost(NamedTuple):
    """One way at one size: a row of the table."""

    way: Way
    width: int  # pixels
    height: int
    threads: int
    time: Time
    peak_bytes: int | None  # None where the system does not tell
    gflop: float  # a multiply and an add count as two; the search through the codebooks is counted too


def costs(
    model: str, sizes: Sequence[tuple[int, int]], threads: int, calls: int = 30, memory: bool = True
) -> Iterator[Cost]:
    """Measure encoding and decoding of all stages at each size (width, height), with `threads` CPU threads.

    Raises WeightsError for an unknown model, ProgicError where the process that tells the memory fails.
    """
    codec = load(model)
    with _threads(threads):
        for width, height in sizes:
            for way in ("encode", "decode"):
                call = call_of(codec, way, (width, height))
                with counted_gflop() as gflop:
                    call()
                peak = _peak_bytes(model, way, (width, height), threads) if memory else None
                yield Cost(way, width, height, threads, timed(call, max(calls, LEAST_CALLS)), peak, *gflop)


def call_of(codec: Codec, way: Way, size: tuple[int, int]) -> Callable[[], object]:
    """Return what encodes a photo of noise of `size` = (width, height), or decodes all its stages."""
    noise = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    photo = Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)
    if way == "encode":
        return lambda: codec.encode(photo)
    stages = [bytes(codec.bytes_per_stage(size))] * codec.config.n_stages
    return lambda: codec.decode(stages, size)


def timed(call: Callable[[], object], calls: int, clock: Callable[[], float] = time.perf_counter) -> Time:
    """Time `calls` calls, each on its own, after some that do not count: WARM_UP_CALLS, or WARM_UP_S of them.

    The interval is of order statistics, n/2 -+ 0.98 sqrt(n): it supposes nothing of how times are spread.
    """
    begin_s = clock()
    for _ in range(WARM_UP_CALLS):
        call()
        if clock() - begin_s >= WARM_UP_S:
            break
    taken = []
    for _ in range(calls):
        start_s = clock()
        call()
        taken.append(clock() - start_s)
    taken.sort()
    reach = 0.98 * calls**0.5  # 1.96 standard deviations of a binomial of n and 1/2
    low, high = max(0, int(calls / 2 - reach)), min(calls - 1, int(calls / 2 + reach))
    return Time(statistics.median(taken), taken[low], taken[high], calls)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _peak_bytes(model: str, way: Way, size: tuple[int, int], threads: int) -> int | None:
    if not STATUS.is_file():
        return None
    arguments = [model, way, *map(str, size), str(threads)]
    done = subprocess.run([sys.executable, "-c", ALONE, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise ProgicError(f"{way} of {size[0]}x{size[1]} in a process of its own: {last_words(done)}")
    return int(done.stdout) * 1024


def last_words(ended: subprocess.CompletedProcess[str]) -> str:
    """Return the last line that a process wrote to stderr; of one that was killed, as for memory, its end."""
    lines = ended.stderr.strip().splitlines()
    return lines[-1] if lines else f"exit code {ended.returncode}"
