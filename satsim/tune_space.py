"""What `satsim tune` tries: every model, size, number of stages and repair that the link can carry.

The stages of a prefix code are of use in their order alone, so the first is sent first always; what order is
left is that of the repeats, which the repair says: at once (repeat), in rounds (carousel), or in rounds from
which late stages drop out (unequal). With parity every packet has a piece of every stage (ulp).
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice, repeat, takewhile
from pathlib import PurePath
from typing import NamedTuple

from satsim.header import ImageTag
from satsim.order import open_loop
from satsim.packetize import packetize, packetize_parity, packetize_pieces
from satsim.packets import AnyPacket
from satsim.records import Frame
from satsim.repair_settings import (
    ArqNextSlot,
    ArqRound,
    Carousel,
    Erasure,
    NoRepair,
    Repair,
    Repeat,
    Ulp,
    Unequal,
)
from satsim.settings import LinkSettings, Scenario
from satsim.ulp import pieces_bytes
from satsim.units import HEADER_BYTES, MAX_STAGES, logged_time_s, stage_bytes
from satsim.windows import visibility_of

Size = tuple[int, int]
MOST_SLOTS = 1000 * MAX_STAGES  # the longest plan: a thousand rounds of all stages


class Model(NamedTuple):
    """A trained model, by the name or path that a scenario gives it, and its N, L and f."""

    name: str
    n_stages: int
    bits_per_index: int
    downsampling_factor: int
    net: str  # name of the model whose net it has, its own where it has its own
    is_taught: bool  # by the model `net`: smaller, of the same codes

    @property
    def title(self) -> str:
        """What people call it: of a path, the file's name."""
        return PurePath(self.name).stem


class Limits(NamedTuple):
    """What a candidate may take."""

    deadline_s: float  # from the photo on
    budget_bytes: int | None  # on the air, headers and repeats too
    max_cost_usd: float | None  # of all messages


class Candidate(NamedTuple):
    """One way to send the photo."""

    model: Model
    size: Size
    n_stages: int
    repair: Repair

    @property
    def stage_bytes(self) -> int:
        """Bytes of one stage."""
        return stage_bytes(self.size, self.model.bits_per_index, self.model.downsampling_factor)

    @property
    def group(self) -> tuple[Model, Size]:
        """What decides its pictures."""
        return self.model, self.size


class LeftOut(NamedTuple):
    """What is not tried, and why."""

    model: Model
    size: Size
    n_stages: int | None  # None: any number
    repair: Repair | None
    reason: str


class Space(NamedTuple):
    """All there is to try."""

    candidates: list[Candidate]
    left_out: list[LeftOut]


def space_of(scenario: Scenario, models: Sequence[Model], sizes: Sequence[Size], limits: Limits) -> Space:
    """Return what the scenario's link can carry within the limits, and what it cannot, with the reason."""
    space = Space([], [])
    for model in models:
        for size in sizes:
            for each in _of_group(scenario, model, size, limits):
                if isinstance(each, Candidate):
                    space.candidates.append(each)
                else:
                    space.left_out.append(each)
    return space


def packets_of(candidate: Candidate, payload_bytes: int) -> tuple[AnyPacket, ...]:
    """Return the candidate's packets, parity too, their stages' bytes all zero: what is simulated."""
    model, size, repair = candidate.model, candidate.size, candidate.repair
    tag = ImageTag(0, candidate.n_stages, model.bits_per_index, model.downsampling_factor, *size, 0, 0)
    stages = [bytes(candidate.stage_bytes)] * candidate.n_stages
    if isinstance(repair, Ulp):
        needed = repair.needed_of(candidate.n_stages)
        return packetize_pieces(stages, needed, repair.packets, tag, payload_bytes)
    packets = packetize(stages, tag, payload_bytes)
    if isinstance(repair, Erasure):
        packets += packetize_parity(stages[:1] * repair.parity_stages, tag, payload_bytes)
    return packets


def stages_a_message(stage_bytes: int, payload_bytes: int) -> int:
    """Return how many stages of so many bytes a message has room for beside its header."""
    return (payload_bytes - HEADER_BYTES) // stage_bytes


def messages_of(candidate: Candidate, payload_bytes: int) -> list[int]:
    """Return the bytes of each message that the candidate sends, at least: ARQ may have to repeat some."""
    return [HEADER_BYTES + len(packet.payload) for packet in plan_of(candidate, payload_bytes)]


def plan_of(candidate: Candidate, payload_bytes: int) -> list[AnyPacket]:
    """Return the packet in each message that the candidate sends, with ARQ each once."""
    packets = packets_of(candidate, payload_bytes)
    if isinstance(candidate.repair, ArqNextSlot | ArqRound):
        return list(packets)
    frames = [Frame(number, packet.label, 0, b"") for number, packet in enumerate(packets)]
    return [packets[frame.packet] for frame in open_loop(candidate.repair, frames)]


def lateness_s(scenario: Scenario, last_stages: Iterable[int]) -> list[float]:
    """Return how much later than the first stage messages that end with these stages are there."""
    refine_s = scenario.sender.encoding(scenario.codec.search()).refine_s
    return [refine_s * stage for stage in last_stages]


def slots_within(scenario: Scenario, deadline_s: float, late_s: Sequence[float] = ()) -> int:
    """Return how many messages can have arrived by then, at most; above MOST_SLOTS that many.

    Of a handset that shares its slots or waits for them: how many it sends by then on average, while all
    have something to send. `late_s` as for `slot_ends_s`.
    """
    last_s = logged_time_s(deadline_s - scenario.link.latency.total_s)
    ends_s = islice(slot_ends_s(scenario, late_s), MOST_SLOTS)
    return sum(1 for _ in takewhile(lambda end_s: logged_time_s(end_s) <= last_s, ends_s))


def slot_ends_s(scenario: Scenario, late_s: Sequence[float] = ()) -> Iterator[float]:
    """Yield when each slot of one handset ends, if the fleet's others always have a message too.

    `late_s`: how much later than the first stage each message is there; those after them are there.
    """
    link, fleet = scenario.link, scenario.fleet
    first_s = scenario.sender.encoding(scenario.codec.search()).encode_s
    first_s += link.interval_s if fleet.is_between_slots else 0.0
    ready_s = chain((first_s + each for each in late_s), repeat(first_s))
    there = None if link.windows is None else visibility_of(link.windows)
    now_s = first_s
    for each_s in ready_s:
        start_s: float | None = max(now_s, each_s)
        if there is not None:
            start_s = there.next_start_s(max(now_s, each_s), link.interval_s)
        if start_s is None:
            return
        now_s = start_s + link.interval_s * fleet.slots_a_message
        yield now_s


def billed(messages: Sequence[int], link: LinkSettings) -> int:
    """Return the units that messages of so many bytes are billed as; without a bill, their count."""
    return sum(map(link.billing.units, messages)) if link.billing else len(messages)


def cost_usd(messages: Sequence[int], link: LinkSettings) -> float | None:
    """Return what messages of so many bytes cost; None where the link gives no price."""
    return None if link.billing is None else link.billing.usd(billed(messages, link))


def _of_group(scenario: Scenario, model: Model, size: Size, limits: Limits) -> Iterator[Candidate | LeftOut]:
    one, payload_bytes = Candidate(model, size, 1, scenario.repair).stage_bytes, scenario.link.payload_bytes
    per_message = stages_a_message(one, payload_bytes)
    if not per_message:
        reason = f"a stage of {one} bytes and its header of {HEADER_BYTES} do not fit into {payload_bytes}"
        yield LeftOut(model, size, None, None, reason)
        return
    for n_stages in range(1, model.n_stages + 1):
        if reason := _idle_room(scenario, model, size, n_stages, per_message):
            yield LeftOut(model, size, n_stages, None, reason)
            continue
        for repair in _repairs(scenario, n_stages, one, limits):
            candidate = Candidate(model, size, n_stages, repair)
            fault = _over(candidate, scenario, limits)
            yield LeftOut(model, size, n_stages, repair, fault) if fault else candidate


def _idle_room(scenario: Scenario, model: Model, size: Size, n_stages: int, per_message: int) -> str:
    """Return why so few stages are not worth trying: one more would ride along for nothing."""
    if n_stages % per_message == 0 or n_stages == model.n_stages:
        return ""
    link = scenario.link
    plans = (Candidate(model, size, n, NoRepair(kind="none")) for n in (n_stages, n_stages + 1))
    bills = [billed(messages_of(plan, link.payload_bytes), link) for plan in plans]
    return "the last message has room for another stage at no cost" if bills[0] == bills[1] else ""


def _over(candidate: Candidate, scenario: Scenario, limits: Limits) -> str:
    """Return which limit the candidate breaks, "" if none."""
    plan = plan_of(candidate, scenario.link.payload_bytes)
    messages = [HEADER_BYTES + len(packet.payload) for packet in plan]
    late = lateness_s(scenario, (packet.last_stage for packet in plan))
    slots = slots_within(scenario, limits.deadline_s, late)
    if len(messages) > slots:
        return f"{len(messages)} messages, of which at most {slots} arrive by the deadline"
    if limits.budget_bytes is not None and sum(messages) > limits.budget_bytes:
        return f"{sum(messages)} bytes on the air, over the budget of {limits.budget_bytes}"
    price_usd = cost_usd(messages, scenario.link)
    if limits.max_cost_usd is not None and price_usd is not None and price_usd > limits.max_cost_usd:
        return f"{price_usd:.2f} USD, over {limits.max_cost_usd:.2f}"
    return ""


def _repairs(scenario: Scenario, n_stages: int, stage_bytes: int, limits: Limits) -> Iterator[Repair]:
    """Yield what can be done about loss; ARQ only where the scenario's own repair has a way back.

    Where nothing is lost there is nothing to be done, and ARQ does nothing.
    """
    is_arq = isinstance(scenario.repair, ArqNextSlot | ArqRound)
    if _loss_rate(scenario) == 0:
        yield scenario.repair if is_arq else NoRepair(kind="none")
        return
    yield NoRepair(kind="none")
    if is_arq:
        yield scenario.repair
    per_message = stages_a_message(stage_bytes, scenario.link.payload_bytes)
    n_packets = -(-n_stages // per_message)
    last_stages = [min(n_stages, (number + 1) * per_message) - 1 for number in range(n_packets)]
    slots = slots_within(scenario, limits.deadline_s, lateness_s(scenario, last_stages))
    fills = slots // n_packets  # so often all fit before the deadline
    for times in sorted({2, min(fills, 1000)} - {0, 1}):
        yield Carousel(kind="carousel", rounds=times)
        if n_packets > 1:
            yield Repeat(kind="repeat", times=times)
    if n_packets > 1:
        yield Unequal(kind="unequal", copies=((3,) * per_message + (2,) * per_message + (1,))[:MAX_STAGES])
        yield Unequal(kind="unequal", copies=((2,) * per_message + (1,))[:MAX_STAGES])
        late = lateness_s(scenario, [n_stages - 1])  # a piece of every stage
        yield from _pieces(scenario, n_stages, stage_bytes, slots_within(scenario, limits.deadline_s, late))
        for parity in sorted({per_message, -(-n_packets // 2) * per_message}):
            if parity <= MAX_STAGES:
                yield Erasure(kind="erasure", parity_stages=parity)


def _loss_rate(scenario: Scenario) -> float | None:
    """Return the share of messages that are lost, to collisions too; None where nobody knows it."""
    rate: float | None = getattr(scenario.link.loss, "rate", None)
    return None if rate is None else 1 - (1 - rate) * (1 - scenario.fleet.met_share)


def _pieces(scenario: Scenario, n_stages: int, stage_bytes: int, slots: int) -> Iterator[Ulp]:
    """Yield unequal loss protection in twice the packets, and in all that arrive by the deadline.

    The last stages need as many packets as arrive on average, the first as few as the payload has room for,
    those between evenly more; stages that would share a packet come together, as in all other plans, so that
    there are no more pictures to score. Only where a loss rate is known.
    """
    rate = _loss_rate(scenario)
    if rate is None:
        return
    payload_bytes = scenario.link.payload_bytes
    per_message = stages_a_message(stage_bytes, payload_bytes)
    n_packets = -(-n_stages // per_message)
    shares = [stage // per_message / (n_packets - 1) for stage in range(n_stages)]
    for packets in sorted({min(each, slots, MAX_STAGES) for each in (2 * n_packets, slots)}):
        last = int(packets * (1 - rate) + 1e-9)  # 25 * (1 - 0.8) is a little under 5
        for first in range(1, last + 1):
            needed = tuple(round(first + (last - first) * share) for share in shares)
            if pieces_bytes([stage_bytes] * n_stages, needed) <= payload_bytes - HEADER_BYTES:
                yield Ulp(kind="ulp", packets=packets, needed=needed)
                break
