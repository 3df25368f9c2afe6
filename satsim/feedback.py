"""The way back: at the end of a round the receiver reports which stages it holds."""

from collections.abc import Generator, Mapping
from typing import Protocol

import simpy

from satsim.channel import Channel
from satsim.delay import Delay
from satsim.header import ImageTag
from satsim.link import Link
from satsim.packets import Report, pack_report, parse_report
from satsim.records import EventLog, Frame
from satsim.repair_settings import ReturnLink
from satsim.windows import Visibility


class Held(Protocol):
    """What gathers an image's stages, such as satsim.reassemble.Reassembler."""

    @property
    def stages(self) -> Mapping[int, bytes]:
        """The stages held."""


class Feedback:
    """Carries the receiver's report to the sender over a return link of its own.

    Both ends know the round's slots and the windows, so the receiver reports as the last packet can have
    arrived, or in the first window after, and the sender knows when the report must have come.
    """

    def __init__(
        self,
        env: simpy.Environment,
        log: EventLog,
        image: ImageTag,
        held: Held,
        forward: Link,
        channel: Channel,
        settings: ReturnLink,
        visibility: Visibility | None = None,
    ) -> None:
        self._env, self._log = env, log
        self._image, self._held, self._forward = image, held, forward
        interval_s, latency_s = settings.interval_s, settings.latency_s
        self._back = Link(env, channel, log, self, interval_s, Delay(latency_s), "report_sent", visibility)
        self._wait_s = interval_s + latency_s
        self._known: frozenset[int] = frozenset()

    def put(self, frame: Frame) -> None:
        """Take in, at the sender's end, a report that arrives at this moment."""
        self._known |= parse_report(frame.data).held
        self._log.add(self._env.now, "report_received", frame)

    def ask(self, round_number: int) -> Generator[simpy.Event, bool, frozenset[int]]:
        """Wait until the round's report must have come; return all stages that any report called held."""
        yield self._forward.last_arrival
        wait_s = self._back.wait_s()
        if wait_s is None:
            return self._known
        yield self._env.timeout(wait_s)
        held = frozenset(self._held.stages)
        if not held:  # nothing heard, so nothing known of any image to report on
            yield self._env.timeout(self._wait_s)
            return self._known
        report = Frame(0, "", round_number, pack_report(Report(self._image, held)))
        if not (yield self._back.put(report)):
            self._log.add(self._env.now, "report_lost", report)
        yield self._back.last_arrival
        return self._known
