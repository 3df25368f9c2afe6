"""A scenario's `fleet`: several handsets, each with a photo, on one channel.

Each field's `description` says what is allowed; error messages quote it (satsim.complaints).
"""

from typing import Annotated, Literal

from pydantic import Field

from satsim.section import WEEK_S, Else, Section

Access = Literal["turns", "fcfs", "aloha"]


class FleetSettings(Section):
    """How many handsets share the link's slots, and how they come by one.

    `turns`: each has every n-th slot, whether it has something to send or not (TDMA). `fcfs`: who asks first
    is served first, a packet at a time. `aloha`: in each slot each handset that has something to send does so
    with `transmit_probability`, and all that do so in one slot lose their packet, if more than one does.
    """

    handsets: int = Field(default=1, ge=1, le=1000, description="a whole number from 1 to 1000")
    access: Access = Field(default="turns", description="turns, fcfs or aloha")
    transmit_probability: Annotated[float | None, Else("1 / handsets")] = Field(
        default=None, gt=0, le=1, description="a number above 0, up to 1"
    )
    within_s: float = Field(
        default=0,
        ge=0,
        le=WEEK_S,
        description="a number from 0 to 604800 (seconds, within which all photos are taken)",
    )

    @property
    def probability(self) -> float:
        """The probability that a handset with something to send sends it in a slot, with ALOHA."""
        return 1 / self.handsets if self.transmit_probability is None else self.transmit_probability

    @property
    def slots_a_message(self) -> float:
        """Slots from one message of a handset to its next, on average, while all have something to send."""
        return 1 / self.probability if self.access == "aloha" else self.handsets

    @property
    def is_between_slots(self) -> bool:
        """Whether a photo is taken at any moment of a slot, for whose end its first message has to wait."""
        return self.within_s > 0 and self.access != "fcfs"

    @property
    def met_share(self) -> float:
        """Share of a handset's messages that meet another, which loses both, while all have some to send."""
        return 1 - (1 - self.probability) ** (self.handsets - 1) if self.access == "aloha" else 0.0

    @property
    def is_alone(self) -> bool:
        """Whether there is one handset, which has every slot, and takes its photo at 0 s."""
        is_kept_waiting = self.access == "aloha" and self.probability < 1
        return self.handsets == 1 and not is_kept_waiting and not self.within_s

    @property
    def is_drawn(self) -> bool:
        """Whether the seed decides when who sends."""
        return not self.is_alone and (self.access == "aloha" or self.within_s > 0)
