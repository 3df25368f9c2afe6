"""Codes found for one photo by gradient: slow to send, nothing new to receive.

The encoder's latents are a first guess, the same rule for all photos. From there Adam follows the training
loss of the decoded pictures down to latents whose codes draw this photo better; the decoder, the codebooks
and the wire stay as they are (content adaptive optimisation: Campos et al. 2019, arXiv 1906.01223).
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Generator, Tensor

from progic.codec import Codec
from progic.config import LossConfig
from progic.errors import ConfigError
from progic.metric_weights import load_metric_weights
from progic.precision import fast_precision
from progic.schedule import draw_held

RATES = (0.05, 0.1)  # for many steps, for few; the latents' variance is about 0.7
WAY = 2.0  # of all steps at a constant rate, within RATES
BETAS = (0.8, 0.99)
PATHS = 4  # of the search in each step; the last is as thorough as without refinement
SUBSET_SHARE = 0.3  # of the sets drawn: any, so that a lost packet does not undo what was gained
# Between those of training, 0.5 and 1, and the other way round, which on four photos ended at an LPIPS 0.019
# lower and a DISTS 0.002 higher.
WEIGHTS = LossConfig(lpips=1.0, dists=0.75, commitment=0.1)
SEED = 0

Progress = Callable[[int, int], None]  # steps done, steps in all


def refined(codec: Codec, steps: int, progress: Progress = lambda done, total: None) -> Codec:
    """Return a codec whose `encode` takes so many steps for each photo; with 0 the codec itself.

    >>> slow = progic.refined(progic.load(), 40)

    Raises WeightsError where the metric weights, which lead the way, are not to be had; ConfigError below 0.
    """
    if steps < 0:
        raise ConfigError(f"steps: found {steps}; allowed: 0 or more")
    return RefinedCodec(codec, load_metric_weights(), steps, progress) if steps else codec


class RefinedCodec(Codec):
    """A codec that takes `steps` steps of gradient for each photo it encodes; all else is as before."""

    def __init__(
        self,
        codec: Codec,
        metric_weights: dict[str, Tensor],
        steps: int,
        progress: Progress = lambda done, total: None,
    ) -> None:
        """`steps` is 1 or more: 10 bring three quarters of what 40 bring."""
        from progic.losses import PerceptualLoss  # which takes a second, and no step is no reason to wait

        super().__init__(codec.net, codec.fingerprint)
        self.loss, self.steps, self.progress = PerceptualLoss(metric_weights), steps, progress

    def codes_of(self, pixels: Float[Tensor, "1 3 h w"]) -> Int[Tensor, "n 1 u v"]:
        """Return the indices of all stages for a photo, 0..1, whose sides f divides."""
        with torch.no_grad():
            latents = self.net.encoder(pixels)
            with fast_precision("cpu"):
                features = self.loss.features(pixels)
        latents.requires_grad_(True)
        optimizer = torch.optim.Adam([latents], betas=BETAS)
        generator = Generator().manual_seed(SEED)
        slow, fast = RATES
        most = min(fast, max(slow, WAY / self.steps))
        for step in range(self.steps):
            rate = most * 0.5 * (1 + math.cos(math.pi * step / self.steps))
            optimizer.param_groups[0]["lr"] = rate
            loss = self._loss(latents, pixels, features, generator)
            (latents.grad,) = torch.autograd.grad(loss, latents)
            optimizer.step()
            self.progress(step + 1, self.steps)
        found: Tensor = self.net.quantizer.search(latents.detach())
        return found

    def _loss(
        self, latents: Tensor, pixels: Tensor, features: tuple[Tensor, ...], generator: Generator
    ) -> Float[Tensor, ""]:
        """Return the loss of two pictures: of all stages, and of a set drawn at random."""
        quantizer, n = self.net.quantizer, self.config.n_stages
        found = quantizer.search(latents.detach(), PATHS)
        parts = torch.cat([quantizer.look_up(stage, found[stage]) for stage in range(n)])
        held = torch.cat([torch.ones(1, n), draw_held(1, n, 0, SUBSET_SHARE, generator)])
        codes = torch.einsum("nduv,kn->kduv", parts, held)
        through = codes + (latents - latents.detach())  # straight through (arXiv 1711.00937)
        with fast_precision("cpu"):
            pictures = self.net.decoder(through.contiguous(memory_format=torch.channels_last), held).float()
            dists, lpips = self.loss.distances(pictures, pixels, features)
        missed: Tensor = WEIGHTS.l1 * (pictures - pixels).abs().mean()
        missed = missed + WEIGHTS.lpips * lpips + WEIGHTS.dists * dists
        return missed + WEIGHTS.commitment * F.mse_loss(latents[0], parts.sum(0))
