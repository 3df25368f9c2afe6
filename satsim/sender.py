"""The handset: encodes, then sends its packets, as often and in the order that the repair asks for."""

from collections.abc import Generator, Mapping, Sequence
from typing import Protocol

import simpy

from satsim.order import open_loop
from satsim.packets import parse
from satsim.records import EventLog, Frame
from satsim.repair_settings import ArqNextSlot, ArqRound, Repair


class Inlet(Protocol):
    """Whatever takes the sender's frames, one a slot."""

    def wait_s(self) -> float | None:
        """Return for how long no slot can begin; None: never again."""

    def put(self, frame: Frame) -> simpy.Event:
        """Begin a slot; the event fires as it ends, its value tells whether the frame got through."""


class Reports(Protocol):
    """Whatever tells the sender, after a round, what the receiver holds."""

    def ask(self, round_number: int) -> Generator[simpy.Event, bool, frozenset[int]]:
        """Wait for the round's report; return all stages known to be held."""


class _NoWindow(Exception):
    """The link has no window left that has room for a slot."""


class Sender:
    """Sends an image's packets into slots, one after the other.

    With ARQ at the next slot each until the link reports that it got through, or its attempts are spent; with
    ARQ by rounds what the receiver's reports leave open. Otherwise as satsim.order says, whatever becomes of
    them. "lost" in the log is what the link knows; only ARQ at the next slot makes use of it. A packet whose
    codes are still searched for keeps those after it waiting.
    """

    def __init__(
        self,
        env: simpy.Environment,
        log: EventLog,
        out: Inlet,
        encode_s: float,
        repair: Repair,
        reports: Reports | None = None,
        late_s: Mapping[int, float] | None = None,
    ) -> None:
        """`late_s`: how much later than at `encode_s` a frame is there, by packet, if not at once.

        `reports` is needed by ArqRound alone.
        """
        self.out, self._reports = out, reports
        self._env, self._log = env, log
        self._encode_s, self._late_s, self._repair = encode_s, late_s or {}, repair
        self._made: dict[int, simpy.Process] = {}  # of late frames, by packet

    def send(self, frames: Sequence[Frame]) -> Generator[simpy.Event, bool, None]:
        """Run as a SimPy process: encode, queue every frame, send them all."""
        yield self._env.timeout(self._encode_s)
        self._log.add_total(self._env.now, "encoded", sum(len(each.data) for each in frames), "")
        for frame in frames:
            if late_s := self._late_s.get(frame.packet):
                self._made[frame.packet] = self._env.process(self._make(frame, late_s))
            else:
                self._log.add(self._env.now, "queued", frame)
        try:
            yield from self._send(frames)
        except _NoWindow:
            self._log.add_total(self._env.now, "closed", 0, "no window is left that has room for a slot")

    def _make(self, frame: Frame, late_s: float) -> Generator[simpy.Event, None, None]:
        yield self._env.timeout(late_s)
        self._log.add(self._env.now, "queued", frame)

    def _send(self, frames: Sequence[Frame]) -> Generator[simpy.Event, bool, None]:
        if isinstance(self._repair, ArqNextSlot):
            for frame in frames:
                yield from self._send_until_through(frame, self._repair.max_attempts)
        elif isinstance(self._repair, ArqRound):
            yield from self._send_rounds(frames, self._repair.max_rounds)
        else:
            yield from self._send_all(open_loop(self._repair, frames))

    def _send_until_through(self, frame: Frame, max_attempts: int) -> Generator[simpy.Event, bool, None]:
        for attempt in range(1, max_attempts + 1):
            tried = frame._replace(attempt=attempt)
            if (yield from self._try(tried)):
                return
        self._log.add(self._env.now, "gave_up", tried)

    def _send_rounds(self, frames: Sequence[Frame], max_rounds: int) -> Generator[simpy.Event, bool, None]:
        if self._reports is None:
            raise RuntimeError("ARQ by rounds needs the receiver's reports")
        missing = list(frames)
        for number in range(1, max_rounds + 1):
            missing = [frame._replace(attempt=number) for frame in missing]
            for tried in missing:
                yield from self._try(tried)
            held = yield from self._reports.ask(number)
            missing = [frame for frame in missing if not held.issuperset(parse(frame.data).carried)]
            if not missing:
                return
        for tried in missing:
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
        if tried.packet in self._made:
            yield self._made[tried.packet]
        wait_s = self.out.wait_s()
        if wait_s is None:
            raise _NoWindow
        if wait_s:
            yield self._env.timeout(wait_s)
        got_through = yield self.out.put(tried)
        if not got_through:
            self._log.add(self._env.now, "lost", tried)
        return got_through
