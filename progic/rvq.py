"""Residual vector quantisation: stage k codes what stages 0..k-1 left over.

Codebooks follow their vectors by exponential moving averages, and codes that nothing uses are moved onto
vectors of the batch (SoundStream, arXiv 2107.03312, section III-C).

Training codes greedily, stage by stage; a photo that is sent is coded by beam search, since a code that is
not the nearest may leave what the next stages code better.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor, nn

PATHS = 8  # kept by the search; 16 leave 1 % less error after the last stage and take three times as long
SEARCH_ROWS = 192  # searched at a time: their costs stay in the cache (1024: half as long again, with AVX2)
FOLD = 8  # codes whose least cost stands for them all until the best are known
LEAST_COUNT = 1e-5  # of a code that still moves: below, its average is of rounding


class Quantized(NamedTuple):
    """Result of quantising a batch of latents."""

    indices: Int[Tensor, "n b u v"]  # stage, photo, row, column; 0..2^L-1
    parts: Float[Tensor, "n b d u v"]  # each stage's code vectors; those held are summed
    residuals: Float[Tensor, "n b d u v"]  # what each stage was given to code

    @property
    def codes_used(self) -> float:
        """Distinct codes of a stage, mean over the stages."""
        return sum(len(stage.unique()) for stage in self.indices) / len(self.indices)


class ResidualVectorQuantizer(nn.Module):
    """N codebooks of 2^L codes of `code_dim` numbers."""

    codebooks: Tensor  # (N, 2^L, d)
    counts: Tensor  # (N, 2^L) moving average of how often a code is used, 1 is a uniform share
    sums: Tensor  # (N, 2^L, d) moving average of the sum of what it coded, over the same share

    def __init__(self, n_stages: int, n_codes: int, code_dim: int) -> None:
        super().__init__()
        self.n_stages, self.n_codes = n_stages, n_codes
        self.register_buffer("codebooks", torch.zeros(n_stages, n_codes, code_dim))
        self.register_buffer("counts", torch.ones(n_stages, n_codes), persistent=False)
        self.register_buffer("sums", torch.zeros(n_stages, n_codes, code_dim), persistent=False)

    @torch.no_grad()
    def forward(self, latents: Float[Tensor, "b d u v"]) -> Quantized:
        """Code latents with every stage; no gradient passes."""
        residual = latents.detach().float()
        indices, parts, residuals = [], [], []
        for stage in range(self.n_stages):
            chosen = self.nearest(stage, as_rows(residual)).view(residual.shape[0], *residual.shape[2:])
            part = self.look_up(stage, chosen)
            residuals.append(residual)
            indices.append(chosen)
            parts.append(part)
            residual = residual - part
        return Quantized(torch.stack(indices), torch.stack(parts), torch.stack(residuals))

    @torch.no_grad()
    def search(
        self,
        latents: Float[Tensor, "b d u v"],
        paths: int = PATHS,
        begun: Int[Tensor, "k b u v"] | None = None,
    ) -> Int[Tensor, "n b u v"]:
        """Code latents with every stage by beam search, with `paths` beginnings kept at each.

        What is least is the squared error after 1 stage, after 2, ... after N, summed: each of them is shown.
        One path is the greedy search of `forward`. `begun` are codes of the first stages, which stay.
        """
        begun = latents.new_zeros(0, latents.shape[0], *latents.shape[2:]).long() if begun is None else begun
        left = latents.float()
        for stage, indices in enumerate(begun):
            left = left - self.look_up(stage, indices)
        parts = torch.split(as_rows(left), SEARCH_ROWS)
        found = torch.cat([self.search_rows(part, paths, len(begun)) for part in parts])
        return torch.cat([begun, found.T.reshape(-1, latents.shape[0], *latents.shape[2:])])

    def search_rows(
        self, rows: Float[Tensor, "m d"], paths: int = PATHS, first: int = 0
    ) -> Int[Tensor, "m n"]:
        """Do the same from stage `first` on, for what the stages before it leave of the rows of latents.

        All rows are searched at once: `paths` x 2^L numbers of memory each.
        """
        left = rows[:, None]  # (m, paths, d): what each beginning leaves to the next stage
        cost = rows.new_zeros(rows.shape[0], 1)  # not len(rows), which an exported graph takes for a constant
        chosen = torch.zeros(rows.shape[0], 1, 0, dtype=torch.long, device=rows.device)
        for stage, codes in enumerate(self.codebooks[first:]):
            # cost + |left - code|^2 of all in one product: a sum over as many numbers takes as long again
            spent, norms = cost + left.square().sum(2), codes.square().sum(1, keepdim=True)
            begun = torch.cat([-2 * left, spent[..., None], torch.ones_like(spent)[..., None]], dim=2)
            ends = torch.cat([codes, torch.ones_like(norms), norms], dim=1)
            reached = begun @ ends.T
            kept = min(paths, reached[0].numel()) if first + stage + 1 < self.n_stages else 1
            cost, best = _least(reached.flatten(1), kept)
            parent, code = best // self.n_codes, best % self.n_codes
            left = left.gather(1, parent[..., None].expand(-1, -1, left.shape[2])) - codes[code]
            before = chosen.gather(1, parent[..., None].expand(-1, -1, stage))
            chosen = torch.cat([before, code[..., None]], dim=2)
        return chosen[:, 0]

    def decode(self, indices: dict[int, Int[Tensor, "b u v"]]) -> Float[Tensor, "b d u v"]:
        """Sum of the code vectors of the stages given, one or more."""
        # in stage order, so that the same stages give the same bits however they arrived
        return torch.stack([self.look_up(stage, indices[stage]) for stage in sorted(indices)]).sum(0)

    def nearest(self, stage: int, rows: Float[Tensor, "m d"]) -> Int[Tensor, "m"]:
        """Index of the code nearest to each row, by squared distance."""
        codes = self.codebooks[stage]
        with torch.autocast(rows.device.type, enabled=False):  # bf16 distances pick other codes
            return torch.addmm(codes.square().sum(1), rows, codes.T, alpha=-2).argmin(1)

    def look_up(self, stage: int, indices: Int[Tensor, "b u v"]) -> Float[Tensor, "b d u v"]:
        """Code vectors of one stage."""
        return self.codebooks[stage][indices].permute(0, 3, 1, 2)

    @torch.no_grad()
    def start(self, latents: Float[Tensor, "m d"], generator: Generator, rounds: int = 10) -> None:
        """Set every codebook by k-means (Lloyd) on the residuals of `latents`, stage after stage.

        A code that is left without a vector, such as one of twins, counts as idle, to be revived.
        """
        residual, counts = latents.float(), torch.zeros_like(self.counts)
        for stage in range(self.n_stages):
            codes = residual[_pick(len(residual), self.n_codes, generator)]
            for _ in range(rounds):
                self.codebooks[stage] = codes
                members, sums = self._tally(self.nearest(stage, residual), residual)
                codes = torch.where(members[:, None] > 0, sums / members.clamp(min=1)[:, None], codes)
            self.codebooks[stage] = codes
            chosen = self.nearest(stage, residual)
            counts[stage] = self._tally(chosen, residual)[0] > 0
            residual = residual - codes[chosen]
        self.counts.copy_(counts)
        self.sums.copy_(self.codebooks * counts[..., None])

    @property
    def started(self) -> bool:
        """Whether the codebooks hold anything."""
        return bool(self.codebooks.any())

    def forget(self) -> None:
        """Take the codebooks as they are for the averages of all that they coded."""
        self.counts.fill_(1)
        self.sums.copy_(self.codebooks)

    @torch.no_grad()
    def follow(self, quantized: Quantized, decay: float, revive_below: float, generator: Generator) -> None:
        """Move codebooks toward the vectors they just coded.

        Codes used less than `revive_below` of a uniform share are replaced by vectors of the batch.
        """
        for stage in range(self.n_stages):
            rows = as_rows(quantized.residuals[stage])
            counts, sums = self._tally(quantized.indices[stage].reshape(-1), rows)
            share = len(rows) / self.n_codes
            self.counts[stage].lerp_(counts / share, 1 - decay)
            self.sums[stage].lerp_(sums / share, 1 - decay)
            count = self.counts[stage, :, None]
            self.codebooks[stage] = torch.where(
                count > LEAST_COUNT, self.sums[stage] / count, self.codebooks[stage]
            )
            self._revive(stage, rows, revive_below, generator)

    def _revive(self, stage: int, rows: Tensor, revive_below: float, generator: Generator) -> None:
        idle = (self.counts[stage] < revive_below).nonzero()[:, 0][: len(rows)]
        if len(idle):
            fresh = rows[_pick(len(rows), len(idle), generator)]
            self.codebooks[stage, idle] = fresh
            self.sums[stage, idle] = fresh
            self.counts[stage, idle] = 1.0

    def _tally(self, indices: Int[Tensor, "m"], rows: Float[Tensor, "m d"]) -> tuple[Tensor, Tensor]:
        counts = torch.bincount(indices, minlength=self.n_codes).to(rows.dtype)
        sums = torch.zeros(self.n_codes, rows.shape[1], device=rows.device).index_add_(0, indices, rows)
        return counts, sums


def as_rows(latents: Float[Tensor, "b d u v"]) -> Float[Tensor, "m d"]:
    """Latents, one a row."""
    return latents.permute(0, 2, 3, 1).reshape(-1, latents.shape[1])


def _least(costs: Float[Tensor, "m c"], count: int) -> tuple[Float[Tensor, "m k"], Int[Tensor, "m k"]]:
    """The `count` least costs of each row, and where they are.

    The least lie in the groups with the least minima, one in each at the worst; so most of the sorting, which
    is slow, is left to the minimum, which is fast.
    """
    if costs.shape[1] % FOLD or costs.shape[1] // FOLD < count:
        return torch.topk(costs, count, largest=False)
    folded = costs.view(costs.shape[0], FOLD, -1)  # (m, FOLD, groups)
    groups = folded.amin(1).topk(count, largest=False, sorted=False).indices  # (m, k)
    inside = folded.gather(2, groups[:, None].expand(-1, FOLD, -1)).flatten(1)  # (m, FOLD k)
    values, at = inside.topk(count, largest=False)
    member, group = at // count, groups.gather(1, at % count)
    return values, member * (costs.shape[1] // FOLD) + group


def _pick(n: int, k: int, generator: Generator) -> Int[Tensor, "k"]:
    """k of n rows at random, each at most once where n allows."""
    order = torch.randperm(n, generator=generator)
    return order[:k] if k <= n else order[torch.randint(n, (k,), generator=generator)]
