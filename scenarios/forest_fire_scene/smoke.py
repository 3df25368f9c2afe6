"""The smoke: a billowing volume of density, lit by sun, sky and fire, seen through."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image

from forest_fire_scene.noise import Array, smoothstep, volume_noise

_REACH = 0.66  # share of the picture, from its top, that smoke may fill
_SUN = np.array([3.0, 2.6, 2.1])
_SUN_LEAN = (1.25, 0.55)  # voxels to the right and away for each one down
_SKY = np.array([0.62, 0.66, 0.74])
_FIRE = np.array([3.4, 0.95, 0.17])
_ASH = np.array([0.54, 0.50, 0.46])  # share of light that smoke scatters on


class Source(NamedTuple):
    """Where smoke rises: column and row (picture widths), radius, strength."""

    column: float
    row: float
    radius: float
    strength: float


@dataclass(frozen=True)
class Smoke:
    """What the smoke adds to each pixel and how much it lets through."""

    light: Array
    clear: Array

    def over(self, picture: Array) -> Array:
        """The picture seen through the smoke."""
        return picture * self.clear[..., None] + self.light


def _billows(rng: np.random.Generator, shape: tuple[int, int, int], cell: float) -> Array:
    """Rounded lumps with sharp creases on every scale, about -0.5..0.5."""
    total = np.zeros(shape, np.float32)
    for k in range(6):
        if cell / 2.1**k >= 1.2:
            total += 0.64**k * (np.abs(volume_noise(rng, shape, cell / 2.1**k)) - 0.32)
    return total


def _warped(rng: np.random.Generator, field: Array, cell: float, reach: float) -> Array:
    """The field with its places displaced by a smooth random flow."""
    at = [
        np.arange(n, dtype=np.float32).reshape([-1 if a == k else 1 for a in range(3)])
        for k, n in enumerate(field.shape)
    ]
    flow = [
        volume_noise(rng, field.shape, cell) + 0.5 * volume_noise(rng, field.shape, cell / 2.3) for _ in at
    ]
    moved = [(place + reach * push).round() for place, push in zip(at, flow, strict=True)]
    spots = [np.clip(m, 0, n - 1).astype(np.int32) for m, n in zip(moved, field.shape, strict=True)]
    return np.asarray(field[spots[0], spots[1], spots[2]])


def _columns(rng: np.random.Generator, shape: tuple[int, int, int], sources: list[Source]) -> Array:
    """How deep each voxel lies in the leaning columns: 1 on the axis, 0 at the mean surface."""
    rows, cols, deep = shape
    y = (np.arange(rows, dtype=np.float32) / cols)[:, None, None]
    x = (np.arange(cols, dtype=np.float32) / cols)[None, :, None]
    z = ((np.arange(deep, dtype=np.float32) - deep / 2) / cols)[None, None, :]
    inside = np.full(shape, -3, np.float32)
    middle = sum(s.column * s.strength for s in sources) / sum(s.strength for s in sources)
    for s in sources:
        rise = np.maximum(s.row - y, 0)
        sway = rng.uniform(-0.05, 0.05) * np.sin(rise * rng.uniform(8, 14) + rng.uniform(0, 6))
        drawn_in = smoothstep(0, 0.45, rise) * 0.8 * (middle - s.column)
        axis = s.column + drawn_in + 0.85 * rise**1.35 + sway * smoothstep(0, 0.3, rise)
        radius = s.radius + 0.38 * rise * s.strength
        gap = np.sqrt((x - axis) ** 2 + (1.3 * z) ** 2) / radius
        inside = np.maximum(inside, 1 - gap - 25 * np.maximum(y - s.row, 0))
    return inside


def density(rng: np.random.Generator, size: int, sources: list[Source]) -> Array:
    """Optical density per voxel, (_REACH * size, size, size // 5): the top of the picture, and its depth."""
    shape = (round(_REACH * size), size, size // 5)
    lumps = _warped(rng, _billows(rng, shape, size / 9), size / 9, size / 24)
    inside = _columns(rng, shape, sources)
    y = (np.arange(shape[0], dtype=np.float32) / size)[:, None, None]
    solid = inside + lumps * (0.8 + 0.5 * (1 - y))
    thin = 0.35 + 0.65 * smoothstep(0.0, 0.5, y)
    return np.asarray(smoothstep(0.0, 1.0, solid / (0.75 - 0.6 * y)) * thin * (38.0 / size), np.float32)


def _sweep(density: Array, lean: tuple[float, float], dim: float) -> Array:
    """Light from above, leaning by `lean`, dimmed by `dim` times the density on its way."""
    light = np.empty_like(density)
    beam: Array = np.ones(density.shape[1:], np.float32)
    for y in range(density.shape[0]):
        light[y] = beam
        beam = _drift(beam * np.exp(-dim * density[y]), 0, lean[0], 1.0)
        beam = _drift(beam, 1, lean[1], 1.0)
    return light


def _drift(plane: Array, axis: int, step: float, fill: float) -> Array:
    """Move a plane along an axis by a broken number of voxels; `fill` flows in."""
    whole, n = int(step), plane.shape[axis]
    widths = [(whole + 1, 0) if k == axis else (0, 0) for k in range(2)]
    padded = np.pad(plane, widths, constant_values=fill)
    far, near = np.take(padded, range(n), axis), np.take(padded, range(1, n + 1), axis)
    return np.asarray((1 - step + whole) * near + (step - whole) * far)


def _from_below(density: Array, sources: list[Source]) -> Array:
    """Firelight spreading up through the smoke from its sources."""
    rows, cols, deep = density.shape
    light = np.zeros_like(density)
    x = np.arange(cols, dtype=np.float32)[:, None] / cols
    beam = np.zeros((cols, deep), np.float32)
    for y in range(rows - 1, -1, -1):
        for s in sources:
            if round(s.row * cols) == y:
                beam = beam + s.strength * np.exp(-(((x - s.column) / (1.1 * s.radius)) ** 2))
        side = 0.25 * (np.roll(beam, 1, 0) + np.roll(beam, -1, 0)) + 0.5 * beam
        beam = (side * np.exp(-0.35 * density[y]) * (1 - 8.0 / cols)).astype(np.float32)
        light[y] = beam
    return light


def _enlarge(layer: Array, size: int) -> Array:
    """Spread a layer over the picture; the rows below it stay empty."""
    rows = round(_REACH * size)
    picture = Image.fromarray(np.asarray(layer, np.float32)).resize((size, rows), Image.Resampling.BICUBIC)
    return np.pad(np.asarray(picture, np.float64), [(0, size - rows), (0, 0)])


def light_smoke(rho: Array, sources: list[Source], size: int) -> Smoke:
    """Light the volume and look through it along its last axis."""
    passed = np.exp(-np.cumsum(rho, axis=2))
    before = np.concatenate([np.ones_like(passed[..., :1]), passed[..., :-1]], axis=2)
    weight = before - passed
    # Light scattered many times fades more slowly: a second, weaker extinction stands for it.
    sun = 0.75 * _sweep(rho, _SUN_LEAN, 2.2) + 0.25 * _sweep(rho, _SUN_LEAN, 0.25)
    sky = _sweep(rho, (0.0, 0.0), 0.16)
    fire = _from_below(rho, sources)
    flat = [_enlarge(np.sum(weight * lit, axis=2), size)[..., None] for lit in (sun, sky, fire)]
    dull = _enlarge(np.sum(weight, axis=2), size)[..., None]
    light = _ASH * (0.46 * _SUN * flat[0] + _SKY * (0.20 * flat[1] + 0.04 * dull) + _FIRE * flat[2])
    return Smoke(np.maximum(light, 0), np.clip(1 - dull[..., 0], 0, 1))
