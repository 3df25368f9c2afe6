"""Pictures as raw planes of 8-bit YUV 4:2:0, which video encoders read: BT.709, limited range.

The matrix and the range are those of Recommendation ITU-R BT.709-6, sections 3 and 4: luma 16..235, chroma
16..240. Chroma is the mean of 2x2 pixels, and is enlarged again linearly between their middles.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

LUMA = np.array([0.2126, 0.7152, 0.0722])  # of red, green and blue; BT.709-6, item 3.2
LUMA_LEVELS, CHROMA_LEVELS = 219, 224  # BT.709-6, item 4.6, at 8 bits
BLACK, NEUTRAL = 16, 128

Plane = NDArray[np.float64]


def yuv420_bytes(size: tuple[int, int]) -> int:
    """Return the bytes of a picture of `size` = (width, height); a half chroma sample counts as one."""
    width, height = size
    return width * height + 2 * _half(width) * _half(height)


def to_yuv420(picture: Image.Image) -> bytes:
    """Return an RGB picture's planes: Y, then Cb and Cr at half the width and height."""
    rgb = np.asarray(picture, dtype=np.float64) / 255
    luma = rgb @ LUMA
    blue, red = ((rgb[..., band] - luma) / (2 * (1 - LUMA[band])) for band in (2, 0))
    chroma = [NEUTRAL + CHROMA_LEVELS * _halved(plane) for plane in (blue, red)]
    return b"".join(_levels(plane).tobytes() for plane in (BLACK + LUMA_LEVELS * luma, *chroma))


def from_yuv420(planes: bytes, size: tuple[int, int]) -> Image.Image:
    """Return the RGB picture of `yuv420_bytes(size)` bytes."""
    width, height = size
    half = _half(width), _half(height)
    cut = np.split(np.frombuffer(planes, np.uint8), [width * height, width * height + half[0] * half[1]])
    luma = (cut[0].reshape(height, width).astype(np.float64) - BLACK) / LUMA_LEVELS
    blue, red = ((_doubled(plane, half, size) - NEUTRAL) / CHROMA_LEVELS for plane in cut[1:])
    b, r = (luma + 2 * (1 - LUMA[band]) * plane for band, plane in ((2, blue), (0, red)))
    g = (luma - LUMA[0] * r - LUMA[2] * b) / LUMA[1]
    return Image.fromarray(_levels(np.stack([r, g, b], axis=-1) * 255))


def _half(side: int) -> int:
    return -(-side // 2)


def _halved(plane: Plane) -> Plane:
    """Return the mean of each 2x2; an odd side's last row or column counts twice."""
    high, wide = plane.shape
    even = np.pad(plane, ((0, high % 2), (0, wide % 2)), mode="edge")
    halved: Plane = even.reshape(_half(high), 2, _half(wide), 2).mean(axis=(1, 3))
    return halved


def _doubled(plane: NDArray[np.uint8], half: tuple[int, int], size: tuple[int, int]) -> Plane:
    samples = Image.fromarray(plane.reshape(half[::-1]).astype(np.float32))
    doubled = samples.resize((2 * half[0], 2 * half[1]), Image.Resampling.BILINEAR)
    return np.asarray(doubled, dtype=np.float64)[: size[1], : size[0]]


def _levels(plane: Plane) -> NDArray[np.uint8]:
    return plane.round().clip(0, 255).astype(np.uint8)
