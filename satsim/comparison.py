"""A comparison's results, and the files that hold them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from satsim.contest import Contest, Photos
from satsim.csv_file import json_text, write_csv
from satsim.kept import Row
from satsim.levels import LevelRow, end_of, level_rows, minutes_until
from satsim.manifest import SkippedPhoto, installed_versions
from satsim.standing import Standing, standing_of
from satsim.trial import trial_of

CSV, MINUTES, BY_PHOTO, JSON = "compare.csv", "minutes.csv", "photos.csv", "compare.json"
PARTS = ("mean", "mean_ci95", "median")  # of a spread, in compare.csv; compare.json has all
CURVE_POINTS = 400  # of a figure's width
AFTER_LAST = 1.08  # so that the last picture's score is a line too

Record = dict[str, Any]


@dataclass(frozen=True)
class Comparison:
    """All that came of a contest; lists are in the order of its competitors."""

    contest: Contest
    photos: tuple[str, ...]
    seeds: tuple[tuple[int, ...], ...]  # of each photo, a scenario's each
    skipped: tuple[SkippedPhoto, ...]
    standings: tuple[Standing, ...]
    minutes: tuple[LevelRow, ...]
    curves: tuple[tuple[LevelRow, ...], ...]  # as the minutes, in small steps, for the figure
    end_s: float  # of the curves, a little after the last new picture

    @property
    def runs(self) -> int:
        """How often each photo is sent."""
        return self.contest.scenarios[0].runs

    @property
    def sample(self) -> str:
        """What intervals and counts are over: photos, or the runs of a single one."""
        return "photos" if len(self.photos) > 1 else "runs"


def comparison_of(contest: Contest, photos: Photos, results: Sequence[Sequence[Row]]) -> Comparison:
    """Return what came of a contest; `results` are each photo's rows, one a competitor (compare_photo)."""
    trials = [
        [[trial_of(fields) for fields in rows[place]["trials"]] for rows in results]
        for place in range(len(contest.competitors))
    ]
    has_marks = contest.metric == "dists"
    end_s = end_of(trial for photo in trials for runs in photo for trial in runs)
    slot_s = min(scenario.link.interval_s for scenario in contest.scenarios)
    minutes_s = minutes_until(end_s, slot_s)
    shown_s = max(end_s, slot_s) * AFTER_LAST
    fine_s = [shown_s * number / CURVE_POINTS for number in range(CURVE_POINTS + 1)]
    names = [competitor.name for competitor in contest.competitors]
    levels = [(name, own, has_marks) for name, own in zip(names, trials, strict=True)]
    return Comparison(
        contest=contest,
        photos=tuple(job.label for job in photos.jobs),
        seeds=tuple(tuple(scenario.seed for scenario in job.given) for job in photos.jobs),
        skipped=photos.skipped,
        standings=tuple(standing_of(own, trials[contest.anchor], contest.metric) for own in trials),
        minutes=tuple(row for name, own, marks in levels for row in level_rows(name, own, minutes_s, marks)),
        curves=tuple(tuple(level_rows(name, own, fine_s, marks)) for name, own, marks in levels),
        end_s=shown_s,
    )


def write_comparison(folder: Path, found: Comparison) -> None:
    """Write compare.csv, minutes.csv, photos.csv and compare.json into `folder`."""
    for name, records in ((CSV, summary_records(found)), (BY_PHOTO, photo_records(found))):
        write_csv(folder / name, list(records[0]), [list(record.values()) for record in records])
    write_csv(folder / MINUTES, list(_level_columns(found)), found.minutes)
    (folder / JSON).write_text(json_text(json_of(found)) + "\n", encoding="utf-8")


def json_of(found: Comparison) -> Record:
    """Return everything as plain data."""
    competitors = {}
    for competitor, standing in zip(found.contest.competitors, found.standings, strict=True):
        spreads = {name: asdict(spread) for name, spread in standing.spreads.items()}
        counts = {
            "photos_usable": standing.photos_usable,
            "bd_note": standing.bd_note,
            "unsent": standing.unsent,
        }
        competitors[competitor.name] = {**competitor._asdict(), **counts, **spreads}
    return {
        "anchor": found.contest.competitors[found.contest.anchor].name,
        "metric": found.contest.metric,
        "photos": len(found.photos),
        "runs": found.runs,
        "skipped": [asdict(each) for each in found.skipped],
        "versions": installed_versions(),
        "competitors": competitors,
        "minutes": [dict(zip(_level_columns(found), row, strict=True)) for row in found.minutes],
        "by_photo": photo_records(found),
    }


def summary_records(found: Comparison) -> list[Record]:
    """Return a row a competitor."""
    rows = []
    for competitor, standing in zip(found.contest.competitors, found.standings, strict=True):
        row: Record = {"competitor": competitor.name, "photos": len(found.photos), "runs": found.runs}
        row["photos_usable"] = standing.photos_usable
        for name, spread in standing.spreads.items():
            row |= {f"{name}_{part}": getattr(spread, part) for part in PARTS}
        row["bd_share"] = standing.spreads["bd_time_percent"].share
        rows.append(row | {"bd_note": standing.bd_note})
    return rows


def photo_records(found: Comparison) -> list[Record]:
    """Return a row a competitor and photo; of many runs means over those that have the value."""
    scenarios = [scenario.name for scenario in found.contest.scenarios]
    return [
        {
            "competitor": competitor.name,
            "photo": photo,
            "seed": seeds[scenarios.index(competitor.scenario)],
            **figures,
        }
        for competitor, standing in zip(found.contest.competitors, found.standings, strict=True)
        for photo, seeds, figures in zip(found.photos, found.seeds, standing.by_photo, strict=True)
    ]


def _level_columns(found: Comparison) -> tuple[str, ...]:
    scored = LevelRow._fields.index("mean")
    columns = LevelRow._fields
    return (*columns[:scored], *(f"{found.contest.metric}_{column}" for column in columns[scored:]))
