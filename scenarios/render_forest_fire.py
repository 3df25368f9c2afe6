"""Render the forest fire that the scenarios send: `python scenarios/render_forest_fire.py [OUT]`.

Nothing in the picture is taken from a photograph: land, trees, flames and smoke are grown from a seed.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from forest_fire_scene import film, flames, forest, land, smoke
from forest_fire_scene.conifers import Nursery, nursery
from forest_fire_scene.noise import Array, PlaneNoise
from numpy.typing import NDArray
from PIL import Image

SEED = 10
SIZE_PX = 768
OUT = Path(__file__).with_name("forest_fire.png")


def _sources(front: flames.FireFront, ground: land.Land, camera: land.Camera) -> list[smoke.Source]:
    """The places along the front from which smoke rises."""
    x_m = np.linspace(-200, 170, 12)
    depth_m = front.depth(x_m)
    columns = camera.column(x_m, depth_m) / camera.size_px
    rows = camera.row(ground.height(x_m, depth_m) + 8, depth_m) / camera.size_px
    strength = 0.25 + 0.75 * front.strength(x_m)
    return [
        smoke.Source(float(c), float(r), 0.012 + 0.022 * float(s), float(s))
        for c, r, s in zip(columns, rows, strength, strict=True)
        if s > 0.45
    ]


def _paint_fire(
    picture: Array,
    fire: flames.Flames,
    trees: forest.Trees,
    plants: Nursery,
    ground_m: Array,
    tongues: list[Array],
) -> None:
    """Paint flames and the trees among and before them, from far to near."""
    edges = np.append(fire.depth_m, 0.0)
    nearer = trees.where(trees.depth_m > edges[0])
    forest.paint_trees(picture, nearer, plants, ground_m)
    for i, depth in enumerate(fire.depth_m):
        shape = tongues[int(fire.kind[i]) % len(tongues)]
        flames.paint_flame(
            picture, shape, float(fire.column[i]), float(fire.base_row[i]), float(fire.tall_px[i])
        )
        between = (trees.depth_m <= depth) & (trees.depth_m > edges[i + 1])
        forest.paint_trees(picture, trees.where(between), plants, ground_m)


def render(size_px: int, seed: int) -> NDArray[np.uint8]:
    """Render the scene, (size_px, size_px, 3) sRGB; the same seed gives the same picture."""
    seeds = np.random.SeedSequence(seed).spawn(9)
    rngs = [np.random.default_rng(s) for s in seeds]
    camera, ground, front = land.Camera(size_px), land.Land(rngs[0]), flames.FireFront(rngs[1])
    depth_m = land.depth_map(ground, camera)
    air = PlaneNoise(rngs[2])
    floor = land.ground(ground, camera, depth_m, air)
    picture = np.where(np.isinf(depth_m)[..., None], land.sky(camera, air), floor)
    plants = nursery(rngs[3])
    trees = forest.plant(rngs[4], ground, camera, depth_m, front)
    x_m = camera.across(trees.column, trees.depth_m)
    behind = trees.depth_m > front.depth(x_m) + 25
    forest.paint_trees(picture, trees.where(behind), plants, depth_m)
    sources = _sources(front, ground, camera)
    rho = smoke.density(rngs[5], size_px * 5 // 8, sources)
    picture = smoke.light_smoke(rho, sources, size_px).over(picture)
    tongues = [flames.tongue(rngs[6]) for _ in range(24)]
    fire = flames.kindle(rngs[7], front, ground, camera)
    _paint_fire(picture, fire, trees.where(~behind), plants, depth_m, tongues)
    return film.develop(rngs[8], picture)


def main(out: Annotated[Path, typer.Argument()] = OUT) -> None:
    """Write the picture."""
    Image.fromarray(render(SIZE_PX, SEED)).save(out, optimize=True)


if __name__ == "__main__":
    typer.run(main)
