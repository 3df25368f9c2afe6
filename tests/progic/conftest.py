import numpy as np
import pytest
import torch
from PIL import Image

from progic.codec import Codec, CodecNet
from progic.config import CodecConfig


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
