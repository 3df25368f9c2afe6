"""A run as the viewer plays it back: plain values for JSON, read from the folder and nothing else."""

from collections.abc import Callable
from math import isfinite
from pathlib import Path
from typing import Any

from satsim.errors import RunFolderError
from satsim.records import Event, TimelineRow
from satsim.repair_settings import Erasure, Ulp
from satsim.rundir import Run, original_file, picture_file
from satsim.wording import (
    METRIC_LABELS,
    facts_text,
    from_1,
    own_texts,
    scheme_colour,
    scheme_label,
    score_text,
    short_label,
    shown_metric,
)

Address = Callable[[Path], str]  # of a picture, as the page asks for it


def playback_of(run: Run, address: Address) -> dict[str, Any]:
    """Return all that the viewer shows; times in seconds since the photo was taken.

    Raises RunFolderError for the mean of several photos, of which there is nothing to watch.
    """
    if run.is_mean:
        name = run.manifest.photos[0].run
        raise RunFolderError(f"{run.folder}: found many photos; allowed: one, such as {run.folder}/{name}")
    metric = shown_metric(run.scenario.metrics)
    photo, facts = run.manifest.photos[0], facts_text(run.scenario, run.manifest.seed)
    moments = [each.time_s for each in (*run.events, *run.timeline)]
    end_s = max(moments, default=run.scenario.link.interval_s)
    return {
        "title": run.scenario.name,
        "facts": f"{photo.name}, {photo.width}x{photo.height} pixels: {facts}",
        "size": run.scenario.image.original_size,
        "end_s": end_s,
        "closed": run.closed(end_s),  # [from_s, to_s] of when the link was not there
        "metric": {"name": metric, "label": METRIC_LABELS[metric]},
        "marks": {"usable": run.manifest.usable_dists, "detail": run.manifest.detail_dists},
        "original": address(original_file(run.folder)),
        "schemes": [_scheme(run, number, name, address) for number, name in enumerate(run.summary)],
    }


def _scheme(run: Run, number: int, name: str, address: Address) -> dict[str, Any]:
    summary = run.summary[name]
    scheme = next(each for each in run.scenario.schemes if each.name == name)
    repair = run.scenario.repair_of(scheme)
    rows = [row for row in run.rows_of(name) if isinstance(row, TimelineRow)]
    events = [event for event in run.events if event.scheme == name]
    return {
        "name": name,
        "label": scheme_label(name),
        "short_label": short_label(scheme_label(name)),
        "colour": scheme_colour(number),
        "own": ", ".join(own_texts(run.scenario, name)),
        "note": summary.note,
        "needs_all": scheme.delivery in ("low", "high") and not isinstance(repair, Erasure | Ulp),
        "n_packets": sum(event.event == "queued" for event in events),
        "t_usable_s": summary.t_usable_s,
        "pictures": [_picture(run, row, address) for row in rows],
        "events": [_event(event) for event in events if event.event != "queued"],
    }


def _picture(run: Run, row: TimelineRow, address: Address) -> dict[str, Any]:
    metric = shown_metric(run.scenario.metrics)
    value = getattr(row, metric)
    return {
        "time_s": row.time_s,
        "value": value if value is not None and isfinite(value) else None,  # JSON has no infinity
        "score": score_text(metric, value),
        "usable": row.usable,
        "source": address(picture_file(run.folder, row.scheme, row.stages)),
    }


def _event(event: Event) -> dict[str, Any]:
    return {**event._asdict(), "stage": from_1(event.stage)}
