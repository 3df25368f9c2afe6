"""A link's `loss`: one of four models of what is lost, told apart by `kind`.

Each field's `description` says what is allowed; error messages quote it (satsim.complaints).
"""

from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import BeforeValidator, Field, Tag, ValidationInfo, field_validator

from satsim.section import WEEK_S, Section, by_kind, not_allowed, of_a_file
from satsim.units import rounded_up

INDEPENDENT: Literal["independent"] = "independent"  # the kind of a loss that names none
ROUNDING = 1e-9  # relative, forgiven at a limit that is computed
MOST_IN_A_BURST = 1_000_000
TRACE_PATH = "the path of a trace in CSV, relative to the scenario file"


class IndependentLoss(Section):
    """Each slot loses its packet with probability `rate`, whatever happened before."""

    kind: Literal["independent"] = Field(default=INDEPENDENT, description=INDEPENDENT)
    rate: float = Field(default=0, ge=0, le=1, description="a number from 0 to 1")


class Transitions(NamedTuple):
    """How a Gilbert-Elliott channel changes state from one slot to the next."""

    to_bad: float  # probability of bad after good: NTIA's p
    to_good: float  # probability of good after bad: NTIA's r


class GilbertElliottLoss(Section):
    """Two states, good and bad, changing from slot to slot: losses in bursts, counted in packets.

    `rate` is the share of packets lost, `mean_burst` the mean number of packets lost in a row. In the bad
    state all are lost and in the good state none (Gilbert), unless the two probabilities say otherwise.
    """

    kind: Literal["gilbert_elliott"] = Field(description="gilbert_elliott")
    loss_in_good: float = Field(default=0, ge=0, lt=1, description="a number from 0 to below 1")
    loss_in_bad: float = Field(default=1, gt=0, le=1, description="a number above 0, up to 1")
    rate: float = Field(ge=0, lt=1, description="a number from 0 to below 1")
    mean_burst: float = Field(ge=1, le=MOST_IN_A_BURST, description="a number from 1 to 1000000 (packets)")

    @field_validator("rate")
    @classmethod
    def _between_both_states(cls, rate: float, info: ValidationInfo) -> float:
        in_good, in_bad = info.data.get("loss_in_good", 0), info.data.get("loss_in_bad", 1)
        if not (in_good < rate < in_bad or rate == in_good == 0):
            raise not_allowed(f"a number between loss_in_good, {in_good:g}, and loss_in_bad, {in_bad:g}")
        return rate

    @field_validator("mean_burst")
    @classmethod
    def _can_be_reached(cls, mean_burst: float, info: ValidationInfo) -> float:
        if not {"rate", "loss_in_good", "loss_in_bad"} <= info.data.keys():
            return mean_burst  # the error there is enough
        rate = info.data["rate"]
        shortest, endless = _burst_range(rate, info.data["loss_in_good"], info.data["loss_in_bad"])
        if not shortest * (1 - ROUNDING) <= mean_burst < endless:
            if shortest > MOST_IN_A_BURST:
                raise not_allowed(f"a lower rate: at {rate} more than {MOST_IN_A_BURST} are lost in a row")
            rest = "" if endless == float("inf") else f" and below {endless:.6g}"
            least = rounded_up(shortest * (1 - ROUNDING))
            raise not_allowed(f"at least {least}{rest} packets where rate is {rate}")
        return mean_burst

    @property
    def transitions(self) -> Transitions:
        """The change of states that gives this rate and this mean burst."""
        return transitions(self.rate, self.mean_burst, self.loss_in_good, self.loss_in_bad)


def transitions(rate: float, mean_burst: float, in_good: float = 0, in_bad: float = 1) -> Transitions:
    """Return the transitions at which the share `rate` of packets is lost, on average `mean_burst` in a row.

    Solves the definitions of NTIA TM-23-565 (github.com/NTIA/gilbert-elliot-model, model_error_statistics)
    for p and r, with k = 1 - in_good and h = 1 - in_bad: with b = p / (p + r), the share of bad slots,

        rate       = (1 - h) b + (1 - k) (1 - b)
        mean_burst = rate / P(a packet is lost and the next is not)

    For in_good = 0 and in_bad = 1 that is r = 1 / mean_burst and p = r rate / (1 - rate).
    """
    bad = (rate - in_good) / (in_bad - in_good)
    if bad == 0:
        return Transitions(0, 1 / mean_burst)
    frozen = _ends_without_change(bad, in_good, in_bad)
    to_good = (rate / mean_burst - frozen) / (bad * (in_bad - in_good) ** 2)
    return Transitions(to_good * bad / (1 - bad), to_good)


def _ends_without_change(bad: float, in_good: float, in_bad: float) -> float:
    """Return the probability that a loss and then none meet in one state, if states never changed."""
    return (1 - bad) * in_good * (1 - in_good) + bad * in_bad * (1 - in_bad)


def _burst_range(rate: float, in_good: float, in_bad: float) -> tuple[float, float]:
    """Return the shortest mean burst, at which a transition has probability 1, and the one never reached."""
    bad = (rate - in_good) / (in_bad - in_good)
    if bad == 0:
        return 1, float("inf")
    frozen = _ends_without_change(bad, in_good, in_bad)
    most_to_good = min(1, (1 - bad) / bad)
    shortest = rate / (frozen + most_to_good * bad * (in_bad - in_good) ** 2)
    return shortest, rate / frozen if frozen else float("inf")


class BlockageLoss(Section):
    """The view of the sky is open and blocked in turn, each for an exponentially distributed time.

    Clocked in seconds, so that a blockage ends while nothing is sent. A packet is lost if any part of its
    slot is blocked; so of slots of `interval_s` the share 1 - open_s / (open_s + blocked_s) *
    exp(-interval_s / open_s) is lost.
    """

    kind: Literal["blockage"] = Field(description="blockage")
    open_s: float = Field(ge=0.1, le=WEEK_S, description="a number from 0.1 to 604800 (seconds)")
    blocked_s: float = Field(ge=0.1, le=WEEK_S, description="a number from 0.1 to 604800 (seconds)")


AfterEnd = Literal["repeat", "received", "lost"]


class TraceLoss(Section):
    """What was recorded (satsim.trace) happens again, its first outcome at 0 s.

    After the trace's end it repeats from its start, or every packet is received, or every one is lost.
    """

    kind: Literal["trace"] = Field(description="trace")
    path: Annotated[Path, of_a_file(TRACE_PATH)] = Field(strict=False, description=TRACE_PATH)
    after_end: AfterEnd = Field(default="repeat", description="repeat, received or lost")


def _none_is_rate_0(value: object) -> object:
    return IndependentLoss(rate=0) if value == "none" else value


DRAWN_LOSS_TEXT = (
    "none, {rate}, {kind: gilbert_elliott, rate, mean_burst, loss_in_good, loss_in_bad}"
    " or {kind: blockage, open_s, blocked_s}"
)
DrawnLoss = Annotated[
    Annotated[IndependentLoss, Tag("independent")]
    | Annotated[GilbertElliottLoss, Tag("gilbert_elliott")]
    | Annotated[BlockageLoss, Tag("blockage")],
    by_kind(INDEPENDENT),
    BeforeValidator(_none_is_rate_0),
]
LOSS_TEXT = DRAWN_LOSS_TEXT.replace(" or", ",") + " or {kind: trace, path, after_end}"
Loss = Annotated[
    Annotated[IndependentLoss, Tag("independent")]
    | Annotated[GilbertElliottLoss, Tag("gilbert_elliott")]
    | Annotated[BlockageLoss, Tag("blockage")]
    | Annotated[TraceLoss, Tag("trace")],
    by_kind(INDEPENDENT),
    BeforeValidator(_none_is_rate_0),
]


def is_drawn(loss: Loss) -> bool:
    """Tell whether the seed decides what is lost."""
    if isinstance(loss, IndependentLoss | GilbertElliottLoss):
        return loss.rate > 0
    return isinstance(loss, BlockageLoss)
