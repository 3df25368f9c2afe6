"""Conifer pictures grown branch by branch, and their smaller copies for the distance."""

from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from forest_fire_scene.noise import Array

_TALL_PX = 320
_WIDE_PX = 192
_FINE = 2  # needles are painted this much finer, then averaged
_LADDER = 1.12  # ratio between neighbouring sizes


@dataclass(frozen=True)
class Habit:
    """How a tree grows: crown width over height, droop, gaps, share of trunk left bare."""

    width: float
    droop: float
    raggedness: float
    bare: float
    taper: float


def random_habit(rng: np.random.Generator) -> Habit:
    """Draw a spruce, fir or pine."""
    return Habit(
        width=rng.uniform(0.16, 0.27),
        droop=rng.uniform(0.1, 0.5),
        raggedness=rng.uniform(0.25, 0.6),
        bare=rng.uniform(0.02, 0.15),
        taper=rng.uniform(0.65, 1.0),
    )


@dataclass(frozen=True)
class Needles:
    """Foliage points: sideways, down and toward the camera (tree heights), and light from sun and sky."""

    x: Array
    y: Array
    z: Array
    sun: Array
    open: Array


def _grow(rng: np.random.Generator, habit: Habit) -> Needles:
    branches, along = 230, 420
    down = np.sort(rng.random(branches)) ** 0.75
    angle = rng.uniform(0, 2 * np.pi, branches)
    lopsided = 1 + 0.25 * np.cos(angle - rng.uniform(0, 2 * np.pi))
    vigour = 1 - habit.raggedness * rng.random(branches) ** 1.5
    length = habit.width * (0.01 + down**habit.taper) * vigour * lopsided
    t = rng.random((branches, along)) ** 0.65
    spray = 0.004 + 0.11 * length[:, None] * (1.15 - t)
    dx, dy, dz = rng.normal(0, 1, (3, branches, along)) * spray
    out = length[:, None] * t
    lean = 0.012 * np.sin(down * rng.uniform(2, 6) + rng.uniform(0, 6))
    x = out * np.cos(angle)[:, None] + dx + lean[:, None]
    z = out * np.sin(angle)[:, None] + dz
    sag = habit.droop * out * (0.4 + t) - 0.10 * out * t**3
    y = 0.015 + down[:, None] * (0.985 - habit.bare) + sag + 0.45 * dy
    tip = np.clip(t - 0.35 * rng.random(t.shape), 0, 1)
    side = np.clip(0.45 - 0.75 * np.cos(angle)[:, None] + 0.25 * np.sin(angle)[:, None] - 14 * dy, 0, 1.6)
    sun = side * tip**1.5 * (1.15 - 0.75 * down[:, None])
    sky_open = (0.18 + 0.82 * tip**2) * (1 - 0.6 * down[:, None]) * np.clip(1 - 12 * dy, 0.4, 1.6)
    return Needles(*(np.ravel(a) for a in (x, y, z, sun, sky_open)))


def _trunk(rng: np.random.Generator) -> Needles:
    y = rng.uniform(0.015, 1, 9000)
    x = rng.normal(0, 0.006, y.size) * (0.15 + y)
    sun = np.clip(0.2 - 25 * x, 0, 0.4)
    return Needles(x, y, np.full_like(y, -1e-3), sun, np.full_like(y, 0.25))


def _paint(needles: Needles) -> Array:
    rows, cols = _TALL_PX * _FINE, _WIDE_PX * _FINE
    row = np.clip(needles.y * rows, 0, rows - 1).astype(int)
    col = np.clip(cols / 2 + needles.x * rows, 0, cols - 1).astype(int)
    order = np.argsort(needles.z, kind="stable")  # of repeated pixels the last, nearest, stays
    picture = np.zeros((rows, cols, 3))
    values = np.stack([np.ones_like(needles.sun), needles.sun, needles.open], axis=1)
    picture[row[order], col[order]] = values[order]
    return np.asarray(picture.reshape(_TALL_PX, _FINE, _WIDE_PX, _FINE, 3).mean(axis=(1, 3)))


def conifer(rng: np.random.Generator) -> Array:
    """Paint one tree, (320, 192, 3): cover, and cover times light from sun and from sky."""
    crown, trunk = _grow(rng, random_habit(rng)), _trunk(rng)
    both = zip(vars(trunk).values(), vars(crown).values(), strict=True)
    picture = _paint(Needles(*(np.concatenate(pair) for pair in both)))
    cover = np.clip(picture[..., :1] * 1.7, 0, 1)
    return picture * cover / np.maximum(picture[..., :1], 1e-6)


@dataclass(frozen=True)
class Nursery:
    """Trees to plant, each at any size from a geometric ladder."""

    trees: tuple[Array, ...]
    _cache: dict[tuple[int, int], Array] = field(default_factory=dict)

    def sprite(self, tree: int, tall_px: float) -> Array:
        """The tree at about that height; kinds beyond the number of trees are mirrored."""
        rung = max(round(np.log(max(tall_px, 1.0)) / np.log(_LADDER)), 0)
        key = (tree % (2 * len(self.trees)), rung)
        if key not in self._cache:
            whole = self.trees[key[0] // 2]
            self._cache[key] = _shrink(whole, _LADDER**rung)
        return self._cache[key] if key[0] % 2 == 0 else self._cache[key][:, ::-1]


def _shrink(picture: Array, tall_px: float) -> Array:
    rows = max(round(tall_px), 1)
    cols = max(round(tall_px * _WIDE_PX / _TALL_PX), 1)
    layers = [Image.fromarray(picture[..., k].astype(np.float32)) for k in range(3)]
    small = [np.asarray(a.resize((cols, rows), Image.Resampling.BICUBIC)) for a in layers]
    return np.asarray(np.clip(np.stack(small, axis=-1), 0, 2))


def nursery(rng: np.random.Generator, kinds: int = 14) -> Nursery:
    """Grow the trees of a forest."""
    return Nursery(tuple(conifer(rng) for _ in range(kinds)))
