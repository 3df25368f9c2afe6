"""The far end: whatever arrives is judged, logged, and kept if it brings something."""

from typing import Protocol

import simpy

from satsim.records import Delivery, EventLog, Frame, Holding, Verdict
from satsim.units import logged_time_s


class Gathering(Protocol):
    """What gathers an image's stages, such as satsim.reassemble.Reassembler."""

    @property
    def holdings(self) -> tuple[Holding, ...]:
        """What was held from when on."""

    @property
    def complete(self) -> bool:
        """Whether all is held that is to come."""

    def accept(self, delivery: Delivery) -> Verdict:
        """Judge one delivery, any bytes at all."""


class Receiver:
    """Hands each frame's bytes to `gathering` and logs what became of them."""

    def __init__(self, env: simpy.Environment, log: EventLog, gathering: Gathering) -> None:
        self.gathering = gathering
        self._env, self._log = env, log

    def put(self, frame: Frame) -> None:
        """Take in a frame that arrives at this moment; its bytes may be anything."""
        was_complete = self.gathering.complete
        verdict = self.gathering.accept(Delivery(logged_time_s(self._env.now), frame.data))
        self._log.add(self._env.now, verdict.event, frame, verdict.detail)
        if self.gathering.complete and not was_complete:
            held = self.gathering.holdings[-1]
            stages = f"{len(held.stages)} stages in {held.packets} packets"
            self._log.add_total(self._env.now, "complete", held.bytes, stages)
