"""A codec on top of another: the trunk's latents are folded, k by k, and coded in their place.

So f = 32 or 64 costs a few megabytes beside the trunk, which stays as it is. As in `progic.nets` a linear
path through the principal components (of k x k latents) comes first, and nets that end in a layer of zeros
correct it. With k = 1 the trunk gets other codebooks, so another L, and is told anew what is held.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from progic.config import CodecConfig
from progic.errors import ConfigError
from progic.nets import Decoder, Encoder, Maps, ResidualBlock, WindowAttention


class StackedEncoder(nn.Module):
    """Photo (b 3 h w), 0..1, to latents (b d h/f w/f) by way of the trunk's."""

    def __init__(self, trunk: Encoder, config: CodecConfig, fold: int) -> None:
        super().__init__()
        self.trunk = trunk.requires_grad_(False)
        dim, width = trunk.linear.out_channels, config.stack_width
        self.linear = nn.Conv2d(dim, config.code_dim, fold, stride=fold)
        layers = [nn.PixelUnshuffle(fold), nn.Conv2d(dim * fold**2, width, 3, padding=1)]
        layers += [ResidualBlock(width) for _ in range(config.stack_blocks)]
        self.net = nn.Sequential(*layers, WindowAttention(width, shift=False))
        self.last = nn.Conv2d(width, config.code_dim, 1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

    def seen(self, photo: Float[Tensor, "b 3 h w"]) -> Maps:
        """Return what the linear path takes in: the trunk's latents."""
        latents: Tensor = self.trunk(photo)
        return latents

    def fold(self, seen: Maps) -> Float[Tensor, "b d u v"]:
        """Return the latents of what is seen."""
        latents: Tensor = self.linear(seen) + self.last(self.net(seen))
        return latents

    def forward(self, photo: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d u v"]:
        """Return the latents."""
        return self.fold(self.seen(photo))


class StackedDecoder(nn.Module):
    """Sum of the held stages' codes (b d u v), and which are held (b N), to a photo (b 3 h w)."""

    def __init__(self, trunk: Decoder, config: CodecConfig, fold: int) -> None:
        super().__init__()
        self.trunk = trunk.requires_grad_(False)
        dim, width = trunk.linear.in_channels, config.stack_width
        self.linear = nn.ConvTranspose2d(config.code_dim, dim, fold, stride=fold)
        self.condition = nn.Sequential(nn.Linear(config.n_stages, width), nn.SiLU())
        self.first = nn.Conv2d(config.code_dim, width, 3, padding=1)
        self.blocks, self.attention = nn.ModuleList(), nn.ModuleList()
        for block in range(config.stack_blocks):
            self.blocks.append(ResidualBlock(width, width))
            self.attention.append(WindowAttention(width, shift=block % 2 == 1))
        fine = width // 2
        self.up = nn.Sequential(nn.Conv2d(width, fine * fold**2, 1), nn.PixelShuffle(fold))
        self.linear_in = nn.Conv2d(dim, fine, 3, padding=1)
        self.fine = nn.ModuleList(ResidualBlock(fine, width) for _ in range(config.stack_blocks))
        self.last = nn.Conv2d(fine, dim, 1)
        self.last_condition = nn.Linear(width, trunk.picture_in.out_channels)
        for layer in (self.last, self.last_condition):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def latents(self, codes: Float[Tensor, "b d u v"], held: Float[Tensor, "b n"]) -> Maps:
        """Return the trunk's latents, as far as the codes tell them."""
        condition = self.condition(held)
        straight: Tensor = self.linear(codes)
        x = self.first(codes)
        for block, attention in zip(self.blocks, self.attention, strict=True):
            x = attention(block(x, condition))
        x = self.up(x) + self.linear_in(straight)
        for block in self.fine:
            x = block(x, condition)
        latents: Tensor = straight + self.last(x)
        return latents

    def forward(
        self, codes: Float[Tensor, "b d u v"], held: Float[Tensor, "b n"]
    ) -> Float[Tensor, "b 3 h w"]:
        """Return the photo, about 0..1, not clipped."""
        first: nn.Linear = self.trunk.condition[0]  # type: ignore[assignment]
        whole = self.trunk.condition(torch.ones(1, first.in_features, device=codes.device))
        condition = whole + self.last_condition(self.condition(held))
        photo: Tensor = self.trunk.draw(self.latents(codes, held), condition)
        return photo


def stacked(
    config: CodecConfig,
    trunk: CodecConfig,
    encoder: Encoder | StackedEncoder,
    decoder: Decoder | StackedDecoder,
) -> tuple[Encoder | StackedEncoder, Decoder | StackedDecoder]:
    """Return encoder and decoder of `config` on those of its trunk, which are frozen.

    With the trunk's f they are its own, but for what tells the decoder which stages are held. Raises
    ConfigError where the two do not fit.
    """
    fold, rest = divmod(config.downsampling_factor, trunk.downsampling_factor)
    if fold == 1 and not rest:
        for key in ("n_stages", "code_dim"):
            ours, theirs = getattr(config, key), getattr(trunk, key)
            if ours != theirs:
                raise ConfigError(f"codec.{key}: {ours}, but trunk {trunk.name} of the same f has {theirs}")
        decoder.requires_grad_(False).condition.requires_grad_(True)
        return encoder.requires_grad_(False), decoder
    if rest or isinstance(encoder, StackedEncoder) or isinstance(decoder, StackedDecoder):
        found = f"{config.downsampling_factor} on trunk {trunk.name} of f = {trunk.downsampling_factor}"
        allowed = "a trunk of a smaller f that has no trunk itself"
        raise ConfigError(f"codec.downsampling_factor: found {found}; allowed: {allowed}")
    return StackedEncoder(encoder, config, fold), StackedDecoder(decoder, config, fold)
