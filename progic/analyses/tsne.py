"""`tsne` (Fig. 5): the latents and each stage's quantised residual, embedded in the plane."""

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray

from progic.analyses.drawing import OTHERS, OURS, SOFT, hide, new_figure
from progic.analyses.extras import wanted
from progic.analyses.published import SUPPLEMENT
from progic.analyses.result import Beside, Result, Row
from progic.analyses.study import Photo, Study
from progic.errors import InputError
from progic.images import to_tensor
from progic.rvq import as_rows

POINTS = 400  # of the latents, and of each stage
PERPLEXITY = 30.0  # scikit-learn's default

Rows = NDArray[np.float32]


def analyse(study: Study) -> Result:
    """Embed latents and code vectors of the photos together. Raises MissingExtra without scikit-learn."""
    manifold = wanted("sklearn.manifold", "tsne")
    f = study.codec.config.downsampling_factor
    width, height = (max(f, side // f * f) for side in study.settings.size)  # whole latents: none is padding
    parts = [_vectors(study, photo) for photo in study.photos((width, height), "photos coded")]
    latents = np.concatenate([part[0] for part in parts])
    if not latents.std(0).any():
        found = f"one latent, {len(latents)} times, in {len(parts)} photos of {width}x{height}"
        raise InputError(f"tsne: found {found}; allowed are more photos, or larger ones by --size")
    stages = [np.concatenate(each) for each in zip(*(part[1] for part in parts), strict=True)]
    picked = np.random.default_rng(study.settings.seed).choice(len(latents), min(POINTS, len(latents)), False)
    sets = [latents[picked], *(stage[picked] for stage in stages)]
    study.progress("t-SNE", 0, 1)
    perplexity = min(PERPLEXITY, (sum(map(len, sets)) - 1) / 3)
    embedding = manifold.TSNE(perplexity=perplexity, init="pca", random_state=study.settings.seed)
    places = embedding.fit_transform(np.concatenate(sets))
    study.progress("t-SNE", 1, 1)
    rows = tuple(_rows(latents, stages))
    return Result(
        name="tsne",
        title="Latents and quantised residuals",
        reference=f"Fig. 5 of {SUPPLEMENT}",
        model=study.codec.config.name,
        photos=len(parts),
        rows=rows,
        beside=(_beside(rows),),
        notes=(NOTE.format(points=len(picked), perplexity=perplexity, seed=study.settings.seed),),
        figure=_draw(np.split(places, len(sets)), rows),
    )


NOTE = (
    "{points} latents at random and what each stage says of the same ones, all in one embedding (t-SNE of "
    "scikit-learn, perplexity {perplexity:g}, seed {seed}). Distances between far groups mean nothing in "
    "such a figure; the shares of variance do, and are of all latents."
)


@torch.inference_mode()
def _vectors(study: Study, photo: Photo) -> tuple[Rows, list[Rows]]:
    """A photo's latents (m, d), and each stage's code vectors for them, as the codec sends them."""
    net = study.codec.net
    latents = net.encoder(to_tensor(photo.image))
    indices = net.quantizer.search(latents)
    stages = [net.quantizer.decode({stage: chosen}) for stage, chosen in enumerate(indices)]
    return _flat(latents), [_flat(stage) for stage in stages]


def _flat(maps: torch.Tensor) -> Rows:
    rows: Rows = as_rows(maps).float().numpy()
    return rows


def _rows(latents: Rows, stages: Sequence[Rows]) -> list[Row]:
    """How much of the latents' variance is left after each stage."""
    total = float(((latents - latents.mean(0)) ** 2).sum(1).mean())
    left, rows = latents, list[Row]()
    for number, stage in enumerate(stages, 1):
        left = left - stage
        rest = float((left**2).sum(1).mean())
        rows.append(
            {
                "stage": number,
                "mean_norm": round(float(np.linalg.norm(stage, axis=1).mean()), 4),
                "left_of_variance_percent": round(100 * rest / total, 2),
                "distinct_vectors": len(np.unique(stage, axis=0)),
            }
        )
    return rows


def _beside(rows: Sequence[Row]) -> Beside:
    first, last = rows[0]["left_of_variance_percent"], rows[-1]["left_of_variance_percent"]
    return Beside(
        "latents' variance left after the first and the last stage",
        f"{first:.1f} %, {last:.1f} %",
        "a figure, without a number",
        "none to take",
        f"{SUPPLEMENT}, Fig. 5",
    )


def _draw(places: Sequence[NDArray[np.float32]], rows: Sequence[Row]) -> Figure:
    figure = new_figure(2.1 * len(places), 2.7)
    everything = np.concatenate(places)
    names = ["latents", *(f"stage {row['stage']}" for row in rows)]
    colors = [SOFT, OURS, *OTHERS * 8]
    for axes, here, name, color in zip(figure.subplots(1, len(places)), places, names, colors, strict=False):
        axes.scatter(everything[:, 0], everything[:, 1], s=1, color="#e2e2e2", linewidths=0, rasterized=True)
        axes.scatter(here[:, 0], here[:, 1], s=4, color=color, linewidths=0, rasterized=True)
        hide(axes)
        axes.set_title(name, fontsize=9, color=color)
    for axes, row in zip(figure.axes[1:], rows, strict=True):
        axes.set_xlabel(f"{row['left_of_variance_percent']:.0f} % of variance left", fontsize=8)
    figure.axes[0].set_xlabel("grey behind: all the others", fontsize=8)
    return figure
