"""The handset: encodes, then sends its packets, as often and in the order that the repair asks for."""

from collections.abc import Generator, Sequence
from typing import Protocol

import simpy

from satsim.order import open_loop
from satsim.records import EventLog, Frame
from satsim.repair_settings import ArqNextSlot, Repair


class Inlet(Protocol):
    """Whatever takes the sender's frames, one a slot."""

    def put(self, frame: Frame) -> simpy.Event:
        """Begin a slot; the event fires as it ends, its value tells whether the frame got through."""


class Sender:
    """Sends an image's packets into slots, one after the other.

    With ARQ each until the link reports that it got through, or its attempts are spent. Otherwise as
    satsim.order says, whatever becomes of them; "lost" in the log is then what the link knows.
    """

    def __init__(
        self, env: simpy.Environment, log: EventLog, out: Inlet, encode_s: float, repair: Repair
    ) -> None:
        self.out = out
        self._env, self._log = env, log
        self._encode_s, self._repair = encode_s, repair

    def send(self, frames: Sequence[Frame]) -> Generator[simpy.Event, bool, None]:
        """Run as a SimPy process: encode, queue every frame, send them all."""
        yield self._env.timeout(self._encode_s)
        self._log.add_total(self._env.now, "encoded", sum(len(each.data) for each in frames), "")
        for frame in frames:
            self._log.add(self._env.now, "queued", frame)
        if isinstance(self._repair, ArqNextSlot):
            for frame in frames:
                yield from self._send_until_through(frame, self._repair.max_attempts)
        else:
            yield from self._send_all(open_loop(self._repair, frames))

    def _send_until_through(self, frame: Frame, max_attempts: int) -> Generator[simpy.Event, bool, None]:
        for attempt in range(1, max_attempts + 1):
            tried = frame._replace(attempt=attempt)
            if (yield from self._try(tried)):
                return
        self._log.add(self._env.now, "gave_up", tried)

    def _send_all(self, tries: Sequence[Frame]) -> Generator[simpy.Event, bool, None]:
        last = {tried.packet: tried.attempt for tried in tries}
        through = set()
        for tried in tries:
            if (yield from self._try(tried)):
                through.add(tried.packet)
            elif tried.attempt == last[tried.packet] and tried.packet not in through:
                self._log.add(self._env.now, "gave_up", tried)

    def _try(self, tried: Frame) -> Generator[simpy.Event, bool, bool]:
        got_through = yield self.out.put(tried)
        if not got_through:
            self._log.add(self._env.now, "lost", tried)
        return got_through
