"""The figure of a comparison: names stay where there is room for them."""

from pathlib import Path

import pytest
from matplotlib.figure import Figure

from satsim import compare_plot
from satsim.compare_plot import figure_of
from satsim.comparison import Comparison
from tests.satsim.test_compare import SCENARIO, _no_processes, compared, tiny

__all__ = ["_no_processes", "tiny"]  # fixtures


def test_long_names_stay_in_their_column(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figures: list[Figure] = []

    def drawn(found: Comparison) -> Figure:
        figures.append(figure_of(found))
        return figures[-1]

    monkeypatch.setattr(compare_plot, "figure_of", drawn)
    tiny.write_text(SCENARIO.replace("name: raw", f"name: r{'a' * 63}"), encoding="utf-8")
    compared(tiny, str(tiny.parent / "slow.yaml"))
    curves, dots = figures[0].axes
    name = f"tiny / r{'a' * 12}…{'a' * 20}"
    (beside,) = [text for text in curves.texts if text.get_text() == name]
    (before,) = [text for text in dots.texts if text.get_text() == name]
    assert beside.get_window_extent().x1 <= figures[0].bbox.x1
    assert before.get_window_extent().x1 <= dots.bbox.x0
