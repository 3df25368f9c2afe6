"""The training loop: continuous warm-up, k-means start, then one prefix or subset of stages a sample."""

import copy
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from rich.console import Console
from torch import Generator, Tensor, nn

from progic import checkpoint, weights
from progic.adversary import Adversary
from progic.blockiness import blockiness, checkerboard
from progic.codec import CodecNet
from progic.config import TrainConfig
from progic.data import PhotoSet
from progic.errors import ProgicError
from progic.images import to_image
from progic.imitation import check_alike, missed
from progic.losses import Distances, PerceptualLoss
from progic.optimize import Optimizer
from progic.precision import fast_precision
from progic.replacing import make_folder, replacing
from progic.rvq import as_rows
from progic.schedule import Schedule, draw_held, schedule
from progic.stack import StackedDecoder
from progic.start import mixed, start_linear, take_alike, take_codebooks, take_over
from progic.stopping import stop_on_signals
from progic.training_log import Display, Terms, csv_log


class _Coded(NamedTuple):
    """What the decoder is given, and what it cost."""

    codes: Float[Tensor, "b d u v"]  # sum of the stages held
    held: Float[Tensor, "b n"]
    commitment: Float[Tensor, ""]
    used: float  # codes of a stage


class Trainer:
    """A run: its nets, its optimizer, its random generator, its step."""

    def __init__(
        self,
        config: TrainConfig,
        photos: PhotoSet,
        metric_weights: dict[str, Tensor],
        device: torch.device,
        start: CodecNet | None = None,
    ) -> None:
        self.config, self.photos, self.device, self.start = config, photos, device, start
        photos.holding(config.crop_px)
        if config.last_crop_from < 1:
            photos.holding(config.last_crop_px, "last_crop_px")  # now, not after most of the steps
        self.generator = Generator().manual_seed(config.seed)
        torch.manual_seed(config.seed)  # the layers' first values
        trunk = weights.load(config.codec.trunk).net if config.codec.trunk else None
        self.net = CodecNet(config.codec, trunk)
        self.teacher = weights.load(config.teacher).net.to(device) if config.teacher else None
        if self.teacher is not None and config.imitation_steps:
            check_alike(self.net.decoder, self.teacher.decoder)
        if start is not None:
            take_over(self.net, start)
        elif self.teacher is not None:
            take_alike(self.net, self.teacher)
        elif self.net.encoder.linear.weight.requires_grad:
            start_linear(self.net, photos, config, self.generator)
        if self.teacher is not None:
            take_codebooks(self.net, self.teacher)
        self.net.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.net).eval()
        self.perceptual = PerceptualLoss(metric_weights).to(device)
        self.loss = torch.compile(self.perceptual) if config.compile else self.perceptual
        self.optimizer = Optimizer(self.net, config)
        self.adversary = Adversary(config, device) if config.loss.adversarial else None
        self.step = 0

    def advance(self) -> Terms:
        """Take one step and return its terms."""
        plan = schedule(self.config, self.step)
        if plan.quantise and not self.net.quantizer.started:
            self._start_codebooks(plan)
        photo = self._crops(plan.batch, plan.crop_px)
        try:
            terms = self._terms(photo, plan)
            if not torch.isfinite(terms.loss):
                raise FloatingPointError(f"loss is {terms.loss.item()}")
            if terms.loss.requires_grad:  # else the codebooks alone follow
                self.optimizer.step(terms.loss, plan.learning_rate)
        except FloatingPointError as error:
            raise ProgicError(f"{error} at step {self.step}; the last checkpoint is kept") from None
        self.step += 1
        self._follow_average()
        return terms

    def _crops(self, count: int, crop_px: int) -> Float[Tensor, "b 3 s s"]:
        return self.photos.crops(count, crop_px, self.generator).to(self.device, non_blocking=True)

    def _terms(self, photo: Tensor, plan: Schedule) -> Terms:
        with fast_precision(self.device.type):
            with torch.set_grad_enabled(not self.config.decoder_alone):
                seen = self.net.encoder.seen(photo)
                latents = self.net.encoder.fold(seen).float()
            if self.teacher is not None:
                coded = self._taught(photo, latents, self.teacher)
                if plan.imitate:
                    return self._imitation_terms(coded, self.teacher)
            elif self.net.quantizer.started:
                coded = self._quantise(latents, plan.revive_below)
            else:
                coded = self._pass(latents)
            if plan.latents_only:
                return self._latent_terms(seen, coded)
            picture = self.net.decoder(coded.codes, coded.held).float()
            dists, lpips = self._distances(picture, photo)
            judged = self._judged(photo, picture, plan)
        l1 = F.l1_loss(picture, photo)
        weight, patch_px = self.config.loss, self.config.codec.downsampling_factor
        grid, dots = blockiness(picture, patch_px), checkerboard(picture, patch_px)
        terms = l1, lpips, dists, coded.commitment, coded.used, *judged
        loss = weight.l1 * l1 + weight.lpips * lpips + weight.dists * dists
        loss = loss + weight.commitment * coded.commitment + weight.blockiness * grid
        loss = loss + weight.checkerboard * dots + weight.adversarial * judged[0]
        return Terms(loss, *terms, blockiness=grid, checkerboard=dots)

    def _distances(self, picture: Tensor, photo: Tensor) -> Distances:
        try:
            found: Distances = self.loss(picture, photo)
        except torch._dynamo.exc.BackendCompilerFailed as error:
            allowed = "allowed is a C++ compiler on this machine, or compile: false in the recipe"
            raise ProgicError(f"compile: the loss cannot be compiled; {allowed}") from error
        return found

    def _judged(
        self, photo: Tensor, picture: Tensor, plan: Schedule
    ) -> tuple[Tensor | float, Tensor | float]:
        """Let the discriminator learn; return what it makes of the pictures, and its own loss."""
        if self.adversary is None or not plan.adversarial:
            return 0.0, 0.0
        own = self.adversary.learn(photo, picture, plan.learning_rate * self.config.adversarial_rate_factor)
        return self.adversary.unconvinced(picture), own

    def _latent_terms(self, seen: Tensor, coded: _Coded) -> Terms:
        """Of a net on a trunk: how near it comes to the trunk's latents."""
        decoder, nothing = self.net.decoder, seen.new_zeros(())
        error = nothing
        if isinstance(decoder, StackedDecoder):
            error = F.mse_loss(decoder.latents(coded.codes, coded.held).float(), seen.float())
        loss = error + self.config.loss.commitment * coded.commitment
        return Terms(loss, error, nothing, nothing, coded.commitment, coded.used)

    def _imitation_terms(self, coded: _Coded, teacher: CodecNet) -> Terms:
        """Of a taught net: how near it comes to what the teacher draws of the same codes, and how."""
        picture, maps = missed(self.net.decoder, teacher.decoder, coded.codes, coded.held)
        weight, nothing = self.config.loss, picture.new_zeros(())
        loss = weight.l1 * picture + weight.imitation * maps + weight.commitment * coded.commitment
        return Terms(loss, picture, nothing, nothing, coded.commitment, coded.used, imitation=maps)

    def _pass(self, latents: Tensor) -> _Coded:
        held = torch.ones(len(latents), self.config.codec.n_stages, device=self.device)
        return _Coded(latents, held, latents.new_zeros(()), 0.0)

    def _quantise(self, latents: Tensor, revive_below: float) -> _Coded:
        quantized = self.net.quantizer(latents)
        held = self._draw_held(len(latents))
        codes = torch.einsum("nbduv,bn->bduv", quantized.parts, held)
        commitment = F.mse_loss(latents, quantized.parts.sum(0))
        if not self.config.decoder_alone:
            self.net.quantizer.follow(quantized, self.config.codebook_ema, revive_below, self.generator)
        # Straight through (arXiv 1711.00937), but only where all stages are held: what a shallow picture
        # lacks, its stages cannot hold, and asking the encoder for it makes the latents grow without end.
        whole = held.all(1).float()[:, None, None, None]
        through = codes + whole * (latents - latents.detach())
        return _Coded(through, held, commitment, quantized.codes_used)

    def _taught(self, photo: Tensor, latents: Tensor, teacher: CodecNet) -> _Coded:
        """Encoder and decoder learn apart: the teacher's latents, and to draw from the teacher's codes."""
        with torch.no_grad():
            wanted = teacher.encoder(photo).float()
            quantized = teacher.quantizer(wanted)
        held = self._draw_held(len(latents))
        codes = torch.einsum("nbduv,bn->bduv", quantized.parts, held)
        return _Coded(codes, held, F.mse_loss(latents, wanted), quantized.codes_used)

    def _draw_held(self, count: int) -> Float[Tensor, "b n"]:
        config = self.config
        shares = config.full_depth_share, config.subset_share
        return draw_held(count, config.codec.n_stages, *shares, self.generator).to(self.device)

    @torch.no_grad()
    def _start_codebooks(self, plan: Schedule) -> None:
        f = self.config.codec.downsampling_factor
        batches = math.ceil(self.config.kmeans_vectors * f**2 / (plan.batch * plan.crop_px**2))
        drawn = (self._crops(plan.batch, plan.crop_px) for _ in range(batches))
        rows = [as_rows(self.net.encoder(crops)) for crops in drawn]
        self.net.quantizer.start(torch.cat(rows), self.generator)

    @torch.no_grad()
    def _follow_average(self) -> None:
        decay = min(self.config.weight_ema, (1 + self.step) / (10 + self.step))
        for mean, now in zip(self.average.parameters(), self.net.parameters(), strict=True):
            mean.lerp_(now, 1 - decay)
        self.average.quantizer.codebooks.copy_(self.net.quantizer.codebooks)

    def result(self) -> CodecNet:
        """The net that is written and watched."""
        share = self.config.start_share
        return mixed(self.average, self.start, share) if self.start and share else self.average

    def nets(self) -> dict[str, nn.Module]:
        """The nets that a checkpoint keeps."""
        learned: dict[str, nn.Module] = {"net": self.net, "average": self.average}
        return learned | ({"discriminator": self.adversary.net} if self.adversary else {})

    def _state(self) -> checkpoint.State:
        judge = {"discriminator_optimizer": self.adversary.optimizer} if self.adversary else {}
        made_from = {"--start": self.start, "teacher": self.teacher}
        return checkpoint.State(self.nets(), {"optimizer": self.optimizer} | judge, self.generator, made_from)

    def save(self, path: Path) -> None:
        """Write a checkpoint."""
        checkpoint.write(path, self.config, self.step, self._state())

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint."""
        self.step = checkpoint.read(path, self.config, self._state())

    @torch.no_grad()
    def preview(self, photos: Sequence[Tensor]) -> tuple[Tensor, list[float]]:
        """Draw each photo (3 h w) after 1..N stages.

        Return the strip (3, rows, columns), and the photos' mean DISTS at each depth.
        """
        n, net = self.config.codec.n_stages, self.result()
        rows, distances = [], torch.zeros(n)
        for photo in photos:
            batch = photo[None].to(self.device)
            parts = net.quantizer(net.encoder(batch)).parts
            held = torch.ones(n, n, device=self.device).tril()
            pictures = net.decoder(torch.einsum("nbduv,kn->kbduv", parts, held)[:, 0], held).clamp(0, 1)
            for depth in range(n):
                distances[depth] += self.perceptual(pictures[depth : depth + 1], batch).dists.cpu()
            rows.append(torch.cat([batch[0], *pictures], dim=2).cpu())
        return torch.cat(rows, dim=1), (distances / len(photos)).tolist()


def train(
    trainer: Trainer,
    folder: Path,
    validation: Sequence[Tensor] = (),
    max_minutes: float = math.inf,
    console: Console | None = None,
) -> bool:
    """Run to the recipe's last step, the time limit, or a signal; progress goes to `console`, else stderr.

    Leaves `checkpoint.safetensors`, the averaged weights, `log.csv` and `strip.png` in `folder`; returns
    whether a signal ended it.
    """
    make_folder(folder)
    config, began = trainer.config, time.monotonic()
    display = Display(console or Console(stderr=True), trainer.step, config.steps)
    with stop_on_signals() as stopped, csv_log(folder / "log.csv", trainer.step) as log, display:
        if config.compile and trainer.step < config.steps:
            display.say("compiling the loss: the first step takes a minute, without AVX-512 five")
        while trainer.step < config.steps and not stopped():
            if time.monotonic() - began > max_minutes * 60:
                break
            rate = schedule(config, trainer.step).learning_rate
            terms = trainer.advance()
            log(trainer.step, time.monotonic() - began, rate, terms)
            display.step(trainer.step, terms)
            if trainer.step % config.checkpoint_every_steps == 0 and trainer.step < config.steps:
                keep(trainer, folder, validation, display)
        keep(trainer, folder, validation, display)
        if trainer.step < config.steps:
            display.say(f"stopped at step {trainer.step} of {config.steps}; the same command goes on")
        return stopped() and trainer.step < config.steps


def keep(trainer: Trainer, folder: Path, validation: Sequence[Tensor], display: Display) -> None:
    """Write the checkpoint, the averaged weights, and the strip of the validation photos."""
    trainer.save(folder / "checkpoint.safetensors")
    progress: dict[str, object] = {"steps": trainer.step, "recipe": trainer.config.model_dump(mode="json")}
    if not trainer.average.quantizer.started:
        display.say(f"step {trainer.step}  checkpoint alone: there are no codes yet")
        return
    weights.save(folder / f"{trainer.config.codec.name}.safetensors", trainer.result(), progress)
    if validation and trainer.step > trainer.config.warmup_steps:
        strip, distances = trainer.preview(validation)
        with replacing(folder / "strip.png") as partial:
            to_image(strip[None]).save(partial)
        numbers = " ".join(f"{distance:.4f}" for distance in distances)
        display.say(f"step {trainer.step}  DISTS of the validation photos after 1, 2, ... stages: {numbers}")
