"""Bjontegaard's mean difference between two curves: what the same quality costs, in percent more or less.

After G. Bjontegaard, "Calculation of average PSNR differences between RD-curves" (ITU-T VCEG-M33, 2001), with
piecewise cubic (pchip) interpolation of log cost over quality, by the package `bjontegaard`.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import bjontegaard

LEAST_POINTS = 2  # of a curve, for an interpolation between them


class Point(NamedTuple):
    """A point of a curve."""

    cost: float  # above 0: bytes, seconds
    quality: float  # higher is better: 1 - DISTS, PSNR


Curve = Sequence[Point]
NO_RATE = "nothing in common"  # the curves do not meet, or one has too few points


def is_curve(points: Curve) -> bool:
    """Tell whether there are two points at least, and each is better than the one before."""
    return len(points) >= LEAST_POINTS and all(one.quality < next_.quality for one, next_ in pairwise(points))


def rising(points: Iterable[Point]) -> Curve:
    """Return the points that are better than all before them; what costs more must be better."""
    kept: list[Point] = []
    for point in points:
        if not kept or point.quality > kept[-1].quality:
            kept.append(point)
    return tuple(kept)


def curve_of(points: Iterable[tuple[float, float]]) -> Curve:
    """Return the curve of (cost, distance), such as bytes and DISTS: lower distances are better."""
    return rising(Point(cost, 1 - distance) for cost, distance in points)


def bd_percent(curve: Curve, anchor: Curve, least_points: int = LEAST_POINTS) -> float | None:
    """Return by how many percent `curve` costs more than `anchor` at the same quality, below 0: less.

    The mean of the log cost's difference over the qualities that both reach. None where one is no curve
    (`is_curve`), has fewer than `least_points`, or they have no quality in common.
    """
    if min(len(curve), len(anchor)) < least_points or not (is_curve(curve) and is_curve(anchor)):
        return None
    if max(curve[0].quality, anchor[0].quality) >= min(curve[-1].quality, anchor[-1].quality):
        return None
    percent = bjontegaard.bd_rate(
        [point.cost for point in anchor],
        [point.quality for point in anchor],
        [point.cost for point in curve],
        [point.quality for point in curve],
        method="pchip",
        require_matching_points=False,
        min_overlap=0,  # else it warns of a small one
    )
    return float(percent)
