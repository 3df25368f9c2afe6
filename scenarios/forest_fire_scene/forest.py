"""The forest: where trees stand, how each is lit, and the painting of them back to front."""

from dataclasses import dataclass

import numpy as np

from forest_fire_scene.conifers import Nursery
from forest_fire_scene.flames import FireFront
from forest_fire_scene.land import SKY, SUN, Camera, Land, haze_over
from forest_fire_scene.noise import Array, PlaneNoise, place, smoothstep

_NEAR_M, _DENSE_M, _FAR_M = 82.0, 1100.0, 5200.0
_SPACING_M = 6.0
_TALLEST_M = 34.0
_LEAST_PX = 1.2  # lower trees are left to the ground's own speckle
_FIRELIGHT = np.array([9.0, 3.0, 0.55])


@dataclass(frozen=True)
class Trees:
    """Trees sorted from far to near; positions in pixels, light as linear RGB."""

    depth_m: Array
    column: Array
    base_row: Array
    tall_px: Array
    kind: Array
    in_sun: Array
    in_shade: Array

    def where(self, chosen: Array) -> "Trees":
        """Keep the chosen trees."""
        return Trees(*(a[chosen] for a in vars(self).values()))


def _stand(rng: np.random.Generator, camera: Camera) -> tuple[Array, Array]:
    """Slope of view and depth of each tree: even on the land when near, even in the picture when far."""
    half = 0.52
    far_m = max(_DENSE_M, min(_FAR_M, _TALLEST_M * camera.focal_px / _LEAST_PX))
    n_dense = int(half * (_DENSE_M**2 - _NEAR_M**2) / _SPACING_M**2)
    n_far = int(2 * half * _DENSE_M**2 / _SPACING_M**2 * np.log(far_m / _DENSE_M))
    dense = np.sqrt(rng.uniform(_NEAR_M**2, _DENSE_M**2, n_dense))
    far = np.exp(rng.uniform(np.log(_DENSE_M), np.log(far_m), n_far))
    depth_m = np.sort(np.concatenate([dense, far]))[::-1]
    return rng.uniform(-half, half, depth_m.size), depth_m


def plant(rng: np.random.Generator, land: Land, camera: Camera, ground_m: Array, front: FireFront) -> Trees:
    """Plant the visible trees and light them by sun, sky and fire."""
    slope, depth_m = _stand(rng, camera)
    x_m = slope * depth_m
    noise = PlaneNoise(rng)
    vigour = noise.fractal(x_m / 130, depth_m / 130, 3)
    tall_m = 4 + 26 * vigour + rng.normal(0, 4.5, x_m.size)
    column = camera.column(x_m, depth_m)
    base = camera.row(land.height(x_m, depth_m), depth_m)
    tall = np.clip(tall_m, 5, _TALLEST_M) * camera.focal_px / depth_m
    clearing = smoothstep(0.5, 0.66, noise.fractal(x_m / 190 + 40, depth_m / 260, 4))
    seen = _visible(camera, ground_m, column, base - tall, depth_m) & (tall > _LEAST_PX)
    seen &= rng.random(x_m.size) > 0.93 * clearing
    sun, shade = _light(rng, land, front, x_m, depth_m, noise)
    kind = rng.integers(0, 1 << 16, x_m.size)
    return Trees(depth_m, column, base, tall, kind, sun, shade).where(seen)


def _visible(camera: Camera, ground_m: Array, column: Array, top: Array, depth_m: Array) -> Array:
    last = camera.size_px - 1
    col = np.clip(column, 0, last).astype(int)
    row = np.clip(top, 0, last).astype(int)
    return np.asarray((ground_m[row, col] > depth_m) & (top < camera.size_px))


def _light(
    rng: np.random.Generator, land: Land, front: FireFront, x_m: Array, depth_m: Array, noise: PlaneNoise
) -> tuple[Array, Array]:
    """Leaf colour times light, in the sun and in the shade, hazed later; each (n, 3)."""
    stand = noise.fractal(x_m / 210 + 7, depth_m / 210, 3)[:, None]
    own = rng.normal(1, 0.26, (x_m.size, 1)).clip(0.4, 1.8) * (0.35 + 1.3 * stand)
    dry = np.clip(rng.random((x_m.size, 1)) ** 5 + 1.6 * (stand - 0.5), 0, 1)
    albedo = own * (np.array([0.031, 0.040, 0.021]) * (1 - dry) + np.array([0.070, 0.060, 0.026]) * dry)
    cloud = smoothstep(0.3, 0.62, noise.fractal(x_m / 700, depth_m / 900 + 63, 3))
    sun = SUN * (land.shade(x_m, depth_m) * (0.45 + 0.75 * cloud))[:, None]
    fire = _FIRELIGHT * front.glow(x_m, depth_m)[:, None]
    return albedo * (sun + 0.5 * fire), albedo * (SKY * 0.9 + fire)


def paint_trees(picture: Array, trees: Trees, nursery: Nursery, ground_m: Array) -> None:
    """Paint trees from far to near onto the picture, hidden where the land is nearer."""
    sun, shade = trees.in_sun, trees.in_shade
    for i in range(trees.depth_m.size):
        sprite = nursery.sprite(int(trees.kind[i]), float(trees.tall_px[i]))
        spot, sprite = place(sprite, float(trees.column[i]), float(trees.base_row[i]), picture.shape[0])
        if sprite.size:
            depth = trees.depth_m[i]
            cover = sprite[..., :1] * (ground_m[spot] > depth - 12)[..., None]
            light = sprite[..., 1:2] * sun[i] + sprite[..., 2:] * shade[i]
            leaf = haze_over(light / np.maximum(sprite[..., :1], 0.02), depth)
            picture[spot] += cover * (leaf - picture[spot])
