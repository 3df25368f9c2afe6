"""What a net begins its training with: the photos' principal components, trained weights, or a teacher's."""

import copy
import math

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from progic.codec import CodecNet
from progic.config import CodecConfig, TrainConfig
from progic.data import PhotoSet
from progic.errors import ConfigError

PCA_PATCHES = 25_000  # 32 a component of 16x16 pixels in three colours
PCA_BATCH = 64  # crops taken in at a time, which bounds the memory


@torch.no_grad()
def start_linear(net: CodecNet, photos: PhotoSet, config: TrainConfig, generator: Generator) -> None:
    """Set both linear layers to the principal components of the patches that the encoder sees.

    They are f x f pixels of the photos, or k x k latents of a trunk. Component i is scaled by
    variance_i^pca_scale_exponent on the way in, and back on the way out. Raises ConfigError for more
    components than there are.
    """
    linear, dims = net.encoder.linear, config.codec.code_dim
    channels, (side, _) = linear.in_channels, linear.kernel_size
    if dims > channels * side**2:
        raise ConfigError(
            f"codec.code_dim: found {dims}, allowed at most {channels * side**2}, all that is seen"
        )
    count = math.ceil(PCA_PATCHES * config.codec.downsampling_factor**2 / config.crop_px**2)
    seen = [
        net.encoder.seen(photos.crops(min(PCA_BATCH, count - at), config.crop_px, generator))
        for at in range(0, count, PCA_BATCH)
    ]
    patches = F.unfold(torch.cat(seen), side, stride=side)  # (b, channels side side, patches)
    rows = patches.transpose(1, 2).reshape(-1, channels * side**2)
    values, vectors = torch.linalg.eigh(rows.T @ rows / len(rows))
    top, scale = vectors.flip(1)[:, :dims], values.flip(0)[:dims].clamp(min=1e-9) ** config.pca_scale_exponent
    linear.weight.copy_((top * scale).T.reshape(dims, channels, side, side))
    net.decoder.linear.weight.copy_((top / scale).T.reshape(dims, channels, side, side))
    for layer in (net.encoder.linear, net.decoder.linear):
        torch.nn.init.zeros_(layer.bias)  # type: ignore[arg-type]


def take_over(net: CodecNet, start: CodecNet) -> None:
    """Fill `net` with the weights of `start`; layers that `start` lacks stay as they begin, without effect.

    A trunk stays what the recipe names. Raises ConfigError where the two differ in more than added layers.
    """
    ours, theirs = net.state_dict(), start.state_dict()
    for name, tensor in theirs.items():
        if name not in ours or ours[name].shape != tensor.shape:
            found = _differences(net.config, start.config) or f"{name} is of another shape"
            raise ConfigError(f"codec: {found}; allowed is the net of --start, or one of more blocks")
    _load_own(net, theirs)


def _differences(ours: CodecConfig, theirs: CodecConfig) -> str:
    """Say in which keys two nets differ, but for their names."""
    pairs = [(key, value, getattr(theirs, key)) for key, value in ours if key != "name"]
    return ", ".join(f"{key} is {own}, of --start {other}" for key, own, other in pairs if own != other)


def take_codebooks(net: CodecNet, teacher: CodecNet) -> None:
    """Give `net` the teacher's codebooks, whose codes it learns to draw.

    Raises ConfigError where the two are not of the same N, L, f and code_dim.
    """
    for key in ("n_stages", "bits_per_index", "downsampling_factor", "code_dim"):
        ours, theirs = getattr(net.config, key), getattr(teacher.config, key)
        if ours != theirs:
            raise ConfigError(f"codec.{key}: {ours}, but teacher {teacher.config.name} has {theirs}")
    net.quantizer.load_state_dict(teacher.quantizer.state_dict())
    net.quantizer.forget()


def take_alike(net: CodecNet, teacher: CodecNet) -> None:
    """Begin `net` with the teacher's weights wherever layers are alike."""
    shapes = {name: tensor.shape for name, tensor in net.state_dict().items()}
    theirs = teacher.state_dict().items()
    _load_own(net, {name: tensor for name, tensor in theirs if shapes.get(name) == tensor.shape})


@torch.no_grad()
def mixed(net: CodecNet, start: CodecNet, share: float) -> CodecNet:
    """Return a net of the weights of `net` and, by `share`, of the `start` from which it was trained.

    It may be nearer than either (Wortsman et al. 2022, arXiv 2109.01903). Layers that `start` lacks are
    those of `net`.
    """
    between, theirs = copy.deepcopy(net), start.state_dict()
    for name, tensor in between.own_state().items():
        if name in theirs:
            tensor.lerp_(theirs[name].to(tensor.device), share)
    return between


def _load_own(net: CodecNet, state: dict[str, Tensor]) -> None:
    own = net.own_state()
    net.load_state_dict({name: tensor for name, tensor in state.items() if name in own}, strict=False)
    net.quantizer.forget()
