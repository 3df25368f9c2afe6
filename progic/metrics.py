"""DISTS, LPIPS, PSNR and MS-SSIM of a picture against its original: the published metrics, for reporting.

DISTS: Ding et al. 2020, arXiv 2004.07728, as in the authors' code. LPIPS v0.1 with VGG16: Zhang et al. 2018,
arXiv 1801.03924, as in their package; `lpips_alex` is theirs with AlexNet (`progic.alexnet`). None resizes
what it is given. All normalise their input with the same numbers (LPIPS's shift and scale are ImageNet's,
written for -1..1), so VGG16's first block serves DISTS and LPIPS.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import pytorch_msssim
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from progic import alexnet
from progic.errors import ImageError

IMPLEMENTATION = "progic 1: DISTS as in DISTS_pytorch 0.1, LPIPS v0.1 VGG16 as in lpips 0.1.4"
"""Names this implementation in a run's manifest: others differ from it by up to 20 %."""

WIDTHS = (64, 128, 256, 512, 512)  # channels of relu1_2, relu2_2, relu3_3, relu4_3, relu5_3
BLOCKS = (2, 2, 3, 3, 3)  # convolutions between poolings: VGG16, arXiv 1409.1556, table 1, column D
IMAGENET_MEAN = (0.485, 0.456, 0.406)  # of the photos VGG16 was trained with (torchvision's models)
IMAGENET_STD = (0.229, 0.224, 0.225)
DISTS_STABILITY = 1e-6  # c1 and c2 in the authors' code
LPIPS_EPSILON = 1e-10  # normalize_tensor in the authors' package
MIN_SIDE_PX = 16  # four poolings by two leave one pixel
MS_SSIM_MIN_SIDE_PX = 161  # an 11-pixel window at the fifth scale: (11 - 1) * 2**4 + 1

Pooling = Literal["l2", "max"]
Features = tuple[Tensor, ...]


class Scores(NamedTuple):
    """How near a picture is to its original."""

    dists: float  # 0 for equal pictures, smaller is nearer
    lpips: float  # 0 for equal pictures, smaller is nearer
    psnr_db: float  # infinite for equal pictures
    ms_ssim: float  # 1 for equal pictures; NaN for a side under 161 pixels


class Vgg16(nn.Module):
    """VGG16's convolutions up to relu5_3, pooling as DISTS ("l2") or as LPIPS and VGG itself ("max")."""

    mean: Tensor
    std: Tensor

    def __init__(self, weights: dict[str, Tensor]) -> None:
        super().__init__()
        widths = [width for width, depth in zip(WIDTHS, BLOCKS, strict=True) for _ in range(depth)]
        layers = zip([3, *widths], widths, strict=False)
        self.convolutions = nn.ModuleList(nn.Conv2d(before, after, 3, padding=1) for before, after in layers)
        names = [name for name in weights if name.startswith("vgg.")]
        self.convolutions.load_state_dict({name.removeprefix("vgg."): weights[name] for name in names})
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1))
        self.requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, image: Float[Tensor, "b 3 h w"], pooling: Pooling) -> Features:
        """The five features before each pooling (b 64 h w to b 512 h/16 w/16) of an image in 0..1."""
        return self.deepen(self.first_block(image), pooling)

    def first_block(self, image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 64 h w"]:
        """relu1_2, which does not depend on the pooling."""
        return self._block(0, self.normalised(image))

    def normalised(self, image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        """An image in 0..1 as nets that were trained on ImageNet take it."""
        return (image - self.mean) / self.std

    def deepen(self, relu1_2: Float[Tensor, "b 64 h w"], pooling: Pooling) -> Features:
        """All five features from the first block's."""
        features = [relu1_2]
        for level in range(1, len(BLOCKS)):
            pooled = l2_pool(features[-1]) if pooling == "l2" else F.max_pool2d(features[-1], 2)
            features.append(self._block(level, pooled))
        return tuple(features)

    def _block(self, level: int, x: Tensor) -> Tensor:
        first = sum(BLOCKS[:level])
        for index in range(first, first + BLOCKS[level]):
            x = F.relu(self.convolutions[index](x), inplace=True)
        return x


def l2_pool(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h2 w2"]:
    """Root of the squares' mean under a 3x3 Hanning window (1 2 1), stride 2; written as two means of two."""
    squares = F.avg_pool2d(x.square(), 2, stride=1, padding=1)
    return (F.avg_pool2d(squares, 2) + 1e-12).sqrt()  # 1e-12 as in the authors' code


class Moments(NamedTuple):
    """One level of DISTS: feature maps without their mean, and each map's mean and variance."""

    centred: Float[Tensor, "b c h w"]
    mean: Float[Tensor, "b c"]
    variance: Float[Tensor, "b c"]


@dataclass(frozen=True, eq=False)
class Reference:
    """An original and its features, computed once for all the pictures that are scored against it."""

    image: Float[Tensor, "b 3 h w"]
    moments: tuple[Moments, ...]  # the image itself and five levels
    directions: Features  # LPIPS's features of unit length at every pixel


class PerceptualMetrics(nn.Module):
    """DISTS and LPIPS, with weights as from `progic.metric_weights.load_metric_weights`.

    Scores are float32's; on a GPU, torch runs convolutions in TF32 (10 bits of mantissa) unless told not to.
    """

    alpha: Tensor
    beta: Tensor

    def __init__(self, weights: dict[str, Tensor]) -> None:
        super().__init__()
        self.vgg = Vgg16(weights)
        total = weights["dists.alpha"].sum() + weights["dists.beta"].sum()
        self.register_buffer("alpha", weights["dists.alpha"].flatten() / total)
        self.register_buffer("beta", weights["dists.beta"].flatten() / total)
        self.alex = alexnet.AlexNet(weights)
        for level in range(len(WIDTHS)):
            self.register_buffer(f"lpips{level}", weights[f"lpips.{level}"].flatten())
            self.register_buffer(f"lpips_alex{level}", weights[f"lpips_alex.{level}"].flatten())

    def dists(self, a: Float[Tensor, "b 3 h w"], b: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b"]:
        """DISTS of each pair of images in 0..1; ImageError for unequal shapes or a side under 16 pixels."""
        _check_pair(a, b)
        with torch.no_grad():
            return self._dists(_moments(a, self.vgg(a, "l2")), _moments(b, self.vgg(b, "l2")))

    def lpips(self, a: Float[Tensor, "b 3 h w"], b: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b"]:
        """LPIPS of each pair of images in 0..1; ImageError for unequal shapes or a side under 16 pixels."""
        _check_pair(a, b)
        with torch.no_grad():
            return self._lpips(_directions(self.vgg(a, "max")), _directions(self.vgg(b, "max")))

    def lpips_alex(self, a: Float[Tensor, "b 3 h w"], b: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b"]:
        """LPIPS with AlexNet, a witness that nothing was made to please, of each pair of images in 0..1.

        NaN for a side under 31 pixels, which the net does not take; ImageError for unequal shapes.
        """
        _check_pair(a, b)
        if min(a.shape[2:]) < alexnet.MIN_SIDE_PX:
            return a.new_full((a.shape[0],), math.nan)
        with torch.no_grad():
            x, y = (_directions(self.alex(self.vgg.normalised(image))) for image in (a, b))
            return self._lpips(x, y, "lpips_alex")

    def reference(self, image: Float[Tensor, "b 3 h w"]) -> Reference:
        """What scoring needs of an original in 0..1; ImageError for a side under 16 pixels."""
        _check_pair(image, image)
        with torch.no_grad():
            relu1_2 = self.vgg.first_block(image)
            moments = _moments(image, self.vgg.deepen(relu1_2, "l2"))
            return Reference(image, moments, _directions(self.vgg.deepen(relu1_2, "max")))

    def scores(self, reference: Reference, picture: Float[Tensor, "1 3 h w"]) -> Scores:
        """All four scores of one picture in 0..1 against its original; ImageError for unequal shapes."""
        return self.nearest(reference, [picture])[1]

    @torch.no_grad()
    def nearest(
        self, reference: Reference, pictures: Iterable[Float[Tensor, "1 3 h w"]]
    ) -> tuple[int, Scores]:
        """The place of the picture of the lowest DISTS, the first of equals, and its scores.

        The others cost half of what `scores` does. ValueError of no picture; else as `scores`.
        """
        looked_at = ((self._look(reference, picture), picture) for picture in pictures)
        place, ((dists, relu1_2), picture) = min(enumerate(looked_at), key=lambda each: each[1][0][0])
        lpips = self._lpips(reference.directions, _directions(self.vgg.deepen(relu1_2, "max")))
        psnr, similarity = psnr_db(reference.image, picture), ms_ssim(reference.image, picture)
        return place, Scores(dists, lpips.item(), psnr.item(), similarity.item())

    @torch.no_grad()
    def dists_to(self, reference: Reference, picture: Float[Tensor, "1 3 h w"]) -> float:
        """DISTS alone of one picture against its original, as in `scores` at half the cost."""
        return self._look(reference, picture)[0]

    def _look(self, reference: Reference, picture: Tensor) -> tuple[float, Tensor]:
        """DISTS, and the first block's features, which LPIPS shares."""
        _check_pair(reference.image, picture)
        relu1_2 = self.vgg.first_block(picture)
        moments = _moments(picture, self.vgg.deepen(relu1_2, "l2"))
        return self._dists(reference.moments, moments).item(), relu1_2

    def _dists(self, a: tuple[Moments, ...], b: tuple[Moments, ...]) -> Float[Tensor, "b"]:
        texture = torch.cat([_texture(x, y) for x, y in zip(a, b, strict=True)], dim=1)
        structure = torch.cat([_structure(x, y) for x, y in zip(a, b, strict=True)], dim=1)
        # The authors' 1 - alpha texture - beta structure, as both sum to 1; exactly 0 for equal images.
        return (1 - texture) @ self.alpha + (1 - structure) @ self.beta

    def _lpips(self, a: Features, b: Features, layers: str = "lpips") -> Float[Tensor, "b"]:
        total = a[0].new_zeros(a[0].shape[0])
        for level, (x, y) in enumerate(zip(a, b, strict=True)):
            total = total + (x - y).square().mean((2, 3)) @ self.get_buffer(f"{layers}{level}")
        return total


def psnr_db(a: Float[Tensor, "b 3 h w"], b: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b"]:
    """Peak signal to noise, 10 log10(1 / mean squared error), of images in 0..1; infinite for equal ones."""
    _check_pair(a, b, min_side_px=1)
    return -10 * (a - b).square().mean((1, 2, 3)).log10()


def ms_ssim(a: Float[Tensor, "b 3 h w"], b: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b"]:
    """Multi-scale structural similarity (Wang et al. 2003) of images in 0..1, mean of the three channels.

    NaN for a side under 161 pixels, which has no fifth scale.
    """
    _check_pair(a, b, min_side_px=1)
    if min(a.shape[2:]) < MS_SSIM_MIN_SIDE_PX:
        return a.new_full((a.shape[0],), math.nan)
    result: Tensor = pytorch_msssim.ms_ssim(a, b, data_range=1.0, size_average=False)
    return result


def _check_pair(a: Tensor, b: Tensor, min_side_px: int = MIN_SIDE_PX) -> None:
    if a.shape != b.shape:
        raise ImageError(f"cannot compare images of {tuple(a.shape)} and {tuple(b.shape)}: give equal shapes")
    if min(a.shape[2:]) < min_side_px:
        height, width = a.shape[2:]
        raise ImageError(f"cannot score {width}x{height} pixels: {min_side_px} a side are the least")


def _moments(image: Tensor, features: Features) -> tuple[Moments, ...]:
    return tuple(_moments_of_level(maps) for maps in (image, *features))


def _moments_of_level(maps: Float[Tensor, "b c h w"]) -> Moments:
    mean = maps.mean((2, 3), keepdim=True)
    centred = maps - mean
    return Moments(centred, mean[:, :, 0, 0], centred.square().mean((2, 3)))


def _texture(a: Moments, b: Moments) -> Float[Tensor, "b c"]:
    return (2 * a.mean * b.mean + DISTS_STABILITY) / (a.mean**2 + b.mean**2 + DISTS_STABILITY)


def _structure(a: Moments, b: Moments) -> Float[Tensor, "b c"]:
    covariance = (a.centred * b.centred).mean((2, 3))
    return (2 * covariance + DISTS_STABILITY) / (a.variance + b.variance + DISTS_STABILITY)


def _directions(features: Features) -> Features:
    return tuple(x / (x.square().sum(1, keepdim=True).sqrt() + LPIPS_EPSILON) for x in features)
