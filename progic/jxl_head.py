"""How large a JPEG XL picture is, by the first bytes of its file."""

SIGNATURE = b"\xff\x0a"  # of a bare codestream, ISO/IEC 18181-1
BOX_HEADS = {b"jxlc": 4, b"jxlp": 8}  # boxes that hold one, ISO/IEC 18181-2, and where in them it begins
RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}  # width to height
SIDE_BITS = (9, 13, 18, 30)  # one of which a side takes


class _Bits:
    """Numbers of so many bits, the lowest first."""

    def __init__(self, data: bytes) -> None:
        self._left = int.from_bytes(data, "little")

    def take(self, count: int) -> int:
        value = self._left & ((1 << count) - 1)
        self._left >>= count
        return value

    def side(self, small: bool) -> int:
        if small:
            return (self.take(5) + 1) * 8
        return self.take(SIDE_BITS[self.take(2)]) + 1


def jxl_size(file: bytes) -> tuple[int, int] | None:
    """(width, height) in pixels by the SizeHeader, ISO/IEC 18181-1, annex D; None of another kind of file."""
    at = 0
    if not file.startswith(SIGNATURE):
        starts = [file.find(box) + head for box, head in BOX_HEADS.items() if box in file[:4096]]
        if not starts:
            return None
        at = min(starts)
    if file[at : at + 2] != SIGNATURE:
        return None
    bits = _Bits(file[at + 2 : at + 16])
    small = bool(bits.take(1))
    height = bits.side(small)
    ratio = bits.take(3)
    across, down = RATIOS.get(ratio, (0, 1))
    return (height * across // down if ratio else bits.side(small)), height
