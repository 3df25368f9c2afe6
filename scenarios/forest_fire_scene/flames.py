"""The fire: its front across the slope, the light it throws, and its flames."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from forest_fire_scene.land import Camera, Land
from forest_fire_scene.noise import Array, PlaneNoise, place, smoothstep

_WEST_M, _EAST_M = -215.0, 185.0
_DEPTH_M = 650.0
_TONGUE = np.array([1.0, 0.25, 0.035])
_HEART = np.array([1.0, 0.62, 0.22])


class FireFront:
    """A broken line of fire across the slope, in metres."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._noise = PlaneNoise(rng)

    def depth(self, x_m: Array) -> Array:
        """Depth of the front along the slope."""
        wander = self._noise.fractal(x_m / 120, np.full_like(x_m, 3.5), 4) - 0.5
        return _DEPTH_M + 0.33 * x_m + 150 * wander

    def strength(self, x_m: Array) -> Array:
        """How fiercely it burns, 0..1, with gaps."""
        ends = smoothstep(_WEST_M - 20, _WEST_M + 60, x_m) * smoothstep(-_EAST_M - 20, -_EAST_M + 60, -x_m)
        patch = smoothstep(0.36, 0.66, self._noise.fractal(x_m / 62, np.full_like(x_m, 9.5), 3))
        return ends * (0.12 + 0.88 * patch)

    def glow(self, x_m: Array, depth_m: Array) -> Array:
        """Firelight at points of the land, 1 in the flames."""
        away = (depth_m - self.depth(x_m)) / 30
        return self.strength(x_m) / (1 + away**2) ** 1.4


@dataclass(frozen=True)
class Flames:
    """Flames to paint: where each is rooted, how high, how hot and of which shape."""

    depth_m: Array
    column: Array
    base_row: Array
    tall_px: Array
    heat: Array
    kind: Array


def tongue(rng: np.random.Generator, rows: int = 128, cols: int = 96) -> Array:
    """One flame's heat, 0..about 1.5, torn by rising turbulence."""
    noise = PlaneNoise(rng)
    v, u = np.mgrid[1 : 0 : rows * 1j, -1 : 1 : cols * 1j]
    shift = rng.uniform(0, 99)
    swirl = noise.fractal(u * 1.4 + shift, v * 2.2, 4) - 0.5
    u2 = u - 0.45 * v**1.3 * rng.uniform(0.2, 1.3) + swirl * (0.35 + 1.5 * v)
    v2 = v + 0.5 * (noise.fractal(u * 3 + 50, v * 3 + shift, 3) - 0.5)
    width = 0.62 * (1 - np.clip(v2, 0, 1)) ** 0.75 + 0.02
    body = smoothstep(0, 0.55, 1 - np.abs(u2) / width) * smoothstep(1.0, 0.6, v2)
    strand = noise.ridged(u2 * 3.2 + shift, v2 * 1.9 + swirl, 4)
    rim = smoothstep(1, 0.75, np.abs(u)) * smoothstep(0, 0.1, 1 - v) * smoothstep(-0.02, 0.12, v)
    return np.asarray(body * rim * np.clip(2.6 * (strand - 0.45), 0, 1.5))


def kindle(
    rng: np.random.Generator, front: FireFront, land: Land, camera: Camera, count: int = 380
) -> Flames:
    """Set flames along the front, sorted from far to near."""
    x_m = rng.uniform(_WEST_M - 30, _EAST_M + 30, count)
    heat = front.strength(x_m) * rng.uniform(0.3, 1, count)
    behind = rng.exponential(22, count) - 10
    depth_m = front.depth(x_m) + behind
    tall_m = (5 + 50 * heat**1.8) * rng.lognormal(-0.15, 0.3, count)
    tall = tall_m * camera.focal_px / depth_m
    base = camera.row(land.height(x_m, depth_m) + rng.uniform(0, 12, count) * heat, depth_m)
    order = np.argsort(-depth_m)
    kind = rng.integers(0, 1 << 16, count)
    columns = camera.column(x_m, depth_m)
    return Flames(*(a[order] for a in (depth_m, columns, base, tall, heat, kind)))


def blaze(heat: Array) -> Array:
    """Linear light of burning soot: red where cool, yellow where thick and hot."""
    h = np.clip(heat, 0, 1.6)[..., None]
    return np.asarray(1.5 * h**1.3 * _TONGUE + 0.45 * h**4 * _HEART)


def paint_flame(picture: Array, shape: Array, column: float, base_row: float, tall_px: float) -> None:
    """Add one flame's light to the picture; its own soot hides part of what is behind."""
    heat = _resize(shape, max(tall_px, 2.0))
    spot, heat = place(heat, column, base_row, picture.shape[0])
    if heat.size:
        picture[spot] = picture[spot] * (1 - 0.6 * np.clip(heat, 0, 1))[..., None] + blaze(heat)


def _resize(shape: Array, tall_px: float) -> Array:
    rows, cols = round(tall_px), max(round(tall_px * shape.shape[1] / shape.shape[0]), 1)
    layer = Image.fromarray(shape.astype(np.float32)).resize((cols, rows), Image.Resampling.BICUBIC)
    return np.asarray(np.clip(np.asarray(layer), 0, None))
