"""What the sender does about lost packets: one of eight kinds of `repair`, told apart by `kind`.

Each field's `description` says what is allowed; error messages quote it (satsim.complaints).
"""

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, Tag, ValidationInfo, field_validator

from satsim.loss_settings import DRAWN_LOSS_TEXT, DrawnLoss, IndependentLoss
from satsim.section import WEEK_S, WEEK_TEXT, Section, by_kind, listed, not_allowed
from satsim.units import MAX_REPORT_BYTES, MAX_STAGES

COUNT = "a whole number from 1 to 1000"
NEEDED = "1 to 64 whole numbers from 1 to packets, none smaller than the one before"
COPIES = "1 to 64 whole numbers from 1 to 100, none larger than the one before"
ARQ: Literal["arq_next_slot"] = "arq_next_slot"  # the kind of a repair that names none


class NoRepair(Section):
    """Each packet is sent once."""

    kind: Literal["none"] = Field(description="none")


class ArqNextSlot(Section):
    """A lost packet is repeated in the next slot, as the link reports its fate at the slot's end."""

    kind: Literal["arq_next_slot"] = Field(default=ARQ, description=ARQ)
    max_attempts: int = Field(default=50, ge=1, le=1000, description=COUNT)


class ReturnLink(Section):
    """The way back, a link of its own: one report of at most `payload_bytes` a slot of `interval_s`."""

    payload_bytes: int = Field(
        ge=MAX_REPORT_BYTES,
        le=65536,
        description=f"a whole number from {MAX_REPORT_BYTES} (our header and a bit for each of"
        f" {MAX_STAGES} stages) to 65536",
    )
    interval_s: float = Field(ge=0.001, le=WEEK_S, description="a number from 0.001 to 604800 (seconds)")
    latency_s: float = Field(default=0, ge=0, le=WEEK_S, description=WEEK_TEXT)
    loss: DrawnLoss = Field(default=IndependentLoss(), description=DRAWN_LOSS_TEXT)


class ArqRound(Section):
    """All packets in turn; then the receiver reports what it holds, and what is missing is sent again.

    The sender waits for the report as long as it takes to come. Where it is lost, or the receiver has heard
    nothing to report on, everything of which no report has told is sent again.
    """

    kind: Literal["arq_round"] = Field(description="arq_round")
    return_link: ReturnLink = Field(description="{payload_bytes, interval_s, latency_s, loss}")
    max_rounds: int = Field(default=50, ge=1, le=1000, description=COUNT)


class Repeat(Section):
    """Each packet is sent `times` times in a row, unasked: there is no way back."""

    kind: Literal["repeat"] = Field(description="repeat")
    times: int = Field(ge=1, le=1000, description=COUNT)


class Carousel(Section):
    """All packets in turn, `rounds` times over, unasked: a listener can join at any moment."""

    kind: Literal["carousel"] = Field(description="carousel")
    rounds: int = Field(ge=1, le=1000, description=COUNT)


class Unequal(Section):
    """Early stages are sent more often than late ones, unasked: `copies` of stage 1, 2, ...

    In rounds, as a carousel from which the late stages drop out first. The last number holds for all stages
    after it.
    """

    kind: Literal["unequal"] = Field(description="unequal")
    copies: tuple[Annotated[int, Field(ge=1, le=100)], ...] = Field(
        min_length=1, max_length=MAX_STAGES, description=COPIES
    )

    _list_to_tuple = field_validator("copies", mode="before")(listed)

    @field_validator("copies")
    @classmethod
    def _never_more(cls, copies: tuple[int, ...]) -> tuple[int, ...]:
        if any(later > earlier for earlier, later in pairwise(copies)):
            raise not_allowed(COPIES)
        return copies


class Erasure(Section):
    """`parity_stages` more stages, made of all: any n_stages of those received give back all of them."""

    kind: Literal["erasure"] = Field(description="erasure")
    parity_stages: int = Field(ge=1, le=MAX_STAGES, description=f"a whole number from 1 to {MAX_STAGES}")


class Ulp(Section):
    """`packets` packets with a piece of every stage each; any `needed` of them give back stage 1, 2, ...

    Unequal loss protection (satsim.ulp): early stages take fewer packets, and so survive more losses. The
    last number holds for all stages after it, and for a file, which is of use only as a whole.
    """

    kind: Literal["ulp"] = Field(description="ulp")
    packets: int = Field(ge=1, le=MAX_STAGES, description=f"a whole number from 1 to {MAX_STAGES}")
    needed: tuple[Annotated[int, Field(ge=1, le=MAX_STAGES)], ...] = Field(
        min_length=1, max_length=MAX_STAGES, description=NEEDED
    )

    _list_to_tuple = field_validator("needed", mode="before")(listed)

    @field_validator("needed")
    @classmethod
    def _never_fewer(cls, needed: tuple[int, ...], info: ValidationInfo) -> tuple[int, ...]:
        most = info.data.get("packets", MAX_STAGES)
        if list(needed) != sorted(needed) or needed[-1] > most:
            raise not_allowed(NEEDED.replace("packets", f"{most}"))
        return needed

    def needed_of(self, n_stages: int, is_file: bool = False) -> tuple[int, ...]:
        """Return how many packets each of an image's stages takes; a file counts as the last stage."""
        return self.needed[-1:] if is_file else (self.needed + self.needed[-1:] * n_stages)[:n_stages]


REPAIR_TEXT = (
    "{kind: none}, {kind: arq_next_slot, max_attempts}, {kind: arq_round, return_link, max_rounds},"
    " {kind: repeat, times}, {kind: carousel, rounds}, {kind: unequal, copies},"
    " {kind: erasure, parity_stages} or {kind: ulp, packets, needed}"
)
Repair = Annotated[
    Annotated[NoRepair, Tag("none")]
    | Annotated[ArqNextSlot, Tag("arq_next_slot")]
    | Annotated[ArqRound, Tag("arq_round")]
    | Annotated[Repeat, Tag("repeat")]
    | Annotated[Carousel, Tag("carousel")]
    | Annotated[Unequal, Tag("unequal")]
    | Annotated[Erasure, Tag("erasure")]
    | Annotated[Ulp, Tag("ulp")],
    by_kind(ARQ),
]
