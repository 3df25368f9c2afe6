"""A photo sent by all candidates of one model and size, as a worker of `satsim tune` does it.

What a picture shows depends on the model, the size and the set of stages alone, so each is decoded and scored
once; when messages arrive depends on none of the bytes, so it is simulated once for all models, with zeros.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from statistics import fmean
from typing import NamedTuple

import torch

from satsim.codec_settings import CodecSettings
from satsim.codecs import codec_of
from satsim.csv_file import rounded
from satsim.fleet_settings import FleetSettings
from satsim.header import ImageTag
from satsim.intake import load_models, load_parts, open_for
from satsim.kept import Row
from satsim.monte_carlo import run_seeds
from satsim.packetize import packetize_pieces
from satsim.packets import AnyPacket, Packet
from satsim.records import Holding
from satsim.repair_settings import Repair, Ulp
from satsim.sender_settings import Encoding
from satsim.settings import LinkSettings, Scenario, Scheme, seed_decides
from satsim.simulate import simulate_fleet
from satsim.studio import Studio
from satsim.sweep_point import unsent
from satsim.tune_space import Candidate, cost_usd, packets_of
from satsim.units import HEADER_BYTES

NOTHING_SHOWN_DISTS = 1.0  # what no picture counts as: the farthest that one can be
SCORED_SHARE = 0.9  # of all that is seen over the runs of a photo, model and size; the rarest are estimated
MOST_MOMENTS = 60  # of a curve that is a mean over runs
TUNED = Scheme(name="tuned", codec="progic", delivery="progressive")

Stages = tuple[int, ...]


class Flight(NamedTuple):
    """One run, without its bytes."""

    held: tuple[Holding, ...]
    sent: tuple[int, ...]  # the packets' numbers from 0, repeats too, in order


class Group(NamedTuple):
    """Candidates of one model and size, for one photo."""

    scenario: Scenario  # has their model, size and photo, and says over how many runs
    candidates: tuple[Candidate, ...]
    deadline_s: float


def run_candidates(group: Group) -> list[Row]:
    """Return a row for each candidate of what comes of it by the deadline.

    Times are in seconds; `t_usable_s` is the mean over runs of when the picture is usable, or of the deadline
    where it is not (restricted mean).
    """
    torch.set_num_threads(1)
    scenario, candidates, deadline_s = group
    flights = {candidate: _flights(scenario, candidate) for candidate in candidates}
    seen = Counter(
        each.stages
        for all_runs in flights.values()
        for flight in all_runs
        for each in flight.held
        if each.time_s <= deadline_s
    )
    studio = _studio(_of_photo(scenario))
    dists = worth_of_sets(seen, _Pictures(scenario, studio))
    usable_dists = studio.marks.usable_dists
    if usable_dists is None:
        raise ValueError("a tune measures DISTS")
    rows = []
    for candidate, runs in flights.items():
        row = _measure(runs, dists, usable_dists, deadline_s, _moments(runs, deadline_s))
        row |= _spent(candidate, runs, scenario.link)
        rows.append(rounded(row | {"usable_dists": usable_dists, "detail_dists": studio.marks.detail_dists}))
    return rows


def _flights(scenario: Scenario, candidate: Candidate) -> tuple[Flight, ...]:
    """Return the candidate's runs: one where chance has no say."""
    link, fleet = scenario.link, scenario.fleet
    runs = scenario.runs if seed_decides(link, fleet, candidate.repair) else 1
    packets = packets_of(candidate, link.payload_bytes)
    whole = (each for each in packets if isinstance(each, Packet))
    shape = tuple((each.first_stage, each.stage_count, each.is_parity) for each in whole)
    encoding = scenario.sender.encoding(scenario.codec.search())
    return _flown(candidate.n_stages, shape, link, candidate.repair, fleet, encoding, scenario.seed, runs)


@lru_cache(maxsize=4096)
def _flown(
    n_stages: int,
    shape: tuple[tuple[int, int, bool], ...],
    link: LinkSettings,
    repair: Repair,
    fleet: FleetSettings,
    encoding: Encoding,
    seed: int,
    runs: int,
) -> tuple[Flight, ...]:
    """Simulate packets (first stage, stages, whether parity) of a byte a stage; in a process once."""
    tag = ImageTag(0, n_stages, 1, 1, 1, 1, 0, 0)
    packets: Sequence[AnyPacket]
    packets = [Packet(tag, first, count, bytes(count), parity) for first, count, parity in shape]
    if isinstance(repair, Ulp):
        needed = repair.needed_of(n_stages)
        packets = packetize_pieces([bytes(1)] * n_stages, needed, repair.packets, tag, link.payload_bytes)
    return tuple(
        Flight(run.holdings, tuple(each.packet - 1 for each in run.events if each.event == "sent"))
        for each_seed in run_seeds(seed, runs)
        for run in simulate_fleet("", packets, link, repair, encoding, each_seed, fleet)
    )


def _measure(
    runs: Sequence[Flight],
    dists: Mapping[Stages, float],
    usable_dists: float,
    deadline_s: float,
    moments: Sequence[float],
) -> Row:
    curves = [
        [(each.time_s, dists[each.stages]) for each in run.held if each.time_s <= deadline_s] for run in runs
    ]
    usable = [next((at for at in curve if at[1] <= usable_dists), None) for curve in curves]
    reached = [at for at in usable if at is not None]
    first = [curve[0][0] for curve in curves if curve]
    return {
        "share_shown": len(first) / len(runs),
        "share_usable": len(reached) / len(runs),
        "t_first_s": fmean(first) if first else None,
        "t_usable_s": fmean(deadline_s if at is None else at[0] for at in usable),
        "dists_usable": fmean(at[1] for at in reached) if reached else None,
        "dists_deadline": fmean(_shown_at(curve, deadline_s) for curve in curves),
        "curve": [[time_s, fmean(_shown_at(curve, time_s) for curve in curves)] for time_s in moments],
    }


def _shown_at(curve: Sequence[tuple[float, float]], time_s: float) -> float:
    """Return the DISTS of the last picture by then."""
    return next((dists for at_s, dists in reversed(curve) if at_s <= time_s), NOTHING_SHOWN_DISTS)


def _moments(runs: Sequence[Flight], deadline_s: float) -> list[float]:
    """Return when a curve is read: as each picture comes, or, over many runs, as one comes in any of them."""
    times_s = sorted({each.time_s for run in runs for each in run.held if each.time_s <= deadline_s})
    if len(runs) == 1:
        return times_s
    step = max(1, -(-len(times_s) // MOST_MOMENTS))
    before_s = [time_s for time_s in times_s[step - 1 :: step] if time_s < deadline_s]
    return [*before_s, deadline_s]


def _spent(candidate: Candidate, runs: Sequence[Flight], link: LinkSettings) -> Row:
    """Return what all that is sent takes, after the deadline too: means over the runs."""
    sizes = [HEADER_BYTES + len(packet.payload) for packet in packets_of(candidate, link.payload_bytes)]
    sent = [[sizes[packet] for packet in run.sent] for run in runs]
    prices = [price for messages in sent if (price := cost_usd(messages, link)) is not None]
    units = [sum(map(link.billing.units, messages)) for messages in sent] if link.billing else []
    return {
        "messages": fmean(map(len, sent)),
        "bytes_on_air": fmean(map(sum, sent)),
        "units": fmean(units) if units else None,
        "price_usd": fmean(prices) if prices else None,
    }


def _of_photo(scenario: Scenario) -> Scenario:
    """Return the scenario with nothing of a model, size or link: equal for all of a photo's candidates."""
    image = scenario.image.model_copy(update={"size": scenario.image.original_size})
    alone = Scheme(name="none", codec="identity", delivery="high")
    return unsent(scenario).model_copy(
        update={"image": image, "codec": CodecSettings(), "schemes": (alone,), "metrics": ("dists",)}
    )


@lru_cache(maxsize=2)
def _studio(scenario: Scenario) -> Studio:
    return Studio(scenario, open_for(scenario, scenario.image.path), load_parts(scenario))


class _Pictures:
    """DISTS of the picture of any set of stages."""

    def __init__(self, scenario: Scenario, studio: Studio) -> None:
        self._scorer = studio.scorer
        models = load_models(scenario.codec.model, scenario.searches)
        self._codec = codec_of(TUNED, scenario, models, studio.scorer.distance)
        self._stages = self._codec.encode(studio.photo.image).stages

    def __call__(self, held: Stages) -> float:
        """Decode and score."""
        payload = {stage: self._stages[stage] for stage in held}
        return self._scorer.distance(self._codec.decode(payload, self._scorer.original.size))


def worth_of_sets(seen: Mapping[Stages, int], score: Callable[[Stages], float]) -> dict[Stages, float]:
    """Return the DISTS of each set of stages, `seen` so often.

    The prefixes are scored, and the most frequent until all that is scored makes up `SCORED_SHARE`; any other
    counts as the best of its parts that is, or is scored if it has none.
    """
    ordered = sorted(seen, key=lambda held: (held != tuple(range(len(held))), -seen[held], held))
    before = [0, *accumulate(seen[held] for held in ordered)]
    enough = bisect_left(before, SCORED_SHARE * before[-1])
    n_prefixes = sum(held == tuple(range(len(held))) for held in ordered)
    n_scored = max(enough, n_prefixes)
    found = {held: score(held) for held in ordered[:n_scored]}
    for held in sorted(ordered[n_scored:], key=lambda held: (len(held), held)):
        parts = [value for part, value in found.items() if set(part) < set(held)]
        found[held] = min(parts) if parts else score(held)
    return found
