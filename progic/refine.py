"""Codes found for one photo by gradient: slow to send, nothing new to receive.

The encoder's latents are a first guess, the same rule for all photos. From there steps of gradient follow
the training loss of the decoded pictures down to latents whose codes draw this photo better; the decoder,
the codebooks and the wire stay as they are (content adaptive optimisation: Campos et al. 2019, arXiv
1906.01223).

Stagewise, the search goes one stage at a time, given those before it: while one is being sent, the next is
searched for. A single step for each brings most of what metrics other than the loss's see.
"""

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

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

# How far latents go, root mean square over their dimensions; their variance is about 0.7. Farther, and DISTS,
# which leads the way, still falls, but what does not lead it, LPIPS with AlexNet and PSNR, is lost again. Of
# `f16-s` on 16 photos, one step a stage, after five, DISTS, that LPIPS and PSNR: 0.05 each 0.128, 0.229,
# 23.0 dB; as below, or shrinking from 0.12 to 0.05, 0.116, 0.229 (0.228) and 22.8 dB; 0.15 first and then 0.1
# 0.112, 0.230 and 22.7 dB.
FASTEST = 0.05  # of a step
FIRST = 0.12  # of one before the first stage, which has no way behind it (0.08: 0.004 more DISTS after one)
LATER = 0.4  # over the number of stages, of one before another stage: 0.08 of five; no less than FASTEST
WAY = 0.3  # of all steps at a constant rate; stagewise half of it, for each stage anew
MOMENTUM = 0.8
PATHS = 4  # of the search in each step; the last is as thorough as without refinement
SUBSET_SHARE = 0.3  # of the sets drawn: any, so that a lost packet does not undo what was gained
# Between those of training, 0.5 and 1, and the other way round, which on four photos and in longer steps
# ended at an LPIPS 0.019 lower and a DISTS 0.002 higher.
WEIGHTS = LossConfig(lpips=1.0, dists=0.75, commitment=0.1)
SEED = 0

Progress = Callable[[int, int], None]  # steps done, steps in all


class _Photo(NamedTuple):
    pixels: Float[Tensor, "1 3 h w"]
    features: tuple[Tensor, ...]  # of VGG16, which all steps share


@torch.inference_mode(False)
def refined(
    codec: Codec,
    steps: int,
    progress: Progress = lambda done, total: None,
    *,
    stagewise: bool = False,
) -> Codec:
    """Return a codec whose `encode` takes so many steps for each photo; with 0 the codec itself.

    >>> slow = progic.refined(progic.load(), 4, stagewise=True)

    With `stagewise` as many before each stage, which `encode_each` yields as soon as its search ends.

    Raises WeightsError where the metric weights, which lead the way, are not to be had; ConfigError for what
    is no whole number of 0 or more.
    """
    if not isinstance(steps, int) or steps < 0:
        raise ConfigError(f"steps: found {steps!r}; allowed: a whole number of 0 or more")
    if not steps:
        return codec
    return RefinedCodec(codec, load_metric_weights(), steps, progress, stagewise)


class RefinedCodec(Codec):
    """A codec that takes `steps` steps of gradient for each photo it encodes; all else is as before.

    With `stagewise` it takes as many before each stage.
    """

    def __init__(
        self,
        codec: Codec,
        metric_weights: dict[str, Tensor],
        steps: int,
        progress: Progress = lambda done, total: None,
        stagewise: bool = False,
    ) -> None:
        """`steps` is 1 or more."""
        from progic.losses import PerceptualLoss  # which takes a second, and no step is no reason to wait

        super().__init__(codec.net, codec.fingerprint)
        self.loss, self.steps, self.progress = PerceptualLoss(metric_weights), steps, progress
        self.stagewise = stagewise

    @torch.inference_mode(False)
    @torch.enable_grad()
    def codes_of(self, pixels: Float[Tensor, "1 3 h w"]) -> Iterator[Int[Tensor, "1 u v"]]:
        """Yield each stage's indices for a photo, 0..1, whose sides f divides, as soon as they stay."""
        pixels = pixels.clone()  # else of the caller's mode, perhaps one without gradients
        with torch.no_grad(), torch.autocast("cpu", enabled=False):  # a caller's would give other codes
            latents = self.net.encoder(pixels)
            with fast_precision("cpu"):
                photo = _Photo(pixels, self.loss.features(pixels))
        n, quantizer = self.config.n_stages, self.net.quantizer
        begun = torch.zeros((0, *latents.shape[:1], *latents.shape[2:]), dtype=torch.int64)
        while len(begun) < n:
            with torch.autocast("cpu", enabled=False):
                latents = self._moved(latents, begun, photo)
                found = quantizer.search(latents, begun=begun)
            end = len(begun) + 1 if self.stagewise else n
            yield from found[len(begun) : end]
            begun = found[:end]

    def _moved(
        self,
        latents: Float[Tensor, "1 d u v"],
        begun: Int[Tensor, "k 1 u v"],
        photo: _Photo,
    ) -> Float[Tensor, "1 d u v"]:
        """Return latents whose codes, after those that have `begun`, draw the photo better."""
        latents, way = latents.clone().requires_grad_(True), torch.zeros_like(latents)
        generator = Generator().manual_seed(SEED)
        most = self._farthest(len(begun))
        for step in range(self.steps):
            rate = most * 0.5 * (1 + math.cos(math.pi * step / self.steps))
            loss = self._loss(latents, begun, photo, generator)
            way = MOMENTUM * way + torch.autograd.grad(loss, latents)[0]
            # every place goes as far: the gradient is small where little is wrong, and no less right
            far = way.square().mean(1, keepdim=True).sqrt().clamp_min(torch.finfo(way.dtype).tiny)
            with torch.no_grad():
                latents -= rate * way / far
            self.progress(len(begun) * self.steps + step + 1, self._steps_in_all)
        return latents.detach()

    def _farthest(self, n_begun: int) -> float:
        if not self.stagewise:
            return min(FASTEST, WAY / self.steps)
        later = max(FASTEST, LATER / self.config.n_stages)
        return min(later if n_begun else FIRST, WAY / 2 / self.steps)

    @property
    def _steps_in_all(self) -> int:
        return self.steps * (self.config.n_stages if self.stagewise else 1)

    def _loss(self, latents: Tensor, begun: Tensor, photo: _Photo, generator: Generator) -> Float[Tensor, ""]:
        """Return the loss of the pictures of all stages, and of a set drawn at random, which has `begun`."""
        quantizer, n = self.net.quantizer, self.config.n_stages
        found = quantizer.search(latents.detach(), PATHS, begun)
        parts = torch.cat([quantizer.look_up(stage, found[stage]) for stage in range(n)])
        drawn = draw_held(1, n - len(begun), 0, SUBSET_SHARE, generator)
        held = torch.cat([torch.ones(1, n), F.pad(drawn, (len(begun), 0), value=1)])
        held = torch.unique(held, dim=0)  # the same picture twice takes twice as long
        codes = torch.einsum("nduv,kn->kduv", parts, held)
        through = codes + (latents - latents.detach())  # straight through (arXiv 1711.00937)
        with fast_precision("cpu"):
            pictures = self.net.decoder(through.contiguous(memory_format=torch.channels_last), held).float()
            dists, lpips = self.loss.distances(pictures, photo.pixels, photo.features)
        missed: Tensor = WEIGHTS.l1 * (pictures - photo.pixels).abs().mean()
        missed = missed + WEIGHTS.lpips * lpips + WEIGHTS.dists * dists
        return missed + WEIGHTS.commitment * F.mse_loss(latents[0], parts.sum(0))
