"""The link: one packet a slot, and all of the delay."""

from typing import NamedTuple, Protocol

import simpy

from satsim.channel import Channel
from satsim.delay import Delay
from satsim.medium import Medium
from satsim.records import EventLog, EventName, Frame
from satsim.units import logged_time_s
from satsim.windows import Visibility


class Outlet(Protocol):
    """Whatever stands at the far end of a link."""

    def put(self, frame: Frame) -> None:
        """Take a frame in at this moment."""


class Seat(NamedTuple):
    """A handset's place on a shared channel."""

    medium: Medium
    handset: int  # from 0


class Link:
    """Carries one frame a slot to `out`, or loses it.

    A frame occupies the link for `interval_s` and arrives `delay` after its slot has ended. At the end of
    the slot the sender's modem knows whether it got through, as Iridium's MO session status tells it. The log
    calls the begin of a slot `sent`. A slot lies whole in a window, if there are any; on a channel that is
    shared it begins when it is this handset's turn.
    """

    def __init__(
        self,
        env: simpy.Environment,
        channel: Channel,
        log: EventLog,
        out: Outlet,
        interval_s: float,
        delay: Delay,
        sent: EventName = "sent",
        visibility: Visibility | None = None,
        seat: Seat | None = None,
    ) -> None:
        self.out = out
        self.last_arrival: simpy.Event = env.event().succeed()  # the latest of any so far
        self._env, self._channel, self._log = env, channel, log
        self._interval_s, self._delay = interval_s, delay
        self._free_at_s = 0.0
        self._sent, self._visibility, self._seat = sent, visibility, seat

    def wait_s(self) -> float | None:
        """Return for how long, from now, no slot can begin; None: no window is left that has room for one.

        On a shared channel the slot is taken with this: ask once for each frame.
        """
        now_s = self._env.now
        if self._seat is not None:
            return max(0.0, self._seat.medium.next_start_s(self._seat.handset, now_s) - now_s)  # rounding
        if self._visibility is None:
            return 0.0
        start_s = self._visibility.next_start_s(now_s, self._interval_s)
        return None if start_s is None else start_s - now_s

    def put(self, frame: Frame) -> simpy.Event:
        """Begin a slot with `frame`; the event fires as the slot ends, its value says whether it got through.

        Raises RuntimeError before the last slot has ended: the link holds no queue. Ask `wait_s` first.
        """
        env = self._env
        if logged_time_s(env.now) < logged_time_s(self._free_at_s):
            raise RuntimeError(f"the link is busy until {self._free_at_s} s; it is {env.now} s")
        self._free_at_s = env.now + self._interval_s
        self._log.add(env.now, self._sent, frame)
        lost = self._channel.loses(env.now, self._free_at_s)
        # scheduled before the slot's end, so that it comes first where there is no delay
        delay_s, longest_s = self._delay.drawn_s(), self._delay.longest_s
        arrival = env.timeout(self._interval_s + delay_s)
        self.last_arrival = arrival if delay_s == longest_s else env.timeout(self._interval_s + longest_s)
        if self._seat is None or lost:
            if not lost:
                arrival.callbacks.append(lambda _: self.out.put(frame))
            return env.timeout(self._interval_s, value=not lost)
        return self._put_beside_others(frame, self._seat.medium, arrival)

    def _put_beside_others(self, frame: Frame, medium: Medium, arrival: simpy.Event) -> simpy.Event:
        """Let the frame through if it stays alone in its slot, which is known once the slot has begun."""
        start_s, done = self._env.now, self._env.event()

        def arrive(_: simpy.Event) -> None:
            if not medium.collides(start_s):
                self.out.put(frame)

        def end(_: simpy.Event) -> None:
            done.succeed(not medium.collides(start_s))

        arrival.callbacks.append(arrive)
        self._env.timeout(self._interval_s).callbacks.append(end)
        return done
