"""Sums over pairs of maps, and their slopes, are those of plain tensor expressions."""

import pytest
import torch
from torch import Generator, Tensor

from progic import map_sums as module
from progic.map_sums import MapSums, map_sums
from progic.metrics import LPIPS_EPSILON


def _plain(a: Tensor, b: Tensor, weight: Tensor) -> MapSums:
    def mean(maps: Tensor) -> Tensor:
        return maps.expand(a.shape).mean((2, 3))

    unit_a, unit_b = (each / (each.square().sum(1, keepdim=True) + LPIPS_EPSILON).sqrt() for each in (a, b))
    difference = ((unit_a - unit_b).square() * weight.view(1, -1, 1, 1)).sum(1).mean((1, 2))
    return MapSums(mean(a), mean(a.square()), mean(a * b), difference, mean(b), mean(b.square()))


def _maps(photos: int, kind: torch.dtype = torch.float64) -> Tensor:
    drawn = torch.rand(photos, 6, 9, 5, generator=Generator().manual_seed(photos), dtype=torch.float64)
    return drawn.to(kind).contiguous(memory_format=torch.channels_last)


WEIGHT = torch.linspace(0, 1, 6, dtype=torch.float64)


@pytest.mark.parametrize("photos", [1, 3])  # of b: one for all, or as many as of a
@pytest.mark.parametrize("block", [1, 6 * 7, 1 << 18])  # a position at a time, parts with a rest, all at once
def test_sums_and_slopes_are_those_of_plain_expressions(
    photos: int, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK", block)
    a, b = _maps(3).requires_grad_(), _maps(photos)
    pairs = list(zip(map_sums(a, b, WEIGHT), _plain(a, b, WEIGHT), strict=True))
    for found, wanted in pairs:
        assert torch.allclose(found, wanted, atol=1e-12)
    for found, wanted in pairs[:4]:  # the others are of b alone
        slope = torch.linspace(-1, 2, found.numel(), dtype=torch.float64).view(found.shape)
        back, plain = (torch.autograd.grad(sums, a, slope, retain_graph=True)[0] for sums in (found, wanted))
        assert torch.allclose(back, plain, atol=1e-12)


def test_slope_is_that_of_finite_differences() -> None:
    a = _maps(2).requires_grad_()
    assert torch.autograd.gradcheck(lambda maps: map_sums(maps, _maps(2).flip(0), WEIGHT)[:4], a)


def test_half_precision_is_summed_in_single_whatever_the_autocast() -> None:
    a, b = _maps(2, torch.bfloat16).requires_grad_(), _maps(1, torch.bfloat16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = map_sums(a, b, WEIGHT.float())
    wanted = _plain(a.double(), b.double(), WEIGHT)
    for each, plain in zip(found, wanted, strict=True):
        assert each.dtype == torch.float32
        assert torch.allclose(each.double(), plain, atol=1e-5)
    (back,) = torch.autograd.grad(found.difference.sum(), a)
    assert back.dtype == torch.bfloat16
