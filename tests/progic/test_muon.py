"""Muon: against torch's own, in bfloat16; in float32 the same to its rounding."""

import platform

import pytest
import torch
from torch import Tensor, nn

from progic import muon, precision
from progic.muon import Muon

SHAPES = ((24, 80), (80, 24), (32, 32))


def _moved(matrices: list[nn.Parameter], optimizer: torch.optim.Optimizer) -> list[Tensor]:
    """Take three steps down gradients that are the same for every optimizer."""
    generator = torch.Generator().manual_seed(3)
    for _ in range(3):
        for matrix in matrices:
            matrix.grad = torch.randn(matrix.shape, generator=generator)
        optimizer.step()
    return [matrix.detach() for matrix in matrices]


def _matrices() -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(2)
    return [nn.Parameter(torch.randn(shape, generator=generator)) for shape in SHAPES]


def _ours(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> list[Tensor]:
    monkeypatch.setattr(muon, "fast_dtype", lambda device: dtype)
    matrices = _matrices()
    optimizer = Muon(matrices, weight_decay=0.1)
    optimizer.param_groups[0]["lr"] = 0.02
    return _moved(matrices, optimizer)


@pytest.fixture
def theirs() -> list[Tensor]:
    matrices = _matrices()
    optimizer = torch.optim.Muon(matrices, lr=0.02, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
    return _moved(matrices, optimizer)


def test_bfloat16_is_torchs_own(theirs: list[Tensor], monkeypatch: pytest.MonkeyPatch) -> None:
    for mine, wanted in zip(_ours(torch.bfloat16, monkeypatch), theirs, strict=True):
        torch.testing.assert_close(mine, wanted, rtol=0, atol=1e-6)


def test_float32_is_the_same_within_the_rounding_of_bfloat16(
    theirs: list[Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    for mine, wanted, start in zip(_ours(torch.float32, monkeypatch), theirs, _matrices(), strict=True):
        assert 0 < float((mine - wanted).norm()) < 0.02 * float((wanted - start.detach()).norm())


def test_matrices_without_a_gradient_stay() -> None:
    (matrix,) = _matrices()[:1]
    before = matrix.detach().clone()
    Muon([matrix], weight_decay=0.1).step()
    assert torch.equal(matrix, before)


@pytest.mark.parametrize(
    ("machine", "onednn", "avx512_bf16", "amx", "dtype"),
    [
        ("x86_64", True, True, False, torch.bfloat16),
        ("x86_64", True, False, True, torch.bfloat16),
        ("AMD64", True, False, False, torch.float32),  # AVX-512 that oneDNN makes do with
        ("aarch64", True, False, False, torch.bfloat16),
        ("aarch64", False, False, False, torch.float32),
    ],
)
def test_half_precision_is_for_processors_that_have_it(
    machine: str,
    onednn: bool,
    avx512_bf16: bool,
    amx: bool,
    dtype: torch.dtype,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: onednn)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512_bf16)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    with precision.fast_precision("cpu"):
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert precision.fast_dtype("cpu") == product.dtype == dtype
