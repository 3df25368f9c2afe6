"""A small progressive image codec: a photo becomes stages of bytes, and any stages become a picture.

Names are imported when they are asked for: `progic.lite` and `progic.bitstream` work where there is no torch.
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from progic.codec import Codec
    from progic.config import CodecConfig
    from progic.errors import ConfigError, ImageError, InputError, PayloadError, ProgicError, WeightsError
    from progic.refine import refined
    from progic.weights import load

_ROOMS = {
    "Codec": "codec",
    "CodecConfig": "config",
    "ConfigError": "errors",
    "ImageError": "errors",
    "InputError": "errors",
    "PayloadError": "errors",
    "ProgicError": "errors",
    "WeightsError": "errors",
    "load": "weights",
    "refined": "refine",
}

__all__ = [
    "Codec",
    "CodecConfig",
    "ConfigError",
    "ImageError",
    "InputError",
    "PayloadError",
    "ProgicError",
    "WeightsError",
    "load",
    "refined",
]


def __dir__() -> list[str]:
    return [*globals(), *_ROOMS]  # completion knows them before they are used


def __getattr__(name: str) -> object:
    if name == "__version__":
        return version("progic-satsim")
    if name not in _ROOMS:
        raise AttributeError(f"module 'progic' has no attribute {name!r}")
    return getattr(import_module(f"progic.{_ROOMS[name]}"), name)
