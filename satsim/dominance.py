"""What a tune need not try, since something else that it tries is no later, no dearer, and shows more.

Models of one net differ in L, so in their codebooks. Of two that need as many messages, the one that the net
was trained with shows more, else the one of the larger L, if each message carries enough bits of a cell: so
it is on the mean over photos. On one photo the other can be nearer, by 0.02 of DISTS where it was seen.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from satsim.repair_settings import NoRepair
from satsim.settings import Scenario
from satsim.tune_space import (
    Candidate,
    LeftOut,
    Limits,
    Model,
    Size,
    Space,
    billed,
    lateness_s,
    messages_of,
    packets_of,
    slot_ends_s,
    stages_a_message,
)

ONCE = NoRepair(kind="none")
ENOUGH = 0.9  # of the bits of a smaller L; DISTS over 16 photos: 40 bits of f32 0.245, 42 of f32-l6 0.267


class _Plan(NamedTuple):
    """Stages of a model at a size, each sent once."""

    candidate: Candidate
    messages: tuple[int, ...]  # bytes
    ends_s: tuple[float, ...]  # of the slots that they are sent in
    units: int  # billed, or messages where the link has no bill
    bits: tuple[int, ...]  # of a cell, that are there after each message


def undominated(space: Space, scenario: Scenario, limits: Limits) -> Space:
    """Leave out every plan, with all its repairs, that another of the same net and size makes needless."""
    rivals: dict[tuple[str, Size], list[_Plan]] = {}
    for candidate in dict.fromkeys(each._replace(repair=ONCE) for each in space.candidates):
        rivals.setdefault((candidate.model.net, candidate.size), []).append(_plan(candidate, scenario))
    beaten = {each[:3]: each for plans in rivals.values() for each in _beaten(plans, limits)}
    kept = [each for each in space.candidates if each[:3] not in beaten]
    return Space(kept, [*space.left_out, *beaten.values()])


def _plan(candidate: Candidate, scenario: Scenario) -> _Plan:
    link = scenario.link
    packets = packets_of(candidate, link.payload_bytes)
    messages = tuple(messages_of(candidate, link.payload_bytes))
    late_s = lateness_s(scenario, (packet.last_stage for packet in packets))
    ends_s = tuple(islice(slot_ends_s(scenario, late_s), len(messages)))
    per_message = stages_a_message(candidate.stage_bytes, link.payload_bytes)
    held = (min(candidate.n_stages, per_message * count) for count in range(1, len(messages) + 1))
    bits = tuple(stages * candidate.model.bits_per_index for stages in held)
    return _Plan(candidate, messages, ends_s, billed(messages, link), bits)


def _beaten(plans: Sequence[_Plan], limits: Limits) -> Iterator[LeftOut]:
    """Yield those that a stronger one beats which is itself not beaten."""
    kept: list[_Plan] = []
    for plan in sorted(plans, key=lambda each: _strength(each.candidate.model), reverse=True):
        better = next((other for other in kept if _beats(other, plan, limits)), None)
        if better is None:
            kept.append(plan)
        else:
            model, size, n_stages, _ = plan.candidate
            yield LeftOut(model, size, n_stages, None, _reason(better, plan))


def _beats(other: _Plan, plan: _Plan, limits: Limits) -> bool:
    theirs, ours = other.candidate.model, plan.candidate.model
    is_dearer = other.units > plan.units or len(other.messages) > len(plan.messages)
    if limits.budget_bytes is not None:
        is_dearer = is_dearer or sum(other.messages) > sum(plan.messages)
    is_later = any(told > needed for told, needed in zip(other.ends_s, plan.ends_s, strict=False))
    if is_dearer or is_later or theirs.is_taught or _strength(theirs) <= _strength(ours):
        return False
    share = ENOUGH if theirs.bits_per_index > ours.bits_per_index else 1
    there = (*other.bits, *(other.bits[-1:] * (len(plan.bits) - len(other.bits))))
    return all(told >= share * needed for told, needed in zip(there, plan.bits, strict=True))


def _strength(model: Model) -> tuple[bool, int, bool]:
    """Order in which as many bits show more."""
    return model.name == model.net, model.bits_per_index, not model.is_taught


def _reason(better: _Plan, plan: _Plan) -> str:
    model, told, needed = better.candidate.model, better.bits[-1], plan.bits[-1]
    if plan.candidate.model.is_taught and model.name == model.net:
        return f"{model.title}, which taught it, draws a nearer picture from as many bytes"
    stages = better.candidate.n_stages
    return f"{stages} of {model.title} tell {told} bits of each cell in no more messages, these {needed}"
