"""The three answers of a tune, its Pareto front, and in words why."""

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from satsim.kept import Row
from satsim.repair_settings import NoRepair
from satsim.tune import Tuning
from satsim.tune_point import NOTHING_SHOWN_DISTS
from satsim.tune_space import Candidate, LeftOut, Size, stages_a_message
from satsim.units import HEADER_BYTES, MAX_BITS_PER_INDEX, stage_bytes
from satsim.wording import minutes_text, number_text, repair_text, usd_text

Goal = Literal["usable", "deadline", "cheapest"]
TITLES: dict[Goal, str] = {
    "usable": "Earliest usable",
    "deadline": "Best at the deadline",
    "cheapest": "Cheapest usable",
}
NEVER = float("inf")


class FrontPoint(NamedTuple):
    """A moment from which a candidate shows a nearer picture than any did before."""

    time_s: float
    dists: float
    candidate: Candidate


class Answer(NamedTuple):
    """The best candidate for a goal; None where none reaches it, and `measured` says how near one comes."""

    goal: Goal
    candidate: Candidate | None
    measured: str
    why: str
    next_best: str


def answers_of(tuning: Tuning) -> list[Answer]:
    """Return the best for each goal, ties settled by what else counts, then by the order of trying."""
    return [_answer(tuning, goal) for goal in TITLES]


def front_of(rows: Mapping[Candidate, Row]) -> list[FrontPoint]:
    """Return the pictures to which none is both nearer and earlier, in order of time."""
    points = [
        FrontPoint(time_s, dists, candidate)
        for candidate, row in rows.items()
        for time_s, dists in row["curve"]
        if dists < NOTHING_SHOWN_DISTS
    ]
    points.sort(key=lambda point: (point.time_s, point.dists, rows[point.candidate]["bytes_on_air"]))
    front: list[FrontPoint] = []
    for point in points:
        if not front or point.dists < front[-1].dists:
            front.append(point)
    return front


def cost_of(row: Row) -> float:
    """Return what a candidate spends in all: dollars, else billed units, else messages."""
    known = (row["price_usd"], row["units"], row["messages"])
    return next(float(value) for value in known if value is not None)


def cost_text(row: Row, cost: float) -> str:
    """Return a cost with its unit."""
    if row["price_usd"] is not None:
        return usd_text(cost)
    unit = "billed unit" if row["units"] is not None else "message"
    return f"{number_text(cost)} {unit}{'' if cost == 1 else 's'}"


def name_of(candidate: Candidate) -> str:
    """Return what people call a candidate: model, size, stages, and what it does about loss, if anything."""
    width, height = candidate.size
    stages = "1 stage" if candidate.n_stages == 1 else f"{candidate.n_stages} stages"
    repair = "" if isinstance(candidate.repair, NoRepair) else f", {repair_text(candidate.repair)}"
    return f"{candidate.model.title} at {width}x{height}, {stages}{repair}"


def _answer(tuning: Tuning, goal: Goal) -> Answer:
    keys = {candidate: _key(goal, row) for candidate, row in tuning.rows.items()}
    best = min(keys, key=lambda candidate: keys[candidate])
    if keys[best][0] == NEVER:
        nearest = min(tuning.rows, key=lambda candidate: tuning.rows[candidate]["dists_deadline"])
        row, deadline = tuning.rows[nearest], minutes_text(tuning.limits.deadline_s)
        if not row["share_shown"]:
            return Answer(goal, None, f"nothing arrives by {deadline}", "", "")
        note = (
            f"no candidate is usable by {deadline}: the nearest,"
            f" {name_of(nearest)}, has DISTS {row['dists_deadline']:.3f} then, and usable is"
            f" {row['usable_dists']:.3f}"
        )
        return Answer(goal, None, note, "", "")
    others = [each for each in keys if each.group != best.group] or [each for each in keys if each != best]
    second = min(others, key=lambda candidate: keys[candidate]) if others else None
    row = tuning.rows[best]
    lost = "nothing else can be sent" if second is None else _loss(goal, second, row, tuning.rows[second])
    return Answer(goal, best, _measured(goal, row, tuning), why_of(tuning, goal, best), lost)


def _key(goal: Goal, row: Row) -> tuple[float, ...]:
    """Return what a goal makes least of, then what settles ties."""
    share = row["share_usable"]
    is_usable = bool(share)
    dists_usable = row["dists_usable"] if is_usable else NEVER
    cost = cost_of(row)
    if goal == "usable":
        return (row["t_usable_s"] if is_usable else NEVER, dists_usable, row["dists_deadline"], cost)
    if goal == "deadline":
        return (row["dists_deadline"] if row["share_shown"] else NEVER, cost, row["t_usable_s"])
    return (cost / share if is_usable else NEVER, row["dists_deadline"], row["t_usable_s"])


def _measured(goal: Goal, row: Row, tuning: Tuning) -> str:
    deadline = minutes_text(tuning.limits.deadline_s)
    share = "" if row["share_usable"] > 0.9995 else f" on the mean, {row['share_usable']:.0%} by {deadline}"
    usable = "not usable"
    if row["dists_usable"] is not None:
        usable = f"usable at {minutes_text(row['t_usable_s'])}{share}, DISTS {row['dists_usable']:.3f}"
    cost = f"{cost_text(row, cost_of(row))} in all"
    if goal == "usable":
        return f"{usable}; {cost}"
    if goal == "deadline":
        return f"DISTS {row['dists_deadline']:.3f} at {deadline}; {cost}"
    return f"{cost}; {usable}"


def _loss(goal: Goal, second: Candidate, best: Row, row: Row) -> str:
    """Return the best of another model or size, and how much worse it is."""
    if goal == "usable":
        later_s = row["t_usable_s"] - best["t_usable_s"]
        if not row["share_usable"]:
            lost = "never usable by the deadline"
        elif later_s < 0.5:
            lost = f"as early, DISTS {row['dists_usable'] - best['dists_usable']:+.3f}"
        else:
            lost = f"{minutes_text(later_s)} later"
    elif goal == "deadline":
        lost = f"DISTS {row['dists_deadline'] - best['dists_deadline']:+.3f}"
    elif not row["share_usable"]:
        lost = "never usable by the deadline"
    else:
        more = cost_of(row) / row["share_usable"] - cost_of(best) / best["share_usable"]
        further = f"DISTS {row['dists_deadline'] - best['dists_deadline']:+.3f}"
        lost = f"{cost_text(row, more)} more" if more > 1e-9 else f"for as much, {further}"
    return f"{name_of(second)}: {lost}"


def why_of(tuning: Tuning, goal: Goal, candidate: Candidate) -> str:
    """Return how a candidate fills the link's messages, and what its neighbours would do instead."""
    payload_bytes = tuning.scenario.link.payload_bytes
    stage = candidate.stage_bytes
    each = min(stages_a_message(stage, payload_bytes), candidate.n_stages)
    fill = (each * stage + HEADER_BYTES) / payload_bytes
    stages = f"{each} stages of {stage} bytes" if each > 1 else f"one stage of {stage} bytes"
    parts = [f"{stages} and a header fill the {payload_bytes}-byte message to {fill:.0%}"]
    longer = max(candidate.size)
    neighbours = (
        _too_many_bits(candidate, payload_bytes),
        _of_sizes(tuning, goal, candidate, lambda side: side > longer, min),
        _of_sizes(tuning, goal, candidate, lambda side: side < longer, max),
    )
    return "; ".join(parts + [text for text in neighbours if text])


def _too_many_bits(candidate: Candidate, payload_bytes: int) -> str:
    """Return the least L of which a stage would not fit a message."""
    model = candidate.model
    for bits in range(model.bits_per_index + 1, MAX_BITS_PER_INDEX + 1):
        n_bytes = stage_bytes(candidate.size, bits, model.downsampling_factor)
        if not stages_a_message(n_bytes, payload_bytes):
            return f"with L={bits} a stage would be {n_bytes} bytes and need two messages"
    return ""


def _of_sizes(
    tuning: Tuning,
    goal: Goal,
    candidate: Candidate,
    among: Callable[[int], bool],
    nearest: Callable[..., Size],
) -> str:
    """Return what the same model does at the nearest of some other sizes."""
    tried: list[Candidate | LeftOut] = [*tuning.rows, *tuning.space.left_out]
    sizes = {each.size for each in tried if each.model == candidate.model and among(max(each.size))}
    if not sizes:
        return ""
    size = nearest(sizes, key=max)
    where = f"at {size[0]}x{size[1]}"
    own = [row for each, row in tuning.rows.items() if each.group == (candidate.model, size)]
    if own:
        return f"{where} it would be {_measured(goal, min(own, key=lambda row: _key(goal, row)), tuning)}"
    reasons = (
        each.reason for each in tuning.space.left_out if (each.model, each.size) == (candidate.model, size)
    )
    return f"{where} {next(reasons)}"
