"""Any codec by its command line: a picture file in, a coded file out, and back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from progic.classical import best_that_fits
from progic.errors import ImageError
from progic.images import open_photo
from satsim.codec import CodecFailed, Encoded, NothingFits, encoded_bytes, in_order
from satsim.command_settings import CommandSettings
from satsim.program import run_program
from satsim.yuv import from_yuv420, to_yuv420, yuv420_bytes


@dataclass(frozen=True)
class ExternalCodec:
    """A program of the user's (satsim.command_settings), called in a temporary folder of its own each time.

    With `qualities` the best is sent whose file fits `budget_bytes`, by bisection: files must not grow as
    quality falls. No picture is decoded twice.
    """

    name: str
    command: CommandSettings
    budget_bytes: int
    _pictures: dict[bytes, Image.Image] = field(default_factory=dict, compare=False, repr=False)

    def encode(self, photo: Image.Image) -> Encoded:
        """Return the best file that fits; raises CodecFailed where the program does not do its part."""
        qualities = (self.command.qualities or ("",))[::-1]
        sizes: list[int] = []

        def fits(file: bytes) -> bool:
            sizes.append(len(file))
            return len(file) <= self.budget_bytes

        file = best_that_fits(partial(self._encoded, photo), qualities, fits)
        if file is None:
            raise NothingFits(f"its smallest file has {min(sizes)} bytes")
        return encoded_bytes((file,), self.name, is_file=True)

    def decode(self, held: Mapping[int, bytes], size: tuple[int, int]) -> Image.Image:
        """Return the whole file's picture, which must be of `size`; raises CodecFailed."""
        file = in_order(held)
        if file not in self._pictures:
            self._pictures[file] = self._decoded(file, size)
        return self._pictures[file]

    def _encoded(self, photo: Image.Image, quality: float | str) -> bytes:
        with TemporaryDirectory(prefix="satsim-") as name:
            source, target = Path(name) / f"photo.{self.command.exchange}", self._bitstream(name)
            if self.command.exchange == "png":
                photo.save(source, "PNG")
            else:
                source.write_bytes(to_yuv420(photo))
            values = {"png": source, "yuv": source, "quality": quality, "budget_bytes": self.budget_bytes}
            program = self._run(self.command.encode, target, photo.size, values)
            return _read(target, program)

    def _decoded(self, file: bytes, size: tuple[int, int]) -> Image.Image:
        with TemporaryDirectory(prefix="satsim-") as name:
            source, target = self._bitstream(name), Path(name) / f"decoded.{self.command.exchange}"
            source.write_bytes(file)
            program = self._run(self.command.decode, source, size, {"out": target})
            if self.command.exchange == "png":
                return _opened(target, program, size)
            planes = _read(target, program)
        if len(planes) != yuv420_bytes(size):
            allowed = f"{yuv420_bytes(size)}, {size[0]}x{size[1]} in yuv420"
            raise CodecFailed(f"{program} gave {len(planes)} bytes; allowed: {allowed}")
        return from_yuv420(planes, size)

    def _bitstream(self, folder: str) -> Path:
        """Where the coded file is in a call's folder: apart, as it may have any name."""
        apart = Path(folder) / "coded"
        apart.mkdir()
        return apart / self.command.file

    def _run(self, command: str, bitstream: Path, size: tuple[int, int], values: Mapping[str, object]) -> str:
        values = {"bitstream": bitstream, "width": size[0], "height": size[1], **values}
        return run_program(command, values, bitstream.parent.parent, self.command.timeout_s)


def _opened(file: Path, program: str, size: tuple[int, int]) -> Image.Image:
    _read(file, program)
    try:
        picture = open_photo(file)
    except ImageError as error:
        raise CodecFailed(f"{program} gave no picture: {str(error).partition(': ')[2]}") from None
    if picture.size != size:
        found = f"{picture.width}x{picture.height} pixels"
        raise CodecFailed(f"{program} gave a picture of {found}; allowed: {size[0]}x{size[1]}")
    return picture


def _read(file: Path, program: str) -> bytes:
    """Return what a program wrote; raises CodecFailed for nothing."""
    content = file.read_bytes() if file.is_file() else b""
    if not content:
        raise CodecFailed(f"{program} wrote nothing to {file.name}")
    return content
