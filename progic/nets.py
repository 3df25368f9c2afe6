"""Encoder and decoder: a linear path through the photo's principal components, and a net that corrects it.

Both nets end in a layer of zeros, so an untrained model is a Karhunen-Loève transform of f x f patches and
every stage matters from the first step. The decoder is told which stages it holds (scale and bias in each
block), after the stage modulation of arXiv 2603.02897. All layers are local (convolutions, attention in
windows of 8x8 latents), so any photo whose sides are divisible by f passes, in time linear in its pixels.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from progic.config import HEAD_DIM, CodecConfig
from progic.in_place import added, by_pixel, modulated, silu

SHUFFLE = 4  # pixels are folded 4x4 into channels; the nets begin and end at a quarter of the resolution
FINE = 2  # and the decoder's last touch is at half of it, where no 4x4 fold leaves its pattern
WIDENING = 2  # of the channels inside a separable block
WINDOW = 8  # latents across an attention window: 128 pixels at f = 16

Maps = Float[Tensor, "b c h w"]


class ResidualBlock(nn.Module):
    """Two convolutions round an activation; `condition` scales and shifts what is between them.

    Both are 3x3; a separable block has a depthwise 5x5 and two 1x1 round WIDENING times the channels instead,
    a quarter of the arithmetic (after ConvNeXt, arXiv 2201.03545).
    """

    def __init__(self, width: int, condition_dim: int = 0, separable: bool = False) -> None:
        super().__init__()
        inner = WIDENING * width if separable else width
        if separable:
            depthwise = nn.Conv2d(width, width, 5, padding=2, groups=width)
            self.first: nn.Module = nn.Sequential(depthwise, nn.Conv2d(width, inner, 1))
            self.second = nn.Conv2d(inner, width, 1)
        else:
            self.first = nn.Conv2d(width, inner, 3, padding=1)
            self.second = nn.Conv2d(inner, width, 3, padding=1)
        self.modulation = nn.Linear(condition_dim, 2 * inner) if condition_dim else None
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)  # type: ignore[arg-type]

    def forward(self, x: Maps, condition: Float[Tensor, "b k"] | None = None) -> Maps:
        """Return x plus its correction."""
        told = None
        if self.modulation is not None and condition is not None:
            told = self.modulation(condition)[:, :, None, None].chunk(2, dim=1)

        def correction(hidden: Maps) -> Maps:
            narrowed: Tensor = self.second(silu(hidden if told is None else modulated(hidden, *told)))
            return narrowed

        if not isinstance(self.first, nn.Sequential):
            return added(correction(self.first(x)), x)
        depthwise, across = self.first
        return added(by_pixel(lambda rows: correction(across(rows)), depthwise(x), WIDENING), x)


class WindowAttention(nn.Module):
    """Self-attention within windows of WINDOW x WINDOW latents; `shift` moves the windows by half of that.

    Windows and learned relative positions as in Swin (arXiv 2103.14030).
    """

    offsets: Tensor

    def __init__(self, width: int, shift: bool) -> None:
        super().__init__()
        self.heads = width // HEAD_DIM
        self.shift = WINDOW // 2 if shift else 0
        self.norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.position_bias = nn.Parameter(torch.zeros(self.heads, (2 * WINDOW - 1) ** 2))
        self.register_buffer("offsets", _relative_offsets(), persistent=False)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Maps) -> Maps:
        """Return x plus what its window tells."""
        batch, _, height, across = x.shape
        # windows counted first, and the padding from them: so an exported graph holds for every size
        rows, columns = ((side + self.shift + WINDOW - 1) // WINDOW for side in (height, across))
        pad_right, pad_bottom = columns * WINDOW - across - self.shift, rows * WINDOW - height - self.shift
        padding = (self.shift, pad_right, self.shift, pad_bottom)
        tokens = _to_windows(F.pad(x, padding), rows, columns)  # (b windows, 64, c)
        attended = self._attend(self.norm(tokens), self._mask(x, padding, rows, columns))
        folded = _from_windows(self.out(attended), batch, rows, columns)
        return x + folded[:, :, self.shift : self.shift + height, self.shift : self.shift + across]

    def _attend(self, tokens: Float[Tensor, "n t c"], mask: Float[Tensor, "..."]) -> Float[Tensor, "n t c"]:
        n, t, width = tokens.shape
        query, key, value = self.qkv(tokens).view(n, t, 3, self.heads, HEAD_DIM).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=mask.to(query.dtype))
        return attended.transpose(1, 2).reshape(n, t, width)

    def _mask(
        self, x: Tensor, padding: tuple[int, int, int, int], rows: int, columns: int
    ) -> Float[Tensor, "n heads t t"]:
        bias = self.position_bias[:, self.offsets].unsqueeze(0)  # (1, heads, 64, 64)
        if not (torch.compiler.is_exporting() or torch._C._get_tracing_state()) and not any(padding):
            return bias  # an exported graph is for every size: its mask is of zeros then
        batch, _, height, across = x.shape
        inside = F.pad(x.new_ones(1, 1, height, across), padding)
        keys = _to_windows(inside, rows, columns)[:, None, None, :, 0]  # (windows, 1, 1, 64)
        return (bias + (keys - 1) * 1e4).repeat(batch, 1, 1, 1)


def _relative_offsets() -> Tensor:
    """Index into a (2 W - 1)^2 table for each pair of positions of a window: (W^2, W^2)."""
    axis = torch.arange(WINDOW, device="cpu")  # of a net without memory too: on "meta" it takes a second
    row, column = (grid.reshape(-1) for grid in torch.meshgrid(axis, axis, indexing="ij"))
    span = 2 * WINDOW - 1
    down = row[:, None] - row[None] + WINDOW - 1
    along = column[:, None] - column[None] + WINDOW - 1
    return down * span + along


def _to_windows(x: Maps, rows: int, columns: int) -> Float[Tensor, "n t c"]:
    batch, channels = x.shape[:2]
    x = x.view(batch, channels, rows, WINDOW, columns, WINDOW)
    return x.permute(0, 2, 4, 3, 5, 1).reshape(batch * rows * columns, WINDOW * WINDOW, channels)


def _from_windows(tokens: Float[Tensor, "n t c"], batch: int, rows: int, columns: int) -> Maps:
    channels = tokens.shape[2]
    x = tokens.view(batch, rows, columns, WINDOW, WINDOW, channels)
    return x.permute(0, 5, 1, 3, 2, 4).reshape(batch, channels, rows * WINDOW, columns * WINDOW)


class Encoder(nn.Module):
    """Photo (b 3 h w), 0..1, to latents (b d h/f w/f)."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        f, widths = config.downsampling_factor, config.encoder_widths
        self.linear = nn.Conv2d(3, config.code_dim, f, stride=f)
        first = nn.Conv2d(3 * SHUFFLE**2, widths[0], 3, padding=1)
        layers: list[nn.Module] = [nn.PixelUnshuffle(SHUFFLE), first]
        for level, (width, blocks) in enumerate(zip(widths, config.encoder_blocks, strict=True)):
            if level:
                layers.append(nn.Conv2d(widths[level - 1], width, 3, stride=2, padding=1))
            layers += [ResidualBlock(width, separable=config.separable) for _ in range(blocks)]
        layers.append(WindowAttention(widths[-1], shift=False))
        self.net = nn.Sequential(*layers)
        self.last = nn.Conv2d(widths[-1], config.code_dim, 1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

    def seen(self, photo: Float[Tensor, "b 3 h w"]) -> Maps:
        """Return what the linear path takes in: the photo about zero."""
        return photo - 0.5

    def fold(self, seen: Maps) -> Float[Tensor, "b d u v"]:
        """Return the latents of what is seen."""
        latents: Tensor = self.linear(seen) + self.last(self.net(seen))
        return latents

    def forward(self, photo: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d u v"]:
        """Return the latents."""
        return self.fold(self.seen(photo))


class FineTouch(nn.Module):
    """Correct a picture at half its resolution, by features of a quarter."""

    def __init__(self, features: int, width: int) -> None:
        super().__init__()
        self.up = nn.Sequential(nn.Conv2d(features, width * FINE**2, 1), nn.PixelShuffle(FINE))
        self.first = nn.Conv2d(width + 3 * FINE**2, width, 3, padding=1)
        self.second = nn.Conv2d(width, 3 * FINE**2, 3, padding=1)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)  # type: ignore[arg-type]

    def forward(self, picture: Float[Tensor, "b 3 h w"], features: Maps) -> Float[Tensor, "b 3 h w"]:
        """Return the picture plus its correction."""
        seen = torch.cat([self.up(features), F.pixel_unshuffle(picture, FINE)], dim=1)
        return added(F.pixel_shuffle(self.second(silu(self.first(seen))), FINE), picture)


class Decoder(nn.Module):
    """Sum of the held stages' codes (b d u v), and which are held (b N), to a photo (b 3 h w)."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        f, widths = config.downsampling_factor, config.decoder_widths
        condition_dim = widths[-1]
        self.linear = nn.ConvTranspose2d(config.code_dim, 3, f, stride=f)
        self.condition = nn.Sequential(nn.Linear(config.n_stages, condition_dim), nn.SiLU())
        self.first = nn.Conv2d(config.code_dim, widths[0], 3, padding=1)
        self.levels = nn.ModuleList()
        self.ups = nn.ModuleList()
        for level, (width, blocks) in enumerate(zip(widths, config.decoder_blocks, strict=True)):
            if level:
                up = nn.Sequential(nn.Conv2d(widths[level - 1], 4 * width, 1), nn.PixelShuffle(2))
                self.ups.append(up)
            parts: list[nn.Module] = []
            for block in range(blocks):
                parts.append(ResidualBlock(width, condition_dim, config.separable))
                if level == 0:
                    parts.append(WindowAttention(width, shift=block % 2 == 1))
            self.levels.append(nn.ModuleList(parts))
        self.picture_in = nn.Conv2d(3 * SHUFFLE**2, widths[-1], 3, padding=1)
        self.last = nn.Conv2d(widths[-1], 3 * SHUFFLE**2, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]
        self.fine = FineTouch(widths[-1], config.fine_width)

    def forward(
        self, codes: Float[Tensor, "b d u v"], held: Float[Tensor, "b n"]
    ) -> Float[Tensor, "b 3 h w"]:
        """Return the photo, about 0..1, not clipped."""
        return self.draw(codes, self.condition(held))

    def draw(
        self, codes: Float[Tensor, "b d u v"], condition: Float[Tensor, "b k"]
    ) -> Float[Tensor, "b 3 h w"]:
        """Do the same, told of what is held by `condition`."""
        picture = self.linear(codes)
        x = self.first(codes)
        for level, parts in enumerate(self.levels):
            if level:
                x = self.ups[level - 1](x)
            if level == len(self.levels) - 1:  # the last blocks see the linear picture and smooth its edges
                x = added(self.picture_in(F.pixel_unshuffle(picture, SHUFFLE)), x)
            for part in parts:  # type: ignore[attr-defined]
                x = part(x, condition) if isinstance(part, ResidualBlock) else part(x)
        coarse = added(F.pixel_shuffle(self.last(x), SHUFFLE), picture)
        photo: Tensor = self.fine(coarse, x) + 0.5
        return photo
