"""A patch discriminator for the last part of a run: pictures are to look like photos, patch by patch.

The net is PatchGAN's (arXiv 1611.07004, appendix 6.1.2) without norms, which would mix a batch's patches; the
loss is the original non-saturating one (arXiv 1406.2661, section 3).
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from progic.config import TrainConfig
from progic.optimize import Optimizer

WIDTHS = (64, 128, 256)  # channels at 1/2, 1/4 and 1/8 (arXiv 1611.07004)
LEAK = 0.2  # slope below zero (arXiv 1611.07004)


class PatchDiscriminator(nn.Module):
    """Photo or picture (b 3 h w), 0..1, to a verdict on each 38-pixel patch (b 1 h/8 w/8), above 0: photo."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in zip((3, *WIDTHS), WIDTHS, strict=False):
            layers += [nn.Conv2d(before, after, 4, stride=2, padding=1), nn.LeakyReLU(LEAK)]
        layers += [nn.Conv2d(WIDTHS[-1], WIDTHS[-1], 3, padding=1), nn.LeakyReLU(LEAK)]
        self.net = nn.Sequential(*layers)
        self.last = nn.Conv2d(WIDTHS[-1], 1, 1)

    def forward(self, picture: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 1 u v"]:
        """Return the verdicts."""
        verdicts: Tensor = self.last(self.net(2 * picture - 1))
        return verdicts


class Adversary:
    """The discriminator of a run, which learns beside the codec; nothing of it is kept in the weights."""

    def __init__(self, config: TrainConfig, device: torch.device) -> None:
        self.net = PatchDiscriminator()
        self.net.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = Optimizer(self.net, config)

    def learn(self, photo: Tensor, picture: Tensor, learning_rate: float) -> Float[Tensor, ""]:
        """Take one step towards telling photos from pictures; return the loss before it, ln 4 for a guess."""
        self.net.requires_grad_(True)
        verdicts = self.net(torch.cat([photo, picture.detach()])).float()
        of_photo, of_picture = verdicts.chunk(2)
        loss = F.softplus(-of_photo).mean() + F.softplus(of_picture).mean()
        self.optimizer.step(loss, learning_rate)
        return loss.detach()

    def unconvinced(self, picture: Tensor) -> Float[Tensor, ""]:
        """Return the loss of a picture, which the gradient reaches: 0 where it passes for a photo."""
        self.net.requires_grad_(False)
        loss: Tensor = F.softplus(-self.net(picture).float()).mean()
        return loss
