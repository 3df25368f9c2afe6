"""How long the codec takes and how much memory: `python -m pytest tests/bench/bench_codec.py`.

The limits are for two cores with nothing else to do; ordinary test runs do not collect this file.
"""

import subprocess
import sys
import timeit
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from PIL import Image
from pytest_benchmark.fixture import BenchmarkFixture

import progic
from progic.codec import Codec

MEMORY_AT_4K_BYTES = 2e9
ALONE = r"""
import re, sys
from pathlib import Path
from PIL import Image
import progic
codec, size = progic.load(sys.argv[2]), (3840, 2160)
if sys.argv[1] == "encode":
    codec.encode(Image.new("RGB", size, "gray"))
else:
    codec.decode([bytes(codec.bytes_per_stage(size))] * codec.config.n_stages, size)
# not ru_maxrss, which begins at the parent's
peak_kib = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]
print(int(peak_kib) * 1024)
"""


MODELS = ("f16", "f16-s")


@pytest.fixture(scope="module", params=MODELS)
def codec(request: pytest.FixtureRequest) -> Iterator[Codec]:
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    yield progic.load(request.param)
    torch.set_num_threads(threads)


def _photo(size: tuple[int, int]) -> Image.Image:
    noise = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)


def _there_and_back(codec: Codec, photo: Image.Image) -> None:
    codec.decode(codec.encode(photo), photo.size)


def test_a_photo_of_256_takes_at_most_100_ms(codec: Codec, benchmark: BenchmarkFixture) -> None:
    benchmark.pedantic(_there_and_back, (codec, _photo((256, 256))), rounds=20, warmup_rounds=3)
    assert benchmark.stats.stats.median <= 0.1


@pytest.mark.parametrize("size", [(768, 512), (1920, 1080), (2560, 1440), (3840, 2160)], ids=str)
def test_time_grows_with_pixels(size: tuple[int, int], codec: Codec, benchmark: BenchmarkFixture) -> None:
    """Time a pixel is at most 1.5 times that of 256x256, whose maps still fit the processor's caches."""
    small = _photo((256, 256))
    per_pixel_s = min(timeit.repeat(lambda: _there_and_back(codec, small), number=1, repeat=9)) / 256**2
    benchmark.pedantic(_there_and_back, (codec, _photo(size)), rounds=2)
    assert benchmark.stats.stats.min / (size[0] * size[1]) <= 1.5 * per_pixel_s


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
@pytest.mark.parametrize("way", ["encode", "decode"])
@pytest.mark.parametrize("model", MODELS)
def test_memory_at_4k_is_under_2_gb(model: str, way: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ALONE, way, model], capture_output=True, text=True, check=True, timeout=300
    )
    assert int(done.stdout) < MEMORY_AT_4K_BYTES
