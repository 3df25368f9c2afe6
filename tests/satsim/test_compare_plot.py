"""The figure of a comparison: names stay where there is room for them."""

from pathlib import Path

import pytest
from matplotlib.figure import Figure
from PIL import Image

from satsim import compare_plot
from satsim.compare_plot import figure_of
from satsim.comparison import Comparison
from tests.satsim.test_compare import SCENARIO, _no_processes, compared, tiny

__all__ = ["_no_processes", "tiny"]  # fixtures


def figure_drawn(tiny: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Figure:
    figures: list[Figure] = []

    def drawn(found: Comparison) -> Figure:
        figures.append(figure_of(found))
        return figures[-1]

    monkeypatch.setattr(compare_plot, "figure_of", drawn)
    compared(tiny, *arguments)
    return figures[0]


def test_no_interval_reaches_below_zero(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("RGB", (32, 32), (127, 127, 127)).save(tiny.parent / "photos" / "a.png")  # far above the others
    curves, _ = figure_drawn(tiny, monkeypatch).axes
    (lowest, *_) = [each.get_paths()[0].vertices[:, 1].min() for each in curves.collections]
    assert lowest == 0


def test_long_names_stay_in_their_column(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.write_text(SCENARIO.replace("name: raw", f"name: r{'a' * 63}"), encoding="utf-8")
    figure = figure_drawn(tiny, monkeypatch, str(tiny.parent / "slow.yaml"))
    curves, dots = figure.axes
    name = f"tiny / r{'a' * 12}…{'a' * 20}"
    (beside,) = [text for text in curves.texts if text.get_text() == name]
    (before,) = [text for text in dots.texts if text.get_text() == name]
    assert beside.get_window_extent().x1 <= figure.bbox.x1
    assert before.get_window_extent().x1 <= dots.bbox.x0
