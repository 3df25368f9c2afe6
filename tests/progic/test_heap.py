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
PAGES = 8 * (64 << 20) // 4096  # of all blocks


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's way")
@pytest.mark.parametrize(("call", "least", "most"), [("", PAGES, 2 * PAGES), ("keep_freed_memory()", 0, 500)])
def test_freed_blocks_are_used_again(call: str, least: int, most: int) -> None:
    code = COUNT_FAULTS.format(call=call)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert least <= int(done.stdout) <= most
