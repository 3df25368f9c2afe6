"""The command `satsim score`."""

import json
import math
from pathlib import Path
from typing import Annotated

import typer

from satsim.commands.options import AsJson, Metrics, asked_metrics
from satsim.csv_file import rounded
from satsim.ending import ends_well
from satsim.errors import InputError
from satsim.wording import METRIC_LABELS


@ends_well
def score(
    original: Annotated[Path, typer.Argument(help="The photo as it was.")],
    picture: Annotated[Path, typer.Argument(help="The picture to judge, of the same size.")],
    metrics: Metrics = None,
    as_json: AsJson = False,
) -> None:
    """Print how near a picture is to its original: DISTS, LPIPS, PSNR and MS-SSIM.

    In JSON, null is a score that was not asked for or has no finite value: PSNR of equal pictures,
    MS-SSIM below 161 pixels.
    """
    asked = asked_metrics(metrics)

    from progic.errors import ImageError
    from progic.images import open_photo
    from satsim.intake import load_perceptual
    from satsim.quality import Scorer

    first, second = open_photo(original), open_photo(picture)
    if first.size != second.size:
        sizes = f"found {second.width}x{second.height} pixels, allowed {first.width}x{first.height}"
        raise InputError(f"{picture}: {sizes}, as {original}")
    try:
        scores = Scorer(first, asked, load_perceptual(asked)).scores(second)._asdict()
    except ImageError as error:
        raise InputError(f"{original}: {error}") from None
    if as_json:
        finite = {name: value for name, value in scores.items() if value is not None and math.isfinite(value)}
        typer.echo(json.dumps(dict.fromkeys(scores) | rounded(finite)))
        return
    for name in asked:
        value = scores[name]
        typer.echo(f"{METRIC_LABELS[name]:10} {'not defined' if value is None else f'{value:.4f}'}")
