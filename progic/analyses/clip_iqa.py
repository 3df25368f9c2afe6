"""CLIP-IQA (arXiv 2207.12396) by torchmetrics, with the user's own CLIP weights; no stand-in without them."""

from pathlib import Path

import torch

from progic.analyses.extras import wanted
from progic.analyses.study import Study
from progic.errors import InputError
from progic.images import to_tensor

INSTALL = "torchmetrics transformers"
HINT = (
    "CLIP-IQA is not measured: its weights are no part of this package. --clip-iqa DIR takes a folder of "
    f"CLIP weights as transformers saves them (and pip install {INSTALL})."
)


def measure(study: Study) -> tuple[list[float], str]:
    """Mean CLIP-IQA (0..1, higher is better) after 1..N stages, and a line about it; empty without weights.

    Raises InputError for a folder without weights, MissingExtra without torchmetrics or transformers.
    """
    folder = study.settings.clip
    if not folder:
        return [], HINT
    if not (Path(folder) / "config.json").is_file():
        raise InputError(f"--clip-iqa {folder}: holds no config.json; allowed is a folder of CLIP weights")
    wanted("transformers", "CLIP-IQA", INSTALL)
    scorer = wanted("torchmetrics.multimodal", "CLIP-IQA", INSTALL)
    metric = scorer.CLIPImageQualityAssessment(model_name_or_path=folder, data_range=1.0)
    sums = torch.zeros(study.codec.config.n_stages)
    for photo in study.photos(study.settings.size, "CLIP-IQA"):
        stages = study.codec.encode(photo.image)
        for depth in range(len(stages)):
            picture = study.codec.decode(stages[: depth + 1], photo.image.size)
            with torch.no_grad():
                sums[depth] += float(metric(to_tensor(picture)))
    means = (sums / len(study.paths)).tolist()
    return means, f"CLIP-IQA by torchmetrics with the CLIP weights of {Path(folder).name}."
