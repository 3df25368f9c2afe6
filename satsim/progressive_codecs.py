"""The classical codecs whose files are shown as they grow: progressive JPEG and JPEG 2000 in layers."""

from collections.abc import Mapping
from dataclasses import dataclass

from PIL import Image

from progic import classical, cut_files
from satsim.codec import UNKNOWN_GREY, Distance, Encoded, NothingFits, encoded_bytes, in_order
from satsim.settings import Growing


@dataclass(frozen=True)
class ProgressiveFileCodec:
    """One file for the whole of `budget_bytes`, cut wherever a packet ends: any beginning is a picture.

    Of the scales 1, 1/2 and 1/4 the one is sent whose whole file comes nearest to the photo by `distance`.
    JPEG 2000 has a quality layer for each packet; JPEG has the scans of libjpeg's progression.
    """

    format: Growing
    budget_bytes: int
    piece_bytes: int  # what each packet carries of the file
    distance: Distance

    @property
    def name(self) -> str:
        """As people call the format."""
        return classical.FORMATS[self.format].title

    def encode(self, photo: Image.Image) -> Encoded:
        """Return the best file that fits, and how many of its packets show a first picture."""
        files = self._files(photo)
        if not files:
            raise NothingFits
        best = min(files, key=lambda file: self.distance(self._picture(file, photo.size)))
        beginnings = [best[:end] for end in self._ends(len(best))]
        first = next((n for n, each in enumerate(beginnings, 1) if self._shows(each, photo.size)), None)
        return encoded_bytes((best,), self.format, is_file=True, first_stages=first or len(beginnings))

    def decode(self, held: Mapping[int, bytes], size: tuple[int, int]) -> Image.Image:
        """Return the picture of a beginning, enlarged to `size`; grey where it holds no picture yet."""
        return self._picture(in_order(held), size)

    def _files(self, photo: Image.Image) -> list[bytes]:
        if self.format == "jpeg_progressive":
            (files,) = classical.candidates(photo, self.format, [self.budget_bytes])
            return files
        ends = self._ends(self.budget_bytes)
        layered = (cut_files.layered_jp2(classical.shrunk(photo, scale), ends) for scale in classical.SCALES)
        return [file for file in layered if file is not None]

    def _ends(self, n_bytes: int) -> list[int]:
        """Return where the packets end in a file of `n_bytes`."""
        return [*range(self.piece_bytes, n_bytes, self.piece_bytes), n_bytes]

    def _picture(self, start: bytes, size: tuple[int, int]) -> Image.Image:
        read = cut_files.jp2_start if self.format == "jp2" else cut_files.jpeg_start
        return read(start, size) or Image.new("RGB", size, (UNKNOWN_GREY,) * 3)

    def _shows(self, start: bytes, size: tuple[int, int]) -> bool:
        """Tell whether a beginning says anything: more than one colour."""
        return self._picture(start, size).getcolors(1) is None  # there are more
