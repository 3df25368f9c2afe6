"""The handset: encodes, then sends its packets in order, a lost one again in the next slot."""

from collections.abc import Generator, Sequence
from typing import Protocol

import simpy

from satsim.records import EventLog, Frame


class Inlet(Protocol):
    """Whatever takes the sender's frames, one a slot."""

    def put(self, frame: Frame) -> simpy.Event:
        """Begin a slot; the event fires as it ends, its value tells whether the frame got through."""


class Sender:
    """Sends each packet until the link reports that it got through, or `max_attempts` are spent."""

    def __init__(
        self, env: simpy.Environment, log: EventLog, out: Inlet, encode_s: float, max_attempts: int
    ) -> None:
        """`max_attempts` of 1 is no repair at all."""
        self.out = out
        self._env, self._log = env, log
        self._encode_s, self._max_attempts = encode_s, max_attempts

    def send(self, frames: Sequence[Frame]) -> Generator[simpy.Event, bool, None]:
        """Run as a SimPy process: encode, queue every frame, send them all."""
        yield self._env.timeout(self._encode_s)
        self._log.add_total(self._env.now, "encoded", sum(len(each.data) for each in frames), "")
        for frame in frames:
            self._log.add(self._env.now, "queued", frame)
        for frame in frames:
            yield from self._send_one(frame)

    def _send_one(self, frame: Frame) -> Generator[simpy.Event, bool, None]:
        for attempt in range(1, self._max_attempts + 1):
            tried = frame._replace(attempt=attempt)
            if (yield self.out.put(tried)):
                return
            self._log.add(self._env.now, "lost", tried)
        self._log.add(self._env.now, "gave_up", tried)
