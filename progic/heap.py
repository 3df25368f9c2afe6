"""Freed memory stays with the process, where the C library is glibc.

glibc takes a block of over 32 MB, such as a feature map, from the system and gives it back once it is freed,
as it does with the end of its heap; the system fills each with zeros anew: 18 % of the time of `satsim tune`.
"""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h of glibc
NEVER = 2**31 - 1  # bytes, the largest C int
LARGEST = 2**27  # bytes: 64 maps of 768x512; the few that are larger go back, for the peak's sake
MOST_PIXELS = 768 * 512


def keep_freed_memory(pixels: int = MOST_PIXELS) -> None:
    """Take blocks up to LARGEST from the heap from now on, and do not give its end back; glibc alone.

    `pixels`: of the pictures that are worked on. Of over MOST_PIXELS the larger maps leave gaps that the next
    do not fill: a run at 2048x2048 took 2.2 GB, and takes 1.3 with nothing kept.
    """
    if pixels > MOST_PIXELS:
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGEST)
        mallopt(M_TRIM_THRESHOLD, NEVER)
