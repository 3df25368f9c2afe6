"""The codec a user holds: photo to stages of bytes, and any stages back to a photo."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from PIL import Image
from torch import Tensor, nn

from progic.bitstream import pack_indices, stage_bytes, unpack_indices
from progic.config import CodecConfig
from progic.errors import PayloadError
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

    def own_state(self) -> dict[str, Tensor]:
        """All that is not the trunk's: codebooks, and what can be trained."""
        learned = {name for name, weight in self.named_parameters() if weight.requires_grad}
        return {
            name: tensor
            for name, tensor in self.state_dict().items()
            if name in learned or name.startswith("quantizer.")
        }


class Codec:
    """A trained model, ready for photos.

    >>> codec = progic.load("f16")
    >>> stages = codec.encode(photo)                     # 5 x 320 bytes at 256x256
    >>> codec.decode(stages[:2], photo.size)             # any prefix
    >>> codec.decode({0: stages[0], 3: stages[3]}, photo.size)  # any subset
    """

    def __init__(self, net: CodecNet, fingerprint: str) -> None:
        self.net = net.eval()
        self.net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.config = net.config
        self.fingerprint = fingerprint  # sha256 of the weights, 64 hex digits

    @torch.inference_mode()
    def encode(self, photo: Image.Image) -> list[bytes]:
        """Code a photo of any size into N payloads of `bytes_per_stage(photo.size)` bytes each.

        Sides that f does not divide are padded with their last pixels.
        """
        pixels = to_tensor(photo).to(memory_format=torch.channels_last)
        latents = self.net.encoder(_pad(pixels, self.config.downsampling_factor))
        stages = self.net.quantizer.search(latents)
        return [pack_indices(indices.numpy(), self.config.bits_per_index) for indices in stages]

    @torch.inference_mode()
    def decode(self, stages: Sequence[bytes] | Mapping[int, bytes], size: tuple[int, int]) -> Image.Image:
        """Draw the photo from a prefix of its stages (a sequence) or any subset (a mapping, numbers from 0).

        `size` is the photo's (width, height) in pixels.

        Raises PayloadError for no stage, a stage number out of range, or a payload of the wrong length.
        """
        payloads = dict(stages) if isinstance(stages, Mapping) else dict(enumerate(stages))
        self._check(payloads)
        indices = {stage: self._indices(payload, stage, size) for stage, payload in payloads.items()}
        held = torch.tensor([[float(stage in payloads) for stage in range(self.config.n_stages)]])
        codes = self.net.quantizer.decode(indices).contiguous(memory_format=torch.channels_last)
        photo = self.net.decoder(codes, held)
        return to_image(photo[:, :, : size[1], : size[0]])

    def bytes_per_stage(self, size: tuple[int, int]) -> int:
        """Bytes of each stage for a photo of `size` = (width, height) pixels."""
        across, down = self._grid(size)
        return stage_bytes(across * down, self.config.bits_per_index)

    def _grid(self, size: tuple[int, int]) -> tuple[int, int]:
        f = self.config.downsampling_factor
        return -(-size[0] // f), -(-size[1] // f)

    def _check(self, payloads: Mapping[int, bytes]) -> None:
        allowed = f"allowed 0..{self.config.n_stages - 1}"
        if not payloads:
            raise PayloadError("no stage to decode: at least one is needed")
        for stage in payloads:
            if not 0 <= stage < self.config.n_stages:
                raise PayloadError(f"stage number: found {stage}, {allowed}")

    def _indices(self, payload: bytes, stage: int, size: tuple[int, int]) -> Int[Tensor, "1 u v"]:
        across, down = self._grid(size)
        try:
            flat = unpack_indices(payload, across * down, self.config.bits_per_index)
        except PayloadError as error:
            raise PayloadError(f"stage {stage} of a {size[0]}x{size[1]} photo: {error}") from None
        return torch.from_numpy(np.ascontiguousarray(flat)).view(1, down, across)


def _pad(pixels: Float[Tensor, "1 3 h w"], factor: int) -> Float[Tensor, "1 3 h2 w2"]:
    height, width = pixels.shape[2:]
    return F.pad(pixels, (0, -width % factor, 0, -height % factor), mode="replicate")
