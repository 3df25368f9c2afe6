"""`bd-rate` (Table 1): bits for the same DISTS and LPIPS as an anchor; ours measured, others as published."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from progic import classical
from progic.analyses.curves import Curve, our_curve, their_curves
from progic.analyses.drawing import OURS, PUBLISHED, SOFT, new_figure, plain
from progic.analyses.published import BD_RATE_ANCHOR, CODECS, CURVES, PROGIC, SUPPLEMENT
from progic.analyses.result import Beside, Cell, Result, Row
from progic.analyses.study import Settings, Study
from progic.bd_rate import NO_RATE, bd_percent, curve_of
from progic.compare import LEAST_POINTS
from progic.errors import InputError

METRICS = ("dists", "lpips")
KEYS = tuple(f"{metric}_percent" for metric in METRICS)  # columns
Rates = dict[str, list[tuple[float, float]]]  # metric: (bpp, mean)


class Against(NamedTuple):
    """A curve to compare with, and where its numbers are from."""

    title: str
    kind: str  # measured, or published points
    rates: Rates


def analyse(study: Study) -> Result:
    """Compare ours with every curve there is, and every curve with the anchor.

    Raises InputError for an anchor that is neither a published curve nor a format that is measured.
    """
    anchor_name = check_anchor(study.settings)
    full, ours = our_curve(study, None), our_curve(study, study.settings.size)
    measured = {curve.key: _measured(curve) for curve in their_curves(study, study.settings.size)}
    published = {key: _published(key) for key in CURVES}
    is_measured = anchor_name in measured
    anchor = measured[anchor_name] if is_measured else published[anchor_name]
    others = measured if is_measured else published
    at_full_size = _measured(full, "lpips_alex")  # as published
    first = _row(_measured(ours) if is_measured else at_full_size, anchor)
    rows = [first, *(_row(each, anchor) for each in others.values() if each is not anchor)]
    if anchor_name == BD_RATE_ANCHOR:
        rows += _cited(anchor.title)
    rows += [_row(_measured(ours), each) for each in measured.values() if each is not anchor]
    rows += [_row(at_full_size, each) for each in published.values() if each is not anchor]
    return Result(
        name="bd-rate",
        title="BD-rate",
        reference=f"Table 1 of {SUPPLEMENT}",
        model=ours.title,
        photos=len(study.paths),
        rows=tuple(rows),
        beside=tuple(_beside(first, metric) for metric in METRICS),
        notes=(SIGN, CONDITIONS, _reach(full, anchor) if not is_measured else ""),
        figure=_draw(rows, ours.title),
    )


SIGN = (
    "Percent more (above 0) or fewer bits than the anchor for the same quality: Bjontegaard over the "
    "logarithm of the rate, pchip, over the quality that both reach; empty where the curves do not meet "
    "or no number is published."
)
CONDITIONS = (
    "'published points': computed here from published means over Kodak at full size; 'published': the "
    "paper's own number. Ours is measured at full size against those, where LPIPS is AlexNet's, and at the "
    "set size against whole files, where it is VGG16's."
)


def check_anchor(settings: Settings) -> str:
    """Return the anchor's name; raises InputError for one that there is no curve of."""
    allowed = [*CURVES, *settings.formats]
    if settings.anchor not in allowed:
        raise InputError(f"--anchor: found {settings.anchor!r}, allowed {', '.join(allowed)}")
    for name in settings.formats:
        classical.check_format(name)
    return settings.anchor


def _measured(curve: Curve, lpips: str = "lpips") -> Against:
    return Against(curve.title, "measured", {"dists": curve.rates("dists"), "lpips": curve.rates(lpips)})


def _published(key: str) -> Against:
    curve = CURVES[key]
    dists = [(point.bpp, point.dists) for point in curve.points]
    lpips = [(point.bpp, point.lpips_alex) for point in curve.points]
    return Against(curve.title, "published points", {"dists": dists, "lpips": lpips})


def _row(codec: Against, anchor: Against) -> Row:
    values = {
        metric: bd_percent(curve_of(codec.rates[metric]), curve_of(anchor.rates[metric]), LEAST_POINTS)
        for metric in METRICS
    }
    return {
        "codec": codec.title,
        "kind": codec.kind,
        "anchor": anchor.title,
        "anchor_kind": anchor.kind,
        **{f"{name}_percent": None if value is None else round(value, 2) for name, value in values.items()},
        "source": "",
    }


def _cited(anchor: str) -> list[Row]:
    """The paper's own rows."""
    return [
        {
            "codec": codec.title,
            "kind": "published",
            "anchor": anchor,
            "anchor_kind": "published",
            "dists_percent": codec.bd_rate_dists_percent,
            "lpips_percent": codec.bd_rate_lpips_percent,
            "source": codec.source,
        }
        for codec in CODECS
        if codec.title != anchor
    ]


def _reach(full: Curve, anchor: Against) -> str:
    """Where the two curves lie, which says what an empty cell means."""
    ours = [value for _, value in full.rates("dists")]
    theirs = [value for _, value in anchor.rates["dists"]]
    return (
        f"DISTS of ours at full size: {min(ours):.3f} to {max(ours):.3f}; "
        f"of {anchor.title} as published: {min(theirs):.3f} to {max(theirs):.3f}."
    )


def _beside(first: Row, metric: str) -> Beside:
    paper = {"dists": PROGIC.bd_rate_dists_percent, "lpips": PROGIC.bd_rate_lpips_percent}[metric] or 0.0
    ours, anchor = first[f"{metric}_percent"], first["anchor"]
    is_same = anchor == CURVES[BD_RATE_ANCHOR].title
    value = f"{ours:+.1f} %" if isinstance(ours, float) else NO_RATE
    difference = f"{ours - paper:+.1f} points" if isinstance(ours, float) and is_same else "not comparable"
    return Beside(
        f"BD-rate by {metric.upper()} against {anchor}",
        value,
        f"{paper:+.2f} % against MS-ILLM",
        difference,
        PROGIC.source,
    )


def _draw(rows: Sequence[Row], model: str) -> Figure:
    """Every row that has a value, and ours in any case."""
    shown = [row for row in rows if row["codec"] == model or any(row[key] is not None for key in KEYS)]
    figure = new_figure(9.6, 0.27 * len(shown) + 1.2)
    for axes, key, metric in zip(figure.subplots(1, 2, sharey=True), KEYS, METRICS, strict=True):
        for height, row in enumerate(shown):
            _bar(axes, height, row[key], OURS if row["codec"] == model else SOFT, row["kind"] == "published")
        axes.axvline(0, color=PUBLISHED, linewidth=0.8)
        axes.set_xscale("symlog", linthresh=100)
        axes.set_xlim(-190, 3000)
        axes.set_xticks([-100, -50, 0, 50, 100, 1000], ["-100", "-50", "0", "50", "100", "1000"])
        plain(axes, "bits more than the other for the same quality, %", "", f"by {metric.upper()}")
    names = [f"{row['codec']} ({row['kind']}) against {row['anchor']}" for row in shown]
    figure.axes[0].set_yticks(range(len(shown)), names, fontsize=7)
    figure.axes[0].set_ylim(len(shown) - 0.4, -0.8)
    return figure


def _bar(axes: Axes, height: int, value: Cell, color: str, is_open: bool) -> None:
    if not isinstance(value, int | float):
        axes.annotate(f" {NO_RATE}", (0, height), fontsize=7, color=PUBLISHED, va="center")
        return
    axes.plot([0, value], [height, height], color=color, linewidth=1.2)
    axes.scatter(
        [value], [height], s=36, facecolors="white" if is_open else color, edgecolors=color, zorder=3
    )
    side, shift = ("left", 6) if value >= 0 else ("right", -6)
    place: dict[str, Any] = {"xytext": (shift, 0), "textcoords": "offset points", "ha": side, "va": "center"}
    axes.annotate(f"{value:+.0f} %", (value, height), fontsize=7, color=color, **place)
