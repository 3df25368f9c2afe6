"""Where the pictures of a timeline go: arithmetic in seconds and inches; nothing is drawn here."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Literal

from satsim.records import Event, TimelineRow
from satsim.rundir import Run

SMALLEST_IN = 0.44  # a picture's side on paper; smaller ones tell nothing
GAP = 0.06  # between pictures, as a part of their width


@dataclass(frozen=True)
class Gap:
    """A moment at which a packet was due and no new picture came."""

    time_s: float
    kind: Literal["waiting", "lost"]
    text: str  # what is held by then: "2 of 5"


@dataclass(frozen=True)
class Strip:
    """One scheme's row."""

    scheme: str
    rows: tuple[TimelineRow, ...]  # its pictures
    gaps: tuple[Gap, ...]
    note: str | None


@dataclass(frozen=True)
class Film:
    """All rows, and the scale at which no two pictures overlap."""

    strips: tuple[Strip, ...]
    end_s: float  # the last moment at which anything arrives or is lost
    seconds_per_in: float
    picture_in: float
    is_dense: bool  # moments are nearer than pictures are wide: gaps are marked, not framed


def film_of(run: Run, width_in: float, margin_in: float, most_in: float) -> Film:
    """Lay out a run on `width_in`, of which `margin_in` is right of the last moment.

    No picture is wider than `most_in`, which is at most `margin_in`.
    """
    strips = tuple(_strip(run, scheme) for scheme in run.summary)
    slot_s = run.scenario.link.interval_s
    moments = [
        sorted([row.time_s for row in strip.rows] + [gap.time_s for gap in strip.gaps]) for strip in strips
    ]
    end_s = max(chain(*moments), default=0.0) or slot_s
    nearest_s = min([slot_s, *(late - early for row in moments for early, late in pairwise(row))])
    picture_in = min(most_in, nearest_s / end_s * (width_in - margin_in) * (1 - GAP))
    return Film(
        strips=strips,
        end_s=end_s,
        seconds_per_in=end_s / (width_in - margin_in),
        picture_in=max(picture_in, SMALLEST_IN),
        is_dense=picture_in < SMALLEST_IN,
    )


def apart(wanted: Sequence[float], step: float, low: float, high: float) -> list[float]:
    """Return positions near `wanted` (ascending), in low..high and `step` apart or, without room, evenly."""
    step = min(step, (high - low) / max(1, len(wanted) - 1))
    placed: list[float] = []
    for value in wanted:
        placed.append(max(value, placed[-1] + step if placed else low))
    limit = high
    for index in reversed(range(len(placed))):
        placed[index] = min(placed[index], limit)
        limit = placed[index] - step
    return placed


def thinned(rows: Sequence[TimelineRow], width_in: float, picture_in: float) -> list[TimelineRow]:
    """Return as many rows as fit, evenly spaced, the first and the last among them."""
    n_fitting = int((width_in + GAP * picture_in) / (picture_in * (1 + GAP)))
    if len(rows) <= n_fitting:
        return list(rows)
    step = (len(rows) - 1) / (n_fitting - 1)
    return [rows[round(number * step)] for number in range(n_fitting)]


def _strip(run: Run, scheme: str) -> Strip:
    rows = tuple(row for row in run.timeline if row.scheme == scheme and isinstance(row, TimelineRow))
    events = [event for event in run.events if event.scheme == scheme]
    shown_at = {row.time_s for row in rows}
    gaps = _gaps(events, run.scenario.link.latency.total_s)
    return Strip(
        scheme=scheme,
        rows=rows,
        gaps=tuple(gap for gap in gaps if gap.time_s not in shown_at),
        note=run.summary[scheme].note,
    )


def _gaps(events: Sequence[Event], latency_s: float) -> list[Gap]:
    """Return the wait for the first packet, then each packet's arrival, or when it would have arrived."""
    n_packets = sum(event.event == "queued" for event in events)
    gaps = [Gap(0.0, "waiting", "")] if events else []
    n_held = 0
    for event in events:
        if event.event == "received":
            n_held += 1
            gaps.append(Gap(event.time_s, "waiting", f"{n_held} of {n_packets}"))
        elif event.event == "lost":
            gaps.append(Gap(event.time_s + latency_s, "lost", "lost"))
    return gaps
