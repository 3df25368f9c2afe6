import importlib
import math
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from progic.alexnet import AlexNet
from progic.errors import ImageError
from progic.images import to_tensor
from progic.metrics import PerceptualMetrics, Vgg16, ms_ssim, psnr_db

EXAMPLE = Path(__file__).parents[3] / "shared" / "data" / "dists"  # the DISTS authors' own pair


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch, metric_weights: dict[str, Tensor]) -> Any:
    """Imports a metric's published package, whose torchvision is a stand-in that holds our convolutions."""

    def alexnet(pretrained: bool) -> SimpleNamespace:
        first, second, *others = AlexNet(metric_weights).convolutions
        halve = nn.MaxPool2d(3, 2)
        layers = [first, nn.ReLU(), halve, second, nn.ReLU(), halve]
        for convolution in others:
            layers += [convolution, nn.ReLU()]
        return SimpleNamespace(features=nn.Sequential(*layers))

    def vgg16(pretrained: bool) -> SimpleNamespace:
        convolutions = iter(Vgg16(metric_weights).convolutions)
        layers: list[nn.Module] = []
        for depth in (2, 2, 3, 3, 3):
            for _ in range(depth):
                layers += [next(convolutions), nn.ReLU()]
            layers.append(nn.MaxPool2d(2))
        return SimpleNamespace(features=nn.Sequential(*layers))

    torchvision = ModuleType("torchvision")
    torchvision.models = SimpleNamespace(vgg16=vgg16, alexnet=alexnet)  # type: ignore[attr-defined]
    torchvision.transforms = SimpleNamespace()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torchvision", torchvision)
    monkeypatch.setitem(sys.modules, "lpips.trainer", ModuleType("lpips.trainer"))  # it needs SciPy

    def load(name: str) -> ModuleType:
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed: pip install --no-deps {name}")
        return importlib.import_module(name)

    return load


def pair(seed: int, *shape: int) -> tuple[Tensor, Tensor]:
    """A smooth random picture, and the same with noise."""
    rng = torch.Generator().manual_seed(seed)
    coarse = torch.rand(shape[0], 3, 8, 8, generator=rng)
    picture = nn.functional.interpolate(coarse, shape[-2:], mode="bicubic").clamp(0, 1)
    noisy = picture + 0.1 * torch.randn(picture.shape, generator=rng)
    return picture, noisy.clamp(0, 1)


def test_dists_of_the_authors_example_is_their_published_value(metrics: PerceptualMetrics) -> None:
    if not EXAMPLE.is_dir():
        pytest.skip(f"{EXAMPLE} is not here")
    a, b = (to_tensor(Image.open(EXAMPLE / name).convert("RGB")) for name in ("r0.png", "r1.png"))
    assert metrics.dists(a, b).item() == pytest.approx(0.3347, abs=1e-4)


@pytest.mark.parametrize("shape", [(2, 3, 64, 96), (1, 3, 77, 51)])
def test_dists_agrees_with_the_authors_class(
    metrics: PerceptualMetrics, published: Any, shape: tuple[int, ...]
) -> None:
    package = published("DISTS_pytorch")
    theirs = package.DISTS(load_weights=False)
    theirs.load_state_dict(
        torch.load(Path(package.__file__).with_name("weights.pt"), weights_only=True), strict=False
    )
    a, b = pair(1, *shape)
    torch.testing.assert_close(metrics.dists(a, b), theirs(a, b).view(-1), atol=1e-5, rtol=0)


@pytest.mark.parametrize("shape", [(2, 3, 64, 96), (1, 3, 77, 51)])
@pytest.mark.parametrize("net", ["vgg", "alex"])
def test_lpips_agrees_with_the_authors_package(
    metrics: PerceptualMetrics, published: Any, net: str, shape: tuple[int, ...]
) -> None:
    theirs = published("lpips").LPIPS(net=net, verbose=False)
    a, b = pair(2, *shape)
    expected = theirs(a, b, normalize=True).detach().view(-1)
    ours = {"vgg": metrics.lpips, "alex": metrics.lpips_alex}[net](a, b)
    torch.testing.assert_close(ours, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("net", "name"), [("vgg", "lpips"), ("alex", "lpips_alex")])
def test_lpips_layers_are_those_of_the_authors_package(
    metric_weights: dict[str, Tensor], published: Any, net: str, name: str
) -> None:
    theirs = published("lpips").LPIPS(net=net, verbose=False)
    for level in range(5):
        assert torch.equal(metric_weights[f"{name}.{level}"], theirs.lins[level].model[-1].weight)


def test_alexnet_needs_31_pixels_a_side(metrics: PerceptualMetrics) -> None:
    a, b = pair(8, 1, 3, 30, 64)
    assert math.isnan(metrics.lpips_alex(a, b).item())
    a, b = pair(8, 1, 3, 31, 64)
    assert metrics.lpips_alex(a, b).item() > 0
    assert metrics.lpips_alex(a, a).item() == 0


def test_equal_pictures_score_best_and_order_does_not_matter(metrics: PerceptualMetrics) -> None:
    a, b = pair(3, 1, 3, 64, 64)
    assert metrics.dists(a, a).item() == metrics.lpips(a, a).item() == 0
    assert psnr_db(a, a).item() == math.inf
    assert metrics.dists(a, b).item() > 0.05
    for metric in (metrics.dists, metrics.lpips, psnr_db):
        assert metric(a, b).item() == pytest.approx(metric(b, a).item(), rel=1e-6)


def test_scores_against_a_kept_reference_are_the_single_metrics(metrics: PerceptualMetrics) -> None:
    a, b = pair(4, 1, 3, 176, 176)
    scores = metrics.scores(metrics.reference(a), b)
    singles = (metrics.dists(a, b), metrics.lpips(a, b), psnr_db(a, b), ms_ssim(a, b))
    assert tuple(scores) == pytest.approx([single.item() for single in singles], abs=1e-6)


def test_the_nearest_of_some_pictures_is_found_and_scored_as_alone(metrics: PerceptualMetrics) -> None:
    original, noise = pair(6, 1, 3, 48, 64)
    pictures = [original.lerp(noise, share) for share in (0.9, 0.2, 0.2, 0.5)]
    reference = metrics.reference(original)
    assert metrics.nearest(reference, pictures) == (
        1,
        pytest.approx(metrics.scores(reference, pictures[2]), nan_ok=True),
    )
    with pytest.raises(ImageError):
        metrics.nearest(reference, [noise[..., :32]])


def test_a_batch_scores_as_its_members_do(metrics: PerceptualMetrics) -> None:
    a, b = pair(5, 3, 3, 48, 32)
    for metric in (metrics.dists, metrics.lpips):
        singles = torch.cat([metric(a[i : i + 1], b[i : i + 1]) for i in range(3)])
        torch.testing.assert_close(metric(a, b), singles, atol=1e-6, rtol=0)


def test_psnr_of_a_constant_error_is_its_closed_form() -> None:
    a = torch.zeros(2, 3, 8, 8)
    b = torch.stack([torch.full((3, 8, 8), 0.1), torch.full((3, 8, 8), 0.5)])
    expected = torch.tensor([20.0, 20 * math.log10(2)])  # 10 log10(1 / error^2)
    torch.testing.assert_close(psnr_db(a, b), expected, atol=1e-5, rtol=0)


def test_ms_ssim_of_two_constants_is_its_closed_form() -> None:
    """Without contrast only the coarsest scale's luminance term is left, to the power of its weight."""
    a, b = torch.full((1, 3, 176, 176), 0.2), torch.full((1, 3, 176, 176), 0.8)
    luminance = (2 * 0.2 * 0.8 + 0.01**2) / (0.2**2 + 0.8**2 + 0.01**2)  # Wang et al. 2003, K1 = 0.01
    assert ms_ssim(a, b).item() == pytest.approx(luminance**0.1333, abs=1e-4)


def test_ms_ssim_needs_five_scales() -> None:
    a, b = pair(6, 1, 3, 160, 200)
    assert math.isnan(ms_ssim(a, b).item())
    a, b = pair(6, 1, 3, 161, 200)
    assert 0 < ms_ssim(a, b).item() < 1


@pytest.mark.parametrize("pooling", ["l2", "max"])
def test_the_trunk_lets_gradients_through(metric_weights: dict[str, Tensor], pooling: Any) -> None:
    image = pair(7, 1, 3, 32, 32)[0].requires_grad_()
    features = Vgg16(metric_weights)(image, pooling)
    assert [tuple(x.shape[1:]) for x in features] == [
        (64, 32, 32),
        (128, 16, 16),
        (256, 8, 8),
        (512, 4, 4),
        (512, 2, 2),
    ]
    (gradient,) = torch.autograd.grad(features[-1].sum(), image)
    assert gradient.abs().min() > 0


def test_unequal_or_tiny_pictures_are_refused(metrics: PerceptualMetrics) -> None:
    assert metrics.dists(*[torch.ones(1, 3, 16, 16)] * 2).item() == 0  # the least that four poolings leave
    with pytest.raises(ImageError, match=r"\(1, 3, 32, 32\) and \(1, 3, 32, 16\)"):
        metrics.dists(torch.zeros(1, 3, 32, 32), torch.zeros(1, 3, 32, 16))
    with pytest.raises(ImageError, match=r"32x15 pixels: 16 a side"):
        metrics.reference(torch.zeros(1, 3, 15, 32))
    with pytest.raises(ImageError, match="equal shapes"):
        psnr_db(torch.zeros(1, 3, 8, 8), torch.zeros(2, 3, 8, 8))
