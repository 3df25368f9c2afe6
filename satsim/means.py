"""The mean over a folder of photos: of their timelines, and of their summaries."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import NamedTuple

from satsim.records import SchemeSummary, TimelineRow


class MeanRow(NamedTuple):
    """The mean of what the receivers show at `time_s`, over the photos that show anything by then.

    The columns of `TimelineRow`, then how many photos the mean is over.
    """

    scheme: str
    time_s: float
    packets: float
    stages: str  # as in TimelineRow; "" where the photos differ
    bytes: float
    bpp: float
    dists: float | None
    lpips: float | None
    psnr_db: float | None
    ms_ssim: float | None
    usable: float | None  # the share of these photos that is usable, 0 to 1
    photos: int


@dataclass(frozen=True)
class MeanSummary:
    """The mean of `SchemeSummary` over photos: each field over those that have it, then the counts."""

    t_first_s: float | None
    t_usable_s: float | None  # over photos_usable photos only
    t_detail_s: float | None
    t_final_s: float | None
    dists_first: float | None
    dists_final: float | None
    bytes: float
    packets_sent: float
    packets_lost: float
    units_usable: float | None
    price_usable_usd: float | None
    energy_usable_j: float | None
    gflop: float | None
    note: str | None
    photos: int  # that showed anything
    photos_usable: int | None  # None without DISTS: nobody knows


def mean(values: Iterable[float | None]) -> float | None:
    """Return the mean of those that are there, None if none is."""
    there = [value for value in values if value is not None]
    return fmean(there) if there else None


def mean_rows(timelines: Sequence[Sequence[TimelineRow]], scheme: str) -> list[MeanRow]:
    """Return the mean timeline of one scheme: a row at every time at which any photo's picture changes."""
    own = [[row for row in timeline if row.scheme == scheme] for timeline in timelines]
    times = sorted({row.time_s for rows in own for row in rows})
    shown = {time_s: [_shown_at(rows, time_s) for rows in own] for time_s in times}
    return [_mean_row([row for row in rows if row], time_s) for time_s, rows in shown.items()]


def mean_summary(summaries: Sequence[SchemeSummary], has_dists: bool = True) -> MeanSummary:
    """Return the mean of one scheme's summaries, one a photo; notes are gathered, each once."""
    notes = sorted({each.note for each in summaries if each.note})
    return MeanSummary(
        t_first_s=mean(each.t_first_s for each in summaries),
        t_usable_s=mean(each.t_usable_s for each in summaries),
        t_detail_s=mean(each.t_detail_s for each in summaries),
        t_final_s=mean(each.t_final_s for each in summaries),
        dists_first=mean(each.dists_first for each in summaries),
        dists_final=mean(each.dists_final for each in summaries),
        bytes=mean(each.bytes for each in summaries) or 0.0,
        packets_sent=mean(each.packets_sent for each in summaries) or 0.0,
        packets_lost=mean(each.packets_lost for each in summaries) or 0.0,
        units_usable=mean(each.units_usable for each in summaries),
        price_usable_usd=mean(each.price_usable_usd for each in summaries),
        energy_usable_j=mean(each.energy_usable_j for each in summaries),
        gflop=mean(each.gflop for each in summaries),
        note="; ".join(notes) or None,
        photos=sum(each.t_first_s is not None for each in summaries),
        photos_usable=sum(each.t_usable_s is not None for each in summaries) if has_dists else None,
    )


def _shown_at(rows: Iterable[TimelineRow], time_s: float) -> TimelineRow | None:
    return max((row for row in rows if row.time_s <= time_s), key=lambda row: row.time_s, default=None)


def _mean_row(rows: Sequence[TimelineRow], time_s: float) -> MeanRow:
    def over(field: Callable[[TimelineRow], float | None]) -> float | None:
        return mean(field(row) for row in rows)

    stages = {row.stages for row in rows}
    return MeanRow(
        scheme=rows[0].scheme,
        time_s=time_s,
        packets=over(lambda row: row.packets) or 0.0,
        stages=stages.pop() if len(stages) == 1 else "",
        bytes=over(lambda row: row.bytes) or 0.0,
        bpp=over(lambda row: row.bpp) or 0.0,
        dists=over(lambda row: row.dists),
        lpips=over(lambda row: row.lpips),
        psnr_db=over(lambda row: row.psnr_db),
        ms_ssim=over(lambda row: row.ms_ssim),
        usable=over(lambda row: row.usable),
        photos=len(rows),
    )
