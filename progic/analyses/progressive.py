"""`progressive` (Fig. 1): what a receiver sees after 1..N stages, with DISTS and BPP under each."""

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.figure import Figure
from PIL import Image

from progic.analyses.curves import Point, our_points
from progic.analyses.drawing import OURS, hide, new_figure
from progic.analyses.published import SUPPLEMENT, TECNICK_DISTS
from progic.analyses.result import Beside, Result, Row
from progic.analyses.study import Photo, Study
from progic.data import chosen

STRIPS = 4  # photos shown; all of them are measured


class Strip(NamedTuple):
    """A photo and its pictures."""

    photo: Photo
    pictures: tuple[Image.Image, ...]
    points: tuple[Point, ...]


def analyse(study: Study) -> Result:
    """Decode every prefix. Raises ImageError for photos that cannot be coded."""
    size = study.settings.size
    points = {photo.name: our_points(study, photo) for photo in study.photos(size, "our scores")}
    strips = [
        _strip(study, photo, points[photo.name])
        for photo in study.photos_at(chosen(study.paths, STRIPS), size, "strips")
    ]
    rows = tuple(
        _row(name, depth, point) for name, each in points.items() for depth, point in enumerate(each)
    )
    first = [each[0].scores.dists for each in points.values()]
    mean, bpp = sum(first) / len(first), next(iter(points.values()))[0].bpp
    return Result(
        name="progressive",
        title="The picture after each stage",
        reference=f"Fig. 1 of {SUPPLEMENT}",
        model=study.codec.config.name,
        photos=len(points),
        rows=rows,
        beside=(_beside(mean, bpp),),
        notes=(f"Shown are {len(strips)} of {len(points)} photos, evenly spread over the folder.",),
        figure=_draw(strips),
    )


def _beside(mean: float, bpp: float) -> Beside:
    return Beside(
        f"DISTS after one stage ({bpp:.3f} BPP)",
        f"{mean:.3f}, mean of the photos",
        f"{TECNICK_DISTS:.3f} at 0.039 BPP, one Tecnick photo",
        f"{mean - TECNICK_DISTS:+.3f}, of other photos and another implementation of DISTS",
        f"{SUPPLEMENT}, Fig. 10",
    )


def _strip(study: Study, photo: Photo, points: Sequence[Point]) -> Strip:
    stages = study.codec.encode(photo.image)
    depths = range(1, len(stages) + 1)
    pictures = tuple(study.codec.decode(stages[:depth], photo.image.size) for depth in depths)
    return Strip(photo, pictures, tuple(points))


def _row(name: str, depth: int, point: Point) -> Row:
    scores = {key: round(value, 4) for key, value in point.scores._asdict().items()}
    return {"photo": name, "stages": depth + 1, "bpp": round(point.bpp, 6), **scores}


def _draw(strips: Sequence[Strip]) -> Figure:
    across = len(strips[0].pictures) + 1
    width, height = strips[0].photo.image.size
    figure = new_figure(1.75 * across, (1.75 * height / width + 0.42) * len(strips) + 0.2)
    grid = figure.subplots(len(strips), across, squeeze=False)
    for line, strip in zip(grid, strips, strict=True):
        for axes, picture in zip(line, (strip.photo.image, *strip.pictures), strict=True):
            axes.imshow(picture)
            hide(axes)
        line[0].set_xlabel(f"original\n{strip.photo.name}", fontsize=8, parse_math=False)
        for axes, point in zip(line[1:], strip.points, strict=True):
            axes.set_xlabel(f"DISTS {point.scores.dists:.3f}\n{point.bpp:.4f} BPP", fontsize=8)
    for axes, depth in zip(grid[0], range(across), strict=True):
        if depth:
            axes.set_title(f"{depth} stage{'s' if depth > 1 else ''}", fontsize=9, color=OURS)
    return figure
