"""A scenario to its run folder: the only room that knows the order of all the others.

Photo > codecs > packetize > simulate > viewing (decode and score what was held) > run folder.
"""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from progic import metric_weights
from progic.metrics import IMPLEMENTATION
from satsim.codecs import Encoded, NothingFits, PhotoCodec, RememberingCodec, TrainedCodec, codec_of
from satsim.fec import parity_stages
from satsim.intake import Album, Parts, Photo, check_scenario, load_parts, open_album, open_for
from satsim.loss_settings import TraceLoss
from satsim.manifest import Manifest, installed_versions
from satsim.means import MeanRow, mean, mean_rows, mean_summary
from satsim.monte_carlo import Replicator
from satsim.packetize import chunk, packetize, packetize_parity
from satsim.packets import ImageTag, Packet
from satsim.quality import Scorer
from satsim.records import SchemeSummary, TimelineRow
from satsim.repair_settings import Erasure
from satsim.rundir import (
    IMAGES,
    ORIGINAL,
    TRACE,
    Run,
    new_run,
    original_file,
    picture_file,
    read_run,
    write_events,
    write_run,
    write_spread,
    write_timeline,
    write_windows,
)
from satsim.scenario import Scenario, Scheme
from satsim.simulate import simulate
from satsim.spread import Statistics, Worth, statistics_of
from satsim.viewing import Marks, SchemeView, View, nothing_sent, shows, view_scheme, worth_of
from satsim.windows import visibility_of

UNKNOWN_TIME = 0  # the packet's capture time: results must not depend on a photo's clock

Progress = Callable[[str, float], None]  # what is being done, and how much of the whole is done, 0 to 1
Finish = Callable[[Path], None]  # draws what is drawn from a run folder, into it


class _Sent(NamedTuple):
    """A scheme's run, and all its runs where there are more."""

    view: SchemeView
    statistics: Statistics | None


class _Outcome(NamedTuple):
    timeline: tuple[TimelineRow, ...]
    summary: dict[str, SchemeSummary]
    manifest: Manifest


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
        parts = load_parts(scenario, file)
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
        own = folder / "photos" / name
        own.mkdir(parents=True)
        before = number / len(album.photos)

        def part(step: str, done: float, name: str = name, before: float = before) -> None:
            progress(f"{name}, {step}", before + done / len(album.photos))

        outcomes.append(_run_photo(scenario, photo, parts, own, part))
        finish(own)
    names = [scheme.name for scheme in scenario.schemes]
    rows = [row for name in names for row in mean_rows([each.timeline for each in outcomes], name)]
    summary = {name: mean_summary([each.summary[name] for each in outcomes]) for name in names}
    write_timeline(folder, rows, MeanRow._fields)
    write_run(folder, scenario, _album_manifest(album, [each.manifest for each in outcomes]), summary)


def _album_manifest(album: Album, manifests: Sequence[Manifest]) -> Manifest:
    """Return the manifest of all: thresholds are the mean."""
    return replace(
        manifests[0],
        usable_dists=mean(each.usable_dists for each in manifests),
        detail_dists=mean(each.detail_dists for each in manifests),
        photos=tuple(photo.facts for photo in album.photos.values()),
        skipped=album.skipped,
    )


def _run_photo(scenario: Scenario, photo: Photo, parts: Parts, folder: Path, progress: Progress) -> _Outcome:
    """Send one photo by every scheme and write the run into `folder`, which is empty."""
    shared = _share(scenario, photo, parts)
    seen = {}
    for number, scheme in enumerate(scenario.schemes):
        progress(scheme.name, number / len(scenario.schemes))
        seen[scheme.name] = _run_scheme(shared, scheme)
    shown = [view for each in seen.values() for view in each.view.views]
    rows = tuple(view.row for view in shown)
    summary = {name: each.view.summary for name, each in seen.items()}
    manifest = _manifest(shared, parts)
    _write_pictures(folder, photo.image, shown)
    write_events(folder, [event for each in seen.values() for event in each.view.events])
    if shared.replicator is not None:
        many = {name: each.statistics for name, each in seen.items() if each.statistics is not None}
        spread_rows = [row for each in many.values() for row in each.rows]
        write_spread(folder, {name: each.spread for name, each in many.items()}, spread_rows)
    write_timeline(folder, rows)
    write_run(folder, _as_sent(scenario), manifest, summary)
    if scenario.link.windows is not None:
        end_s = max(event.time_s for each in seen.values() for event in each.view.events)
        there = visibility_of(scenario.link.windows).after(0)
        write_windows(folder, takewhile(lambda window: window.from_s <= end_s, there))
    if isinstance(scenario.link.loss, TraceLoss):
        shutil.copyfile(scenario.link.loss.path, folder / TRACE)
    return _Outcome(rows, summary, manifest)


@dataclass(frozen=True)
class _Shared:
    """What all schemes of one photo have in common."""

    scenario: Scenario
    photo: Photo
    model: TrainedCodec | None
    scorer: Scorer
    marks: Marks
    encode_s: float
    replicator: Replicator | None  # where there is more than one run


def _share(scenario: Scenario, photo: Photo, parts: Parts) -> _Shared:
    scorer = Scorer(photo.image, scenario.metrics, parts.perceptual)
    encode_s = _encode_s(scenario, parts.model, photo.image)
    many = Replicator(scenario.link, scenario.repair, encode_s, scenario.seed, scenario.runs)
    return _Shared(
        scenario=scenario,
        photo=photo,
        model=RememberingCodec(parts.model) if parts.model else None,
        scorer=scorer,
        marks=Marks(scorer.mark_dists(scenario.usable), scorer.mark_dists(scenario.detail)),
        encode_s=encode_s,
        replicator=many if scenario.runs > 1 else None,
    )


def _encode_s(scenario: Scenario, model: TrainedCodec | None, photo: Image.Image) -> float:
    """Return the scenario's figure, or the time our codec takes here; every scheme is given the same."""
    if scenario.sender.encode_s is not None:
        return scenario.sender.encode_s
    if model is None:
        return 0.0  # WebP and AVIF take milliseconds: nothing, next to a slot
    model.encode(photo)  # the first call also sets up memory and threads
    start_s = time.perf_counter()
    model.encode(photo)
    return time.perf_counter() - start_s


def _run_scheme(shared: _Shared, scheme: Scheme) -> _Sent:
    scenario = shared.scenario
    codec = codec_of(scheme, scenario, shared.model, shared.scorer.distance)
    try:
        encoded = codec.encode(shared.photo.image)
    except NothingFits:
        note = f"{codec.name}: nothing fits in {scenario.budget_bytes(scheme)} bytes"
        return _Sent(nothing_sent(note), None)
    payload_bytes = scenario.link.payload_bytes
    stages = chunk(encoded.stages[0], payload_bytes) if encoded.is_file else encoded.stages
    tag = _tag(encoded, len(stages), shared.photo)
    packets = packetize(stages, tag, payload_bytes)
    if isinstance(scenario.repair, Erasure):
        parity = parity_stages(stages, scenario.repair.parity_stages)
        packets += packetize_parity(parity, tag, payload_bytes)
    run = simulate(scheme.name, packets, scenario.link, scenario.repair, shared.encode_s, scenario.seed)
    view = view_scheme(run, stages, scheme.delivery, codec, shared.scorer, shared.marks)
    return _Sent(view, _statistics(shared, scheme, packets, stages, codec))


def _statistics(
    shared: _Shared, scheme: Scheme, packets: Sequence[Packet], stages: Sequence[bytes], codec: PhotoCodec
) -> Statistics | None:
    if shared.replicator is None:
        return None

    def worth(held: tuple[int, ...]) -> Worth:
        picture = codec.decode({stage: stages[stage] for stage in held}, shared.photo.image.size)
        return worth_of(shared.scorer.scores(picture).dists, shared.marks)

    runs = [
        tuple(each for each in run if shows(each, scheme.delivery, len(stages)))
        for run in shared.replicator.holdings(packets)
    ]
    return statistics_of(scheme.name, runs, worth)


def _tag(encoded: Encoded, n_stages: int, photo: Photo) -> ImageTag:
    return ImageTag(
        image_id=int(photo.facts.sha256[:4], 16),
        n_stages=n_stages,
        bits_per_index=encoded.bits_per_index,
        downsampling_factor=encoded.downsampling_factor,
        width=photo.image.width,
        height=photo.image.height,
        fingerprint=encoded.fingerprint,
        capture_time=UNKNOWN_TIME,
    )


def _manifest(shared: _Shared, parts: Parts) -> Manifest:
    return Manifest(
        seed=shared.scenario.seed,
        versions=installed_versions(),
        codec_model=shared.scenario.codec.model if parts.model else None,
        codec_weights_sha256=parts.model.fingerprint if parts.model else None,
        metric_weights_sha256=metric_weights.SHA256 if parts.perceptual else None,
        metric_implementation=IMPLEMENTATION if parts.perceptual else None,
        usable_dists=shared.marks.usable_dists,
        detail_dists=shared.marks.detail_dists,
        photos=(replace(shared.photo.facts, run=None),),
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
