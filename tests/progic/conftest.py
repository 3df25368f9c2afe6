import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from progic.codec import Codec, CodecNet
from progic.config import CodecConfig, TrainConfig
from progic.data import PhotoSet

SIZE = (64, 48)


@pytest.fixture(scope="session")
def toy_config() -> CodecConfig:
    return CodecConfig(
        name="toy",
        n_stages=3,
        bits_per_index=5,
        code_dim=8,
        encoder_widths=(8, 16, 32),
        encoder_blocks=(1, 1, 1),
        decoder_widths=(32, 16, 8),
        decoder_blocks=(2, 1, 1),
    )


@pytest.fixture(scope="session")
def toy_codec(toy_config: CodecConfig) -> Codec:
    """A codec with random weights, no layer zero: every part of it takes part."""
    torch.manual_seed(0)
    net = CodecNet(toy_config)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.normal_(std=0.1)
        net.quantizer.codebooks.normal_()
    return Codec(net, "ab" * 32)


@pytest.fixture(scope="session")
def photo() -> Image.Image:
    """A smooth random picture, 75x50."""
    noise = np.random.default_rng(7).integers(0, 256, (10, 15, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((75, 50), Image.Resampling.BICUBIC)


@pytest.fixture(scope="module")
def folder(photo: Image.Image, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two photos of SIZE."""
    folder = tmp_path_factory.mktemp("photos")
    photo.resize(SIZE).save(folder / "a.png")
    photo.rotate(180).resize(SIZE).save(folder / "b.png")
    return folder


@pytest.fixture(scope="session")
def photos() -> PhotoSet:
    """Smooth pictures of 96x96, so that a crop differs from its neighbour."""
    noise = np.random.default_rng(5).integers(0, 256, (6, 12, 12, 3), dtype=np.uint8)
    large = [Image.fromarray(pixels).resize((96, 96), Image.Resampling.BICUBIC) for pixels in noise]
    return PhotoSet(tuple(torch.from_numpy(np.array(image)) for image in large), ())


@pytest.fixture(scope="session")
def recipe(toy_config: CodecConfig) -> TrainConfig:
    return TrainConfig(
        codec=toy_config,
        steps=20,
        batch=2,
        crop_px=32,
        last_crop_px=32,
        warmup_steps=4,
        kmeans_vectors=256,
        checkpoint_every_steps=1000,
        compile=False,
    )


@pytest.fixture
def open_terminal() -> Iterator[None]:
    """Let SIGHUP end what it comes to, as in a terminal, though the tests may run under `nohup`."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)
