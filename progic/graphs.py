"""A codec as two graphs from tensors to tensors, in the form that other runtimes take: no bytes, no files."""

import copy

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from progic.codec import Codec, CodecNet
from progic.rvq import as_rows


class EncoderGraph(nn.Module):
    """Photo (1 3 h w), 0..1, sides multiples of f, to the indices (N 1 h/f w/f) of all stages."""

    def __init__(self, net: CodecNet) -> None:
        super().__init__()
        self.encoder, self.quantizer = net.encoder, net.quantizer

    def forward(self, photo: Float[Tensor, "1 3 h w"]) -> Int[Tensor, "n 1 u v"]:
        """Return the indices."""
        latents = self.encoder(photo)
        found = self.quantizer.search_rows(as_rows(latents))
        return found.T.reshape(self.quantizer.n_stages, 1, latents.shape[2], latents.shape[3])


class DecoderGraph(nn.Module):
    """Indices (N 1 u v) and which stages are held (1 N), 0 or 1, to the photo (1 3 uf vf), 0..1.

    What stands in a stage that is not held is of no effect.
    """

    def __init__(self, net: CodecNet) -> None:
        super().__init__()
        self.decoder, self.quantizer = net.decoder, net.quantizer

    def forward(
        self, indices: Int[Tensor, "n 1 u v"], held: Float[Tensor, "1 n"]
    ) -> Float[Tensor, "1 3 h w"]:
        """Return the photo."""
        stages = range(self.quantizer.n_stages)
        parts = [self.quantizer.look_up(stage, indices[stage]) * held[0, stage] for stage in stages]
        photo: Tensor = self.decoder(torch.stack(parts).sum(0), held)
        return photo.clamp(0, 1)


def graphs_of(codec: Codec) -> tuple[EncoderGraph, DecoderGraph]:
    """Return both graphs, of a copy of the codec's net in the plain order of memory."""
    net = copy.deepcopy(codec.net).to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    return EncoderGraph(net).eval(), DecoderGraph(net).eval()
