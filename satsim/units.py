"""The few sizes and conversions that several rooms share."""

import math
from decimal import ROUND_CEILING, Context

HEADER_BYTES = 20  # satsim.header; 320 + 20 = 340 bytes, one Iridium SBD message from a 9602/9603 modem
BITS_PER_BYTE = 8
MAX_SIDE_PX = 4096  # 12 bits in the packet header
MAX_STAGES = 64  # 6 bits in the packet header
MAX_REPORT_BYTES = HEADER_BYTES + MAX_STAGES // BITS_PER_BYTE  # satsim.packets.Report
MOST_DRAWN_PIXELS = 3840 * 2160  # by a receiver: 1.6 GB; a single packet may claim more, and end it
USD_DIGITS = 9  # of a price, so that 35 units of 0.16 are 5.6 and not 5.6000000000000005
MAX_BITS_PER_INDEX = 16  # 4 bits in the packet header
DOWNSAMPLING_FACTORS = (1, 2, 4, 8, 16, 32, 64, 128)  # 3 bits in the packet header hold log2


def cells(size: tuple[int, int], downsampling_factor: int) -> int:
    """Return the squares of `downsampling_factor` pixels in a photo of `size`; a part counts as one."""
    width, height = size
    return math.ceil(width / downsampling_factor) * math.ceil(height / downsampling_factor)


def stage_bytes(size: tuple[int, int], bits_per_index: int, downsampling_factor: int) -> int:
    """Return the bytes of one stage of a photo of `size` (width, height) in pixels.

    One index of `bits_per_index` bits a cell, and the last byte is filled up.
    """
    return math.ceil(cells(size, downsampling_factor) * bits_per_index / BITS_PER_BYTE)


def bits_per_pixel(n_bytes: int, size: tuple[int, int]) -> float:
    """Return the bits that `n_bytes` spend on each pixel of a photo of `size` (width, height)."""
    return n_bytes * BITS_PER_BYTE / (size[0] * size[1])


def logged_time_s(time_s: float) -> float:
    """Round a simulated time to the microsecond, so that a log shows 180.56 and not 180.56000000000003."""
    return round(time_s, 6)


def rounded_up(least: float) -> str:
    """Return a lower limit as a message names it: in six digits, and never below what is allowed."""
    return format(Context(prec=6, rounding=ROUND_CEILING).create_decimal(str(least)).normalize(), "f")
