"""A photo sent smaller than it is shown."""

from collections.abc import Mapping
from dataclasses import dataclass

from PIL import Image

from progic.classical import enlarged
from progic.images import fit_photo
from satsim.codec import Encoded, PhotoCodec


@dataclass(frozen=True)
class ShrunkCodec:
    """A codec that sends the photo at `size` = (width, height): shrunk by Lanczos, enlarged by bicubic."""

    codec: PhotoCodec
    size: tuple[int, int]

    @property
    def name(self) -> str:
        """That of the codec within."""
        return self.codec.name

    def encode(self, photo: Image.Image) -> Encoded:
        """Return the smaller photo, encoded."""
        return self.codec.encode(fit_photo(photo, self.size))

    def decode(self, held: Mapping[int, bytes], size: tuple[int, int]) -> Image.Image:
        """Return the picture, enlarged to `size`."""
        return enlarged(self.codec.decode(held, self.size), size)
