"""A scenario to its run folder: the only room that knows the order of all the others.

Photo > sending (codecs, link, what was seen) > run folder.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import takewhile
from math import isfinite
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from progic import metric_weights
from progic.metrics import IMPLEMENTATION
from satsim.intake import (
    Album,
    Parts,
    Photo,
    check_scenario,
    load_parts,
    name_in,
    open_album,
    open_for,
    photo_seed,
)
from satsim.loss_settings import TraceLoss
from satsim.manifest import Manifest, installed_versions
from satsim.means import MeanRow, mean, mean_rows, mean_summary
from satsim.new_run import new_run
from satsim.progress import Progress
from satsim.records import SchemeSummary, TimelineRow
from satsim.rundir import (
    IMAGES,
    ORIGINAL,
    PHOTOS,
    TRACE,
    Run,
    original_file,
    picture_file,
    read_run,
    write_events,
    write_run,
    write_spread,
    write_timeline,
    write_windows,
)
from satsim.sending import send_photo
from satsim.settings import LinkSettings, Scenario
from satsim.spread import statistics_of
from satsim.studio import Studio
from satsim.tally import Tally, pooled
from satsim.viewing import View
from satsim.window_settings import MOST_S
from satsim.windows import Span, visibility_of

Finish = Callable[[Path], None]  # draws what is drawn from a run folder, into it


class _Outcome(NamedTuple):
    timeline: tuple[TimelineRow, ...]
    summary: dict[str, SchemeSummary]
    manifest: Manifest
    tallies: dict[str, Tally | None]  # None of a single run, or where nothing was sent
    end_s: float  # when the last thing happened


def run_scenario(
    scenario: Scenario, file: str, target: Path, overwrite: bool, finish: Finish, progress: Progress
) -> Run:
    """Run a scenario (read from `file`) on its photo, or on each photo of its folder, into `target`.

    `target` is there whole or not at all. Raises satsim's and progic's InputErrors before anything is sent.
    """
    check_scenario(scenario, file)
    path = scenario.image.path
    with new_run(target, overwrite) as draft:
        progress("reading", 0)
        taken = open_album(scenario, path) if path.is_dir() else open_for(scenario, path)
        progress("loading" if metric_weights.path().exists() else "loading, once 64 MB of weights", 0)
        parts = load_parts(scenario)
        if isinstance(taken, Album):
            _run_album(scenario, taken, parts, draft, finish, progress)
        else:
            _run_photo(scenario, taken, parts, draft, progress)
        progress("drawing", 1)
        finish(draft)
    return read_run(target)


def _run_album(
    scenario: Scenario, album: Album, parts: Parts, folder: Path, finish: Finish, progress: Progress
) -> None:
    """Run every photo into a folder of its own, and write the means into `folder`."""
    outcomes = []
    for number, (name, photo) in enumerate(album.photos.items()):
        own = folder / PHOTOS / name
        own.mkdir(parents=True)
        before = number / len(album.photos)

        def part(step: str, done: float, name: str = name, before: float = before) -> None:
            progress(f"{name}, {step}", before + done / len(album.photos))

        seed = photo_seed(scenario.seed, name_in(scenario.image.path, photo.path))
        seeded = scenario.model_copy(update={"seed": seed})
        outcomes.append(_run_photo(seeded, photo, parts, own, part))
        finish(own)
    names = [scheme.name for scheme in scenario.schemes]
    rows = [row for name in names for row in mean_rows([each.timeline for each in outcomes], name)]
    has_dists = "dists" in scenario.metrics
    summary = {name: mean_summary([each.summary[name] for each in outcomes], has_dists) for name in names}
    tallies = {name: pooled([each.tallies[name] for each in outcomes]) for name in names}
    _write_spread(folder, tallies, scenario.runs * scenario.fleet.handsets, has_dists)
    write_timeline(folder, rows, MeanRow._fields)
    _write_windows(folder, scenario.link, max(each.end_s for each in outcomes))
    write_run(
        folder, scenario, _album_manifest(scenario, album, [each.manifest for each in outcomes]), summary
    )


def _album_manifest(scenario: Scenario, album: Album, manifests: Sequence[Manifest]) -> Manifest:
    """Return the manifest of all: thresholds are the mean."""
    return replace(
        manifests[0],
        seed=scenario.seed,
        usable_dists=mean(each.usable_dists for each in manifests),
        detail_dists=mean(each.detail_dists for each in manifests),
        photos=tuple(photo.facts for photo in album.photos.values()),
        skipped=album.skipped,
    )


def _run_photo(scenario: Scenario, photo: Photo, parts: Parts, folder: Path, progress: Progress) -> _Outcome:
    """Send one photo by every scheme and write the run into `folder`, which is empty."""
    studio = Studio(scenario, photo, parts)
    sent = send_photo(scenario, studio, progress)
    shown = [view for each in sent.values() for view in each.view.views]
    events = [event for each in sent.values() for event in each.view.events]
    rows = tuple(view.row for view in shown)
    summary = {name: each.view.summary for name, each in sent.items()}
    tallies = {name: each.tally for name, each in sent.items()}
    manifest = _manifest(scenario, studio)
    _write_pictures(folder, photo.image, shown)
    write_events(folder, events)
    _write_spread(folder, tallies, scenario.fleet.handsets, "dists" in scenario.metrics)
    write_timeline(folder, rows)
    write_run(folder, _as_sent(scenario), manifest, summary)
    end_s = max((event.time_s for event in events), default=0.0)
    _write_windows(folder, scenario.link, end_s)
    if isinstance(scenario.link.loss, TraceLoss):
        shutil.copyfile(scenario.link.loss.path, folder / TRACE)
    return _Outcome(rows, summary, manifest, tallies, end_s)


def _write_windows(folder: Path, link: LinkSettings, end_s: float) -> None:
    """Write when the link is there, as far as figures of what happens up to `end_s` show it."""
    if link.windows is None:
        return
    end_s += link.latency.total_s + link.latency.jitter_s  # as long as they wait for a packet that was lost
    there = takewhile(lambda span: span.from_s <= end_s, visibility_of(link.windows).after(0))
    ends_s = max(end_s, MOST_S)  # of a window that never ends
    write_windows(folder, (Span(from_s, to_s if isfinite(to_s) else ends_s) for from_s, to_s in there))


def _write_spread(folder: Path, tallies: Mapping[str, Tally | None], cluster: int, has_dists: bool) -> None:
    there = {name: each for name, each in tallies.items() if each is not None}
    many = {name: statistics_of(name, each, cluster, has_dists) for name, each in there.items()}
    if many:
        rows = [row for each in many.values() for row in each.rows]
        write_spread(folder, {name: each.spread for name, each in many.items()}, rows)


def _manifest(scenario: Scenario, studio: Studio) -> Manifest:
    parts = studio.parts
    return Manifest(
        seed=scenario.seed,
        versions=installed_versions(),
        codec_model=scenario.codec.model if parts.models else None,
        codec_weights_sha256=parts.fingerprint,
        metric_weights_sha256=metric_weights.SHA256 if parts.perceptual else None,
        metric_implementation=IMPLEMENTATION if parts.perceptual else None,
        usable_dists=studio.marks.usable_dists,
        detail_dists=studio.marks.detail_dists,
        photos=(replace(studio.photo.facts, run=None),),
    )


def _as_sent(scenario: Scenario) -> Scenario:
    """Return the scenario with the run folder's own picture and trace: it can be run again from there."""
    image = scenario.image.model_copy(update={"path": Path(IMAGES) / ORIGINAL})
    link = scenario.link
    if isinstance(link.loss, TraceLoss):
        link = link.model_copy(update={"loss": link.loss.model_copy(update={"path": Path(TRACE)})})
    return scenario.model_copy(update={"image": image, "link": link})


def _write_pictures(folder: Path, original: Image.Image, shown: Sequence[View]) -> None:
    (folder / IMAGES).mkdir()
    original.save(original_file(folder))
    for view in shown:
        view.picture.save(picture_file(folder, view.row.scheme, view.row.stages))
