"""Parts of the nets against their formulas."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from progic import in_place
from progic.config import HEAD_DIM, CodecConfig
from progic.nets import WINDOW, Decoder, Encoder, ResidualBlock, WindowAttention


def _filled(layer: nn.Module, std: float = 0.3) -> torch.Generator:
    """Give every weight a value, none of them 0, and return what draws the input."""
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for weight in layer.parameters():
            weight.normal_(std=std, generator=generator)
    return generator


def _of_one_window(layer: WindowAttention, x: Tensor, own: list[tuple[int, int]]) -> Tensor:
    """What each of a window's latents, at these rows and columns, is told by all of them."""
    rows = layer.norm(torch.stack([x[0, :, row, column] for row, column in own]))
    query, key, value = layer.qkv(rows).view(len(own), 3, layer.heads, HEAD_DIM).permute(1, 2, 0, 3)
    bias = layer.position_bias.view(layer.heads, 2 * WINDOW - 1, 2 * WINDOW - 1)
    last = WINDOW - 1
    near = [[bias[:, i - k + last, j - m + last] for k, m in own] for i, j in own]
    logits = query @ key.transpose(1, 2) / HEAD_DIM**0.5
    logits = logits + torch.stack([torch.stack(row, 1) for row in near], 1)
    told: Tensor = layer.out((logits.softmax(2) @ value).transpose(0, 1).flatten(1))
    return told


@pytest.mark.parametrize("shift", [False, True])
@pytest.mark.parametrize("size", [(8, 8), (3, 5), (17, 12)])
def test_attention_is_that_of_each_window_alone(size: tuple[int, int], shift: bool) -> None:
    layer, moved = WindowAttention(2 * HEAD_DIM, shift), WINDOW // 2 if shift else 0
    x = torch.randn(1, 2 * HEAD_DIM, *size, generator=_filled(layer))
    windows: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for row in range(size[0]):
        for column in range(size[1]):
            window = (row + moved) // WINDOW, (column + moved) // WINDOW
            windows.setdefault(window, []).append((row, column))
    wanted = x.clone()
    with torch.no_grad():
        for own in windows.values():
            for (row, column), told in zip(own, _of_one_window(layer, x, own), strict=True):
                wanted[0, :, row, column] += told
        torch.testing.assert_close(layer(x), wanted, atol=1e-4, rtol=0)


@pytest.mark.parametrize("separable", [False, True])
def test_what_is_held_scales_and_shifts_what_is_between_the_convolutions(separable: bool) -> None:
    block = ResidualBlock(6, condition_dim=3, separable=separable)
    generator = _filled(block)
    x, condition = torch.randn(2, 6, 5, 7, generator=generator), torch.rand(2, 3, generator=generator)
    assert block.modulation is not None
    with torch.no_grad():
        between = block.first(x)
        scale, bias = block.modulation(condition).view(2, 2, between.shape[1], 1, 1).unbind(1)
        wanted = x + block.second(F.silu(between * (1 + scale) + bias))
        torch.testing.assert_close(block(x, condition), wanted)
        torch.testing.assert_close(block(x), x + block.second(F.silu(between)))


@pytest.mark.parametrize("separable", [False, True])
def test_what_is_written_over_without_gradients_was_not_wanted_any_more(
    separable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = CodecConfig(name="any", separable=separable)
    encoder, decoder = Encoder(config), Decoder(config)
    _filled(encoder, 0.05)  # of larger ones another rounding grows a thousandfold on its way
    photo = torch.rand(2, 3, 96, 80, generator=_filled(decoder, 0.05))
    held = torch.tensor([[1.0, 0, 0, 0, 0], [1.0, 1, 1, 1, 1]])
    with torch.no_grad():
        latents = encoder(photo)
        picture = decoder(latents, held)
    monkeypatch.setattr(in_place, "AT_ONCE_BYTES", 1 << 15)  # a few rows at a time
    with torch.inference_mode():
        given = photo.clone()
        torch.testing.assert_close(encoder(given), latents)
        assert torch.equal(given, photo)
        given = latents.clone()
        torch.testing.assert_close(decoder(given, held), picture)
        assert torch.equal(given, latents)
