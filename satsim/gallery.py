"""Pictures from the stages of any image, by whichever codec its header names."""

import math
import re
from collections.abc import Mapping, Sequence
from functools import cached_property

from PIL import Image

import progic
from progic import classical, weights
from progic.errors import PayloadError
from satsim.codec import file_fingerprint, in_order, short_fingerprint
from satsim.file_codecs import WHOLE_FILES
from satsim.header import ImageTag
from satsim.units import MOST_DRAWN_PIXELS

SIMULATED = {
    file_fingerprint(name): name for name in ("jpeg_progressive", "jp2", "ssdv", "ThumbHash", "identity")
}


class NoPicture(Exception):
    """Stages that cannot be drawn; says why."""


class Gallery:
    """Draws with the bundled models and with those given; each is loaded when it is first needed."""

    def __init__(self, models: Sequence[str] = (), max_pixels: int = MOST_DRAWN_PIXELS) -> None:
        """`models`: names or paths that are looked at first; raises progic's WeightsError."""
        self._max_pixels = max_pixels
        self._loaded = {
            short_fingerprint(codec.fingerprint): codec for codec in (progic.load(model) for model in models)
        }

    def draw(self, image: ImageTag, stages: Mapping[int, bytes]) -> Image.Image:
        """Return the picture of the stages held; raises NoPicture."""
        size = (image.width, image.height)
        if math.prod(size) > self._max_pixels:
            most = f"at most {self._max_pixels}, which --max-pixels sets"
            raise NoPicture(f"it has {math.prod(size)} pixels; drawn are {most}")
        if image.fingerprint in WHOLE_FILES:
            return _opened(image, stages)
        codec = self._codec(image.fingerprint)
        ours, theirs = codec.config, (image.bits_per_index, image.downsampling_factor)
        if (ours.bits_per_index, ours.downsampling_factor) != theirs or image.n_stages > ours.n_stages:
            raise NoPicture(f"its N, L and f are not those of model {ours.name}")
        try:
            return codec.decode(stages, size)
        except PayloadError as error:
            raise NoPicture(str(error)) from None
        except (MemoryError, RuntimeError) as error:  # torch's own word for too little memory
            raise NoPicture(f"it could not be drawn: {_in_brief(error)}") from None

    def _codec(self, fingerprint: int) -> progic.Codec:
        if fingerprint not in self._loaded:
            if fingerprint in SIMULATED:
                raise NoPicture(f"a {SIMULATED[fingerprint]} picture is drawn in simulation alone")
            if fingerprint not in self._bundled:
                known = ", ".join(self._bundled.values())
                raise NoPicture(
                    f"fingerprint {fingerprint:04x} is none of {known}; --model FILE gives another model"
                )
            self._loaded[fingerprint] = progic.load(self._bundled[fingerprint])
        return self._loaded[fingerprint]

    @cached_property
    def _bundled(self) -> dict[int, str]:
        return {short_fingerprint(weights.expected_sha256(name)): name for name in weights.bundled_models()}


def _opened(image: ImageTag, pieces: Mapping[int, bytes]) -> Image.Image:
    name = WHOLE_FILES[image.fingerprint]
    if len(pieces) < image.n_stages:
        raise NoPicture(f"no part of a {classical.FORMATS[name].title} file can be shown")
    lacking = classical.lacks(name)
    if lacking is not None:
        raise NoPicture(lacking)
    if len({len(piece) for number, piece in pieces.items() if number + 1 < image.n_stages}) > 1:
        raise NoPicture("pieces of two files: all but a file's last are of one length")
    try:
        return classical.opened(in_order(pieces), (image.width, image.height))
    except Exception as error:  # what is broken ends otherwise in each format's library
        raise NoPicture(f"a broken file: {_in_brief(error)}") from None


def _in_brief(error: Exception) -> str:
    """Return the first sentence of an error, up to an object's address: "cannot identify image file"."""
    return re.split(r"\. |\n| <", str(error), maxsplit=1)[0]
