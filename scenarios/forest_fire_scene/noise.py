"""Smooth random fields: lattice noise in the plane, noise volumes, and a wide blur."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]

_LATTICE = 256


def smoothstep(low: float, high: float, value: Array) -> Array:
    """Rise from 0 at `low` to 1 at `high` with level ends."""
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


class PlaneNoise:
    """Value noise over the plane, about 0..1, repeating every 256 lattice cells."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._table = rng.random((_LATTICE, _LATTICE))

    def value(self, x: Array, y: Array) -> Array:
        """Interpolate the lattice at points of any shape."""
        x0, y0 = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
        u, v = smoothstep(0, 1, x - x0), smoothstep(0, 1, y - y0)
        left, right, up, down = (n % _LATTICE for n in (x0, x0 + 1, y0, y0 + 1))
        top = self._table[up, left] * (1 - u) + self._table[up, right] * u
        bottom = self._table[down, left] * (1 - u) + self._table[down, right] * u
        return np.asarray(top * (1 - v) + bottom * v)

    def fractal(self, x: Array, y: Array, octaves: int, gain: float = 0.5) -> Array:
        """Sum octaves, each twice as fine and `gain` times as strong, back into 0..1."""
        total, weight = np.zeros(np.broadcast(x, y).shape), 0.0
        for k in range(octaves):
            # The odd ratio and the offset keep lattice lines of the octaves apart.
            total += gain**k * self.value(x * 2.03**k + 17.3 * k, y * 2.03**k + 9.1 * k)
            weight += gain**k
        return total / weight

    def ridged(self, x: Array, y: Array, octaves: int) -> Array:
        """Sum octaves folded at their middle: sharp crests, round valleys."""
        total = np.zeros(np.broadcast(x, y).shape)
        for k in range(octaves):
            n = self.value(x * 2.03**k + 31.7 * k, y * 2.03**k + 5.9 * k)
            total += 0.5**k * (1 - np.abs(2 * n - 1))
        return total / (2 - 0.5 ** (octaves - 1))


def _stretch(field: Array, axis: int, length: int, cells: float) -> Array:
    at = np.linspace(0, cells, length, dtype=np.float32)
    low = np.minimum(at.astype(np.int64), field.shape[axis] - 2)
    shape = [1] * field.ndim
    shape[axis] = length
    t = smoothstep(0, 1, at - low).reshape(shape).astype(np.float32)
    near, far = np.take(field, low, axis), np.take(field, low + 1, axis)
    return np.asarray(near + (far - near) * t)


def volume_noise(rng: np.random.Generator, shape: tuple[int, int, int], cell: float) -> Array:
    """Value noise on a voxel grid, -1..1, with lattice cells `cell` voxels wide."""
    cells = [n / cell for n in shape]
    field: Array = rng.uniform(-1, 1, [int(c) + 2 for c in cells]).astype(np.float32)
    for axis in (2, 1, 0):
        field = _stretch(field, axis, shape[axis], cells[axis])
    return field


def blur(image: Array, sigma_px: float) -> Array:
    """Blur the first two axes by a Gaussian, mirrored at the borders."""
    pad = min(int(3 * sigma_px) + 1, min(image.shape[:2]) - 1)
    padded = np.pad(image, [(pad, pad), (pad, pad)] + [(0, 0)] * (image.ndim - 2), "reflect")
    rows, cols = padded.shape[:2]
    fy, fx = np.fft.fftfreq(rows)[:, None], np.fft.rfftfreq(cols)[None, :]
    window = np.exp(-2 * (np.pi * sigma_px) ** 2 * (fy**2 + fx**2))
    window = window.reshape(window.shape + (1,) * (image.ndim - 2))
    soft = np.fft.irfft2(np.fft.rfft2(padded, axes=(0, 1)) * window, (rows, cols), axes=(0, 1))
    return np.asarray(soft[pad : rows - pad, pad : cols - pad])


def place(sprite: Array, column: float, base_row: float, size: int) -> tuple[tuple[slice, slice], Array]:
    """The part of a sprite that lies in the picture, and where."""
    rows, cols = sprite.shape[:2]
    top, left = round(base_row) - rows, round(column - cols / 2)
    r0, r1 = max(top, 0), min(top + rows, size)
    c0, c1 = max(left, 0), min(left + cols, size)
    cut = sprite[max(r0 - top, 0) : max(r1 - top, 0), max(c0 - left, 0) : max(c1 - left, 0)]
    return (slice(r0, max(r1, r0)), slice(c0, max(c1, c0))), cut
