"""What a tune need not try, since something else that it tries is no later, no dearer, and tells more.

Models of one net differ in L, so in their codebooks. Of two plans of as many messages, that of the larger L
tells more if each message carries at least as many bits of a cell: at equal bits larger codebooks lose less.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from satsim.repair_settings import NoRepair
from satsim.settings import LinkSettings
from satsim.tune_space import Candidate, LeftOut, Limits, Model, Size, Space, billed, messages_of
from satsim.units import HEADER_BYTES

ONCE = NoRepair(kind="none")


class _Plan(NamedTuple):
    """Stages of a model at a size, each sent once."""

    candidate: Candidate
    messages: tuple[int, ...]  # bytes
    units: int  # billed, or messages where the link has no bill
    bits: tuple[int, ...]  # of a cell, that are there after each message


def undominated(space: Space, link: LinkSettings, limits: Limits) -> Space:
    """Leave out every plan, with all its repairs, that another of the same net and size makes needless."""
    rivals: dict[tuple[str, Size], list[_Plan]] = {}
    for candidate in dict.fromkeys(each._replace(repair=ONCE) for each in space.candidates):
        rivals.setdefault((candidate.model.net, candidate.size), []).append(_plan(candidate, link))
    beaten = {each[:3]: each for plans in rivals.values() for each in _beaten(plans, limits)}
    kept = [each for each in space.candidates if each[:3] not in beaten]
    return Space(kept, [*space.left_out, *beaten.values()])


def _plan(candidate: Candidate, link: LinkSettings) -> _Plan:
    messages = tuple(messages_of(candidate, link.payload_bytes))
    per_message = (link.payload_bytes - HEADER_BYTES) // candidate.stage_bytes
    held = (min(candidate.n_stages, per_message * count) for count in range(1, len(messages) + 1))
    bits = tuple(stages * candidate.model.bits_per_index for stages in held)
    return _Plan(candidate, messages, billed(messages, link), bits)


def _beaten(plans: Sequence[_Plan], limits: Limits) -> Iterator[LeftOut]:
    for plan in plans:
        better = next((other for other in reversed(plans) if _beats(other, plan, limits)), None)
        if better is not None:
            model, size, n_stages, _ = plan.candidate
            yield LeftOut(model, size, n_stages, None, _reason(better, plan))


def _beats(other: _Plan, plan: _Plan, limits: Limits) -> bool:
    is_dearer = other.units > plan.units or len(other.messages) > len(plan.messages)
    if limits.budget_bytes is not None:
        is_dearer = is_dearer or sum(other.messages) > sum(plan.messages)
    if is_dearer or not _is_stronger(other.candidate.model, plan.candidate.model):
        return False
    at_least = (*other.bits, *(other.bits[-1:] * (len(plan.bits) - len(other.bits))))
    return all(theirs >= ours for theirs, ours in zip(at_least, plan.bits, strict=True))


def _is_stronger(other: Model, model: Model) -> bool:
    """Whether as many bits of one show more than of the other: one that was taught never does."""
    same = other.bits_per_index == model.bits_per_index
    return not other.is_taught and (other.bits_per_index > model.bits_per_index or (same and model.is_taught))


def _reason(better: _Plan, plan: _Plan) -> str:
    title, stages = better.candidate.model.title, better.candidate.n_stages
    if better.candidate.model.bits_per_index == plan.candidate.model.bits_per_index:
        return f"{title}, which taught it, draws a nearer picture from the same bytes"
    told, ours = better.bits[-1], plan.bits[-1]
    return f"{stages} of {title} tell {told} bits of each cell in no more messages, these {ours}"
