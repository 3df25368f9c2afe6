"""A block that was freed is there for the next one: the system is not asked again."""

import platform
import subprocess
import sys

import pytest

COUNT_FAULTS = """
import resource
from progic.heap import keep_freed_memory
{call}
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
block = bytearray(b"x") * (64 << 20)  # the first may fault
del block
before = faults()
for _ in range(8):
    block = bytearray(b"x") * (64 << 20)
    del block
print(faults() - before)
"""


def faults(call: str) -> int:
    code = COUNT_FAULTS.format(call=call)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's way")
def test_freed_blocks_are_used_again() -> None:
    # else a fault a page of each block: 131072 of 4 KB, or 256 where the system hands out 2 MB at a time
    assert faults("keep_freed_memory()") * 10 < faults("")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's way")
def test_large_pictures_keep_nothing() -> None:
    assert faults("keep_freed_memory(768 * 512)") * 10 < faults("keep_freed_memory(768 * 512 + 1)")
