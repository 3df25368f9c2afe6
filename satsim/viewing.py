"""What the receiver sees of one scheme: which pictures, when, and how near they are to the photo."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from PIL import Image

from satsim.codec import PhotoCodec
from satsim.quality import Scorer
from satsim.records import Event, Holding, SchemeRun, SchemeSummary, TimelineRow
from satsim.settings import Delivery
from satsim.tally import Worth
from satsim.units import bits_per_pixel
from satsim.wording import stages_text


@dataclass(frozen=True)
class Marks:
    """The DISTS at or below which a picture is usable, or shows detail; None: DISTS is not measured."""

    usable_dists: float | None
    detail_dists: float | None


@dataclass(frozen=True)
class Showing:
    """When a receiver shows a picture."""

    delivery: Delivery
    n_stages: int  # all that are sent
    first_stages: int = 1  # a beginning is shown that has as many, or more


@dataclass(frozen=True)
class View:
    """One new picture at the receiver."""

    row: TimelineRow
    picture: Image.Image


@dataclass(frozen=True)
class SchemeView:
    """All that happened with one scheme, and all that was seen of it."""

    events: tuple[Event, ...]
    views: tuple[View, ...]  # in order of time
    summary: SchemeSummary


def view_scheme(
    run: SchemeRun,
    stages: Sequence[bytes],
    showing: Showing,
    codec: PhotoCodec,
    scorer: Scorer,
    marks: Marks,
    sent_size: tuple[int, int],
) -> SchemeView:
    """Decode and score what was held from when on, as far as it is shown.

    `sent_size` is the width and height that were sent, whose pixels the rate counts. `stages` are the
    sender's; what the receiver accepted equals them, by CRC.
    """
    held = shown(run.holdings, showing)
    seen = tuple(_view(run.scheme, each, stages, codec, scorer, marks, sent_size) for each in held)
    return SchemeView(run.events, seen, _summarise(run, [view.row for view in seen], marks))


def shown(holdings: Iterable[Holding], showing: Showing) -> tuple[Holding, ...]:
    """Return the holdings of which a picture is shown, with the stages that it is decoded from."""
    if showing.delivery == "progressive":
        return tuple(holdings)
    if showing.delivery != "prefix":
        return tuple(each for each in holdings if len(each.stages) == showing.n_stages)
    cut = [each._replace(stages=_prefix(each.stages)) for each in holdings]
    cut = [each for each in cut if len(each.stages) >= showing.first_stages]
    lengths = [0, *(len(each.stages) for each in cut)]
    return tuple(each for each, before in zip(cut, lengths, strict=False) if len(each.stages) > before)


def _prefix(stages: tuple[int, ...]) -> tuple[int, ...]:
    """Return the sorted stages up to the first gap."""
    return tuple(stage for place, stage in enumerate(stages) if stage == place)


def worth_of(dists: float | None, marks: Marks) -> Worth:
    """Return what a picture of this DISTS is worth; where DISTS is not measured, no mark is reached."""
    reached = (_reaches(dists, mark) for mark in (marks.usable_dists, marks.detail_dists))
    return Worth(dists, *(bool(each) for each in reached))


def nothing_sent(note: str) -> SchemeView:
    """Return the view of a scheme whose codec has nothing to send; `note` says why."""
    return SchemeView((), (), SchemeSummary(None, None, None, None, None, None, 0, 0, 0, note=note))


def _view(
    scheme: str,
    held: Holding,
    stages: Sequence[bytes],
    codec: PhotoCodec,
    scorer: Scorer,
    marks: Marks,
    sent_size: tuple[int, int],
) -> View:
    payload = {stage: stages[stage] for stage in held.stages}
    picture = codec.decode(payload, scorer.original.size)
    scores = scorer.scores(picture)
    row = TimelineRow(
        scheme=scheme,
        time_s=held.time_s,
        packets=held.packets,
        stages=stages_text(held.stages),
        bytes=held.bytes,
        bpp=bits_per_pixel(sum(map(len, payload.values())), sent_size),  # without headers, as N L / f^2
        dists=scores.dists,
        lpips=scores.lpips,
        psnr_db=scores.psnr_db,
        ms_ssim=scores.ms_ssim,
        usable=_reaches(scores.dists, marks.usable_dists),
    )
    return View(row, picture)


def _summarise(run: SchemeRun, rows: Sequence[TimelineRow], marks: Marks) -> SchemeSummary:
    return SchemeSummary(
        t_first_s=rows[0].time_s if rows else None,
        t_usable_s=_first_reaching(rows, marks.usable_dists),
        t_detail_s=_first_reaching(rows, marks.detail_dists),
        t_final_s=rows[-1].time_s if rows else None,
        dists_first=rows[0].dists if rows else None,
        dists_final=rows[-1].dists if rows else None,
        bytes=sum(event.bytes for event in run.events if event.event == "received"),
        packets_sent=run.packets_sent,
        packets_lost=run.packets_lost,
        note=_note(run.events),
    )


def _note(events: Sequence[Event]) -> str | None:
    """Return what the sender could not do, if anything."""
    n_packets = sum(event.event == "queued" for event in events)
    arrived = {event.packet for event in events if event.event == "received"}  # unheard of, without a report
    given_up = sum(event.event == "gave_up" and event.packet not in arrived for event in events)
    if any(event.event == "complete" for event in events):
        return None  # what had no window, or no luck, was not needed
    if any(event.event == "closed" for event in events):
        return "no window was left for all packets"
    return f"{given_up} of {n_packets} packets never got through" if given_up else None


def _first_reaching(rows: Iterable[TimelineRow], mark_dists: float | None) -> float | None:
    return next((row.time_s for row in rows if _reaches(row.dists, mark_dists)), None)


def _reaches(dists: float | None, mark_dists: float | None) -> bool | None:
    return None if dists is None or mark_dists is None else dists <= mark_dists
