"""A small progressive image codec: a photo becomes stages of bytes, and any stages become a picture."""

from progic.codec import Codec
from progic.config import CodecConfig
from progic.errors import ConfigError, ImageError, InputError, PayloadError, ProgicError, WeightsError
from progic.weights import load

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
]
