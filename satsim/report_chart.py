"""The report's curves as plain coordinates; the page draws them, light or dark as its reader has it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10
from typing import Literal

from satsim.filmstrip import apart
from satsim.records import EventName
from satsim.rundir import Row, Run
from satsim.settings import Metric
from satsim.wording import METRIC_LABELS, minutes_text, scheme_label, score_text, short_label, time_unit

WIDTH, HEIGHT = 760, 300  # of the drawing, in its own units
LEFT, RIGHT, TOP, BOTTOM = 44, 140, 12, 38  # margins; right for the names
NAME_STEP = 14  # from one name to the next
TICKS = 5  # about as many on each axis
MAX_MARKS = 2000  # of packets: 300 KB of the page
WAYS_END: Mapping[EventName, Literal["received", "lost"]] = {
    "received": "received",
    "duplicate": "received",
    "rejected": "lost",
    "lost": "lost",
}


@dataclass(frozen=True)
class Tick:
    """A place on an axis and what stands there."""

    at: float
    text: str


@dataclass(frozen=True)
class Dot:
    """A picture on its curve, and what it is."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Curve:
    """One scheme's steps, an SVG path, with a dot a picture and its name at the end."""

    number: int
    label: str
    path: str
    dots: tuple[Dot, ...]
    end_y: float
    name_y: float


@dataclass(frozen=True)
class Mark:
    """Where a packet's way ended, or a picture became usable."""

    x: float
    kind: Literal["received", "lost", "usable"]
    text: str


@dataclass(frozen=True)
class Lane:
    """One scheme's packets, along the same axis as the curves."""

    number: int
    label: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Gap:
    """When there was no link, from x on."""

    x: float
    width: float


@dataclass(frozen=True)
class Chart:
    """Everything to draw, x right and y down."""

    curves: tuple[Curve, ...]
    lanes: tuple[Lane, ...]  # none where packets are too many to tell apart
    gaps: tuple[Gap, ...]
    marks: tuple[Tick, ...]  # thresholds, by y
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    end_x: float
    time_unit: str  # of the ticks along x


@dataclass(frozen=True)
class _Scale:
    """A straight line from values to the drawing's units."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        return round(self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start), 1)


def chart_of(run: Run, metric: Metric) -> Chart | None:
    """Return the curves of `metric` over minutes; None if no scheme shows anything."""
    shown = {scheme: _finite(run.rows_of(scheme), metric) for scheme in run.summary}
    values = [getattr(row, metric) for rows in shown.values() for row in rows]
    if not values:
        return None
    thresholds = {"usable": run.manifest.usable_dists, "detail": run.manifest.detail_dists}
    marks = {name: value for name, value in thresholds.items() if value is not None and metric == "dists"}
    ends = [event.time_s for event in run.events if event.event in WAYS_END]
    end_s = max([*ends, *(row.time_s for rows in shown.values() for row in rows)])
    unit = time_unit(end_s)
    x = _Scale(0, end_s / 60, LEFT, WIDTH - RIGHT)
    y = _value_scale([*values, *marks.values()])
    return Chart(
        curves=_curves(run, shown, metric, x, y),
        lanes=_lanes(run, x) if 0 < len(ends) <= MAX_MARKS else (),
        gaps=tuple(_gap(x.at(from_s / 60), x.at(to_s / 60)) for from_s, to_s in run.closed(end_s)),
        marks=tuple(Tick(y.at(value), f"{name} {value:.3f}") for name, value in marks.items()),
        x_ticks=tuple(
            Tick(x.at(value * unit.minutes), f"{value:g}") for value in _ticks(0, end_s / 60 / unit.minutes)
        ),
        y_ticks=tuple(Tick(y.at(value), f"{value:g}") for value in _ticks(y.low, y.high)),
        end_x=x.end,
        time_unit=unit.name,
    )


def _finite(rows: Sequence[Row], metric: Metric) -> list[Row]:
    return [row for row in rows if (value := getattr(row, metric)) is not None and isfinite(value)]


def _value_scale(values: Sequence[float]) -> _Scale:
    margin = (max(values) - min(values)) * 0.1 or abs(max(values)) * 0.1 or 1.0
    return _Scale(min(values) - margin, max(values) + margin, HEIGHT - BOTTOM, TOP)


def _curves(run: Run, shown: dict[str, list[Row]], metric: Metric, x: _Scale, y: _Scale) -> tuple[Curve, ...]:
    """Return the curves in the order in which they are drawn: the first scheme last, on top."""
    numbers = {scheme: number for number, scheme in enumerate(run.summary)}
    ends = sorted((y.at(getattr(rows[-1], metric)), scheme) for scheme, rows in shown.items() if rows)
    names = apart([end for end, _ in ends], NAME_STEP, TOP + NAME_STEP / 2, HEIGHT - BOTTOM)
    curves = [
        Curve(
            number=numbers[scheme],
            label=short_label(scheme_label(scheme)),
            path=_path(shown[scheme], metric, x, y),
            dots=tuple(_dot(row, metric, x, y) for row in shown[scheme]),
            end_y=end,
            name_y=name,
        )
        for (end, scheme), name in zip(ends, names, strict=True)
    ]
    return tuple(sorted(curves, key=lambda curve: -curve.number))


def _lanes(run: Run, x: _Scale) -> tuple[Lane, ...]:
    return tuple(_lane(run, number, scheme, x) for number, scheme in enumerate(run.summary))


def _gap(left: float, right: float) -> Gap:
    return Gap(left, round(right - left, 1))


def _lane(run: Run, number: int, scheme: str, x: _Scale) -> Lane:
    events = [event for event in run.events if event.scheme == scheme and event.event in WAYS_END]
    marks = [
        Mark(
            x.at(event.time_s / 60),
            WAYS_END[event.event],
            f"{minutes_text(event.time_s)}: packet {event.packet} {event.event}, try {event.attempt}",
        )
        for event in events
    ]
    usable_s = run.summary[scheme].t_usable_s
    if usable_s is not None:
        marks.append(Mark(x.at(usable_s / 60), "usable", f"{minutes_text(usable_s)}: usable"))
    return Lane(number, short_label(scheme_label(scheme)), tuple(marks))


def _dot(row: Row, metric: Metric, x: _Scale, y: _Scale) -> Dot:
    value = getattr(row, metric)
    score = f"{METRIC_LABELS[metric]} {score_text(metric, value)}"
    text = f"{scheme_label(row.scheme)}, {minutes_text(row.time_s)}: {score}, {row.bytes:.0f} bytes"
    return Dot(x.at(row.time_s / 60), y.at(value), text)


def _path(rows: Sequence[Row], metric: Metric, x: _Scale, y: _Scale) -> str:
    steps = [f"M{x.at(rows[0].time_s / 60)} {y.at(getattr(rows[0], metric))}"]
    steps += [f"H{x.at(row.time_s / 60)}V{y.at(getattr(row, metric))}" for row in rows[1:]]
    return "".join(steps) + f"H{x.end}"


def _ticks(low: float, high: float) -> list[float]:
    """Return round numbers within low..high, 1, 2 or 5 times a power of ten apart."""
    rough = (high - low) / TICKS
    power = 10.0 ** floor(log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    return [number * step for number in range(ceil(low / step), floor(high / step) + 1)]
