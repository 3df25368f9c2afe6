"""The land: a camera, a height field of ridges behind a valley, and its ground picture."""

from dataclasses import dataclass

import numpy as np

from forest_fire_scene.noise import Array, PlaneNoise, smoothstep

# Height over depth along the middle of the view, in metres; the camera is at height 0.
_DEPTH_M = [0, 115, 300, 450, 700, 1050, 1250, 1700, 2600, 3300, 5200, 6300, 9500, 14000]
_HEIGHT_M = [-48, -66, -122, -150, -108, -28, -40, -150, 130, -80, 430, 0, 950, 0]
_FARTHEST_M = 13000.0
_HAZE_REACH_M = np.array([7000.0, 5900.0, 4800.0])  # blue is scattered first
HAZE = np.array([0.62, 0.60, 0.58])
SUN = np.array([5.6, 4.6, 3.3])
SKY = np.array([0.50, 0.58, 0.70])


@dataclass(frozen=True)
class Camera:
    """A level camera with a shifted lens, looking along +y, for a square picture."""

    size_px: int

    @property
    def focal_px(self) -> float:
        """Pixels per metre at one metre."""
        return 1.15 * self.size_px

    @property
    def horizon_px(self) -> float:
        """Row of the horizon."""
        return 0.37 * self.size_px

    def column(self, x_m: Array, depth_m: Array) -> Array:
        """Picture column of a point."""
        return self.size_px / 2 + self.focal_px * x_m / depth_m

    def row(self, height_m: Array, depth_m: Array) -> Array:
        """Picture row of a point."""
        return self.horizon_px - self.focal_px * height_m / depth_m

    def across(self, column: Array, depth_m: Array) -> Array:
        """Metres right of the middle for a column at a depth."""
        return (column - self.size_px / 2) * depth_m / self.focal_px


class Land:
    """Heights in metres over the plane."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._noise = PlaneNoise(rng)

    def height(self, x_m: Array, depth_m: Array) -> Array:
        """Height of the ground, shapes broadcast."""
        bend = self._noise.fractal(x_m / 1900 + 3, depth_m / 2600, 3) - 0.5
        along = depth_m * (1 + 0.5 * bend) + 0.16 * x_m
        spread = [np.interp(along * k, _DEPTH_M, _HEIGHT_M) for k in (0.94, 0.98, 1.02, 1.06)]
        ridges = self._noise.ridged(x_m / 2300, depth_m / 2300, 6) - 0.55
        return np.asarray(np.mean(spread, axis=0) + ridges * np.clip(0.13 * depth_m, 0, 700))

    def shade(self, x_m: Array, depth_m: Array) -> Array:
        """Sunlight on the slopes from the left, 0..about 1.3."""
        step = 6 + depth_m * 0.006
        here = self.height(x_m, depth_m)
        dx = (self.height(x_m + step, depth_m) - here) / step
        dy = (self.height(x_m, depth_m + step) - here) / step
        facing = (0.62 * dx + 0.25 * dy + 0.62) / np.sqrt(1 + dx**2 + dy**2)
        return np.clip(facing * 1.4, 0, 1.4)


def depth_map(land: Land, camera: Camera) -> Array:
    """Depth in metres of the ground at each pixel, infinite in the sky."""
    size = camera.size_px
    depth = np.geomspace(50, _FARTHEST_M, 900)
    columns = np.arange(size)[None, :] + 0.5
    rows = camera.row(land.height(camera.across(columns, depth[:, None]), depth[:, None]), depth[:, None])
    highest = np.minimum.accumulate(rows, axis=0)
    reach = np.append(depth, np.inf)
    pixels = -(np.arange(size) + 0.5)
    hits = [np.searchsorted(-highest[:, c], pixels) for c in range(size)]
    return np.asarray(reach[np.stack(hits, axis=1)])


def haze_over(colour: Array, depth_m: Array) -> Array:
    """Veil a colour (..., 3) by the air before it."""
    clear = np.exp(-np.asarray(depth_m)[..., None] / _HAZE_REACH_M)
    return np.asarray(colour * clear + HAZE * (1 - clear))


def sky(camera: Camera, noise: PlaneNoise) -> Array:
    """A hazy afternoon sky with thin high cloud, (size, size, 3)."""
    size = camera.size_px
    up = (1 - np.arange(size) / camera.horizon_px)[:, None, None]
    blue = np.array([0.30, 0.42, 0.58])
    clear = HAZE * 1.12 + (blue - HAZE * 1.12) * smoothstep(-0.1, 1.1, up)
    x, y = np.meshgrid(np.linspace(0, 3, size), np.linspace(0, 9, size))
    cloud = smoothstep(0.45, 0.8, noise.fractal(x + 0.4 * y, y, 5))[..., None]
    return clear + (np.array([0.76, 0.74, 0.72]) - clear) * 0.3 * cloud


def ground(land: Land, camera: Camera, depth_m: Array, noise: PlaneNoise) -> Array:
    """Forest floor and far canopy under the sun, hazed, (size, size, 3); zero in the sky."""
    far = np.where(np.isinf(depth_m), _FARTHEST_M, depth_m)
    x_m = camera.across(np.arange(camera.size_px)[None, :] + 0.5, far)
    canopy = noise.fractal(x_m / 14, far / 30, 7, 0.75)
    meadow = smoothstep(0.6, 0.75, noise.fractal(x_m / 500, far / 800, 4))[..., None]
    albedo = np.array([0.032, 0.036, 0.019]) * (1 - meadow) + np.array([0.095, 0.085, 0.045]) * meadow
    light = SUN * land.shade(x_m, far)[..., None] * (0.2 + 1.1 * canopy[..., None] ** 2) + SKY * 0.5
    return np.where(np.isinf(depth_m)[..., None], 0.0, haze_over(albedo * light, far))
