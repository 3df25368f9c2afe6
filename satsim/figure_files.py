"""A figure as PNG and SVG: the same results give the same files."""

import warnings
from collections.abc import Callable
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

DPI = 200


def write_figure(figure_of: Callable[[], Figure], folder: Path, name: str, salt: str) -> None:
    """Draw a figure into `folder` as `name`.png and `name`.svg; `salt` decides the ids in the SVG.

    Names in it are text as they are: no formulas between dollar signs, and a box, without a warning, for a
    sign that the font does not have.
    """
    with matplotlib.rc_context({"svg.hashsalt": salt, "text.parse_math": False}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+", UserWarning)
        figure = figure_of()
        figure.savefig(folder / f"{name}.png", dpi=DPI, metadata={"Software": None})
        figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
