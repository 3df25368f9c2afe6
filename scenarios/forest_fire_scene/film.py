"""The camera's part: lens, exposure, tone curve and grain."""

import numpy as np

from forest_fire_scene.noise import Array, blur


def _lens(light: Array) -> Array:
    """Blur a little, bloom round the brightest parts, darken the corners."""
    size = light.shape[0]
    bright = np.maximum(light - 1.0, 0)
    bloom = 0.10 * blur(bright, size / 130) + 0.10 * blur(bright, size / 28)
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    return np.asarray((blur(light, size / 1300) + bloom) * (1 - 0.16 * (x**2 + y**2))[..., None])


def _tone(light: Array) -> Array:
    """The filmic curve of Narkowicz (2015), fitted to ACES; linear light to linear display."""
    a, b, c, d, e = 2.51, 0.03, 2.43, 0.59, 0.14
    return np.clip(light * (a * light + b) / (light * (c * light + d) + e), 0, 1)


def _grain(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Noise of a sensor after its own smoothing: mostly grey, a little coloured."""
    grey = rng.normal(0, 1, (*shape[:2], 1))
    colour = rng.normal(0, 0.35, shape)
    return 1.6 * blur(grey + colour, 0.6)


def develop(rng: np.random.Generator, light: Array, exposure: float = 0.82) -> Array:
    """Linear scene light (size, size, 3) to an 8-bit sRGB picture."""
    display = _tone(_lens(light) * exposure)
    grey = display.mean(axis=2, keepdims=True)
    display = np.clip(grey + 0.96 * (display - grey), 0, 1)
    encoded = np.where(display <= 0.0031308, 12.92 * display, 1.055 * display.clip(1e-9) ** (1 / 2.4) - 0.055)
    noisy = encoded + 0.008 * _grain(rng, light.shape)
    return np.asarray(np.clip(noisy * 255 + 0.5, 0, 255), np.uint8)
