"""The codec a user holds: photo to stages of bytes, and any stages back to a photo."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from PIL import Image
from torch import Tensor, nn

from progic.bitstream import grid_of, pack_indices, stage_bytes, unpack_stages
from progic.config import CodecConfig
from progic.errors import ImageError, PayloadError
from progic.images import to_image, to_tensor
from progic.nets import Decoder, Encoder
from progic.rvq import ResidualVectorQuantizer
from progic.stack import StackedDecoder, StackedEncoder, stacked


class CodecNet(nn.Module):
    """The trained parts: encoder, quantiser, decoder; `trunk` is the net that `config.trunk` names, frozen.

    Raises ConfigError where the configuration does not fit on the trunk.
    """

    encoder: Encoder | StackedEncoder
    decoder: Decoder | StackedDecoder

    def __init__(self, config: CodecConfig, trunk: "CodecNet | None" = None) -> None:
        super().__init__()
        self.config = config
        if trunk is None:
            self.encoder, self.decoder = Encoder(config), Decoder(config)
        else:
            self.encoder, self.decoder = stacked(config, trunk.config, trunk.encoder, trunk.decoder)
        self.quantizer = ResidualVectorQuantizer(config.n_stages, config.n_codes, config.code_dim)
        self._learned = frozenset(name for name, weight in self.named_parameters() if weight.requires_grad)

    def own_state(self) -> dict[str, Tensor]:
        """All that is not the trunk's: codebooks, and what can be trained."""
        return {
            name: tensor
            for name, tensor in self.state_dict().items()
            if name in self._learned or name.startswith("quantizer.")
        }


class Codec:
    """A trained model, ready for photos.

    >>> codec = progic.load()
    >>> stages = codec.encode(photo)                     # 5 x 320 bytes at 256x256
    >>> codec.decode(stages[:2], photo.size)             # any prefix
    >>> codec.decode({0: stages[0], 3: stages[3]}, photo.size)  # any subset
    """

    def __init__(self, net: CodecNet, fingerprint: str) -> None:
        self.net = net.eval()
        self.net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.config = net.config
        self.fingerprint = fingerprint  # sha256 of the weights, 64 hex digits

    def __repr__(self) -> str:
        """Return the model and its N, L and f."""
        config = self.config
        numbers = f"N={config.n_stages}, L={config.bits_per_index}, f={config.downsampling_factor}"
        return f"<{type(self).__name__} {config.name}: {numbers}>"

    def encode(self, photo: Image.Image) -> list[bytes]:
        """Code a photo of any size and mode into N payloads of `bytes_per_stage(photo.size)` bytes each.

        Sides that f does not divide are padded with their last pixels; what is transparent is white.

        Raises ImageError for what is no image of Pillow's, or has no pixels.
        """
        return list(self.encode_each(photo))

    def encode_each(self, photo: Image.Image) -> Iterator[bytes]:
        """Yield the payloads of `encode` one by one, each as soon as it is settled: it can be sent."""
        if not isinstance(photo, Image.Image) or min(photo.size) < 1:
            found = f"{photo.size[0]}x{photo.size[1]}" if isinstance(photo, Image.Image) else type(photo)
            raise ImageError(f"photo: found {found}, allowed is a PIL.Image.Image of at least 1x1 pixels")
        pixels = to_tensor(photo).to(memory_format=torch.channels_last)
        for indices in self.codes_of(padded(pixels, self.config.downsampling_factor)):
            yield pack_indices(indices.numpy(), self.config.bits_per_index)

    @torch.inference_mode()
    def codes_of(self, pixels: Float[Tensor, "1 3 h w"]) -> Iterable[Int[Tensor, "1 u v"]]:
        """Return each stage's indices for a photo, 0..1, whose sides f divides."""
        with torch.autocast("cpu", enabled=False):  # a caller's would give other codes
            found: Tensor = self.net.quantizer.search(self.net.encoder(pixels))
        return found

    @torch.inference_mode()
    def decode(self, stages: Sequence[bytes] | Mapping[int, bytes], size: tuple[int, int]) -> Image.Image:
        """Draw the photo from a prefix of its stages (a sequence) or any subset (a mapping, numbers from 0).

        `size` is the photo's (width, height) in pixels.

        Raises PayloadError for no stage, a stage number out of range, a payload of the wrong length, a
        single payload outside of a sequence, or a size without pixels.
        """
        if isinstance(stages, bytes | bytearray | memoryview):  # a sequence, but of numbers
            raise PayloadError("stages: found one payload, allowed is a sequence, or a mapping by number")
        payloads = dict(stages) if isinstance(stages, Mapping) else dict(enumerate(stages))
        unpacked = unpack_stages(payloads, size, *self.config.shape)
        indices = {stage: torch.from_numpy(plane)[None] for stage, plane in unpacked.items()}
        held = torch.tensor([[float(stage in payloads) for stage in range(self.config.n_stages)]])
        codes = self.net.quantizer.decode(indices).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", enabled=False):
            photo: Tensor = self.net.decoder(codes, held)
        return to_image(photo[:, :, : size[1], : size[0]])

    def bytes_per_stage(self, size: tuple[int, int]) -> int:
        """Bytes of each stage for a photo of `size` = (width, height) pixels."""
        across, down = grid_of(size, self.config.downsampling_factor)
        return stage_bytes(across * down, self.config.bits_per_index)


def padded(pixels: Float[Tensor, "1 3 h w"], factor: int) -> Float[Tensor, "1 3 h2 w2"]:
    """Repeat the last pixels right and below until both sides are multiples of `factor`."""
    height, width = pixels.shape[2:]
    return F.pad(pixels, (0, -width % factor, 0, -height % factor), mode="replicate")
