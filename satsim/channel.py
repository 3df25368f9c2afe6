"""Which slots lose their packet."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from satsim.loss_settings import (
    AfterEnd,
    BlockageLoss,
    GilbertElliottLoss,
    IndependentLoss,
    Loss,
    TraceLoss,
    Transitions,
)
from satsim.trace import Trace, read_trace
from satsim.units import logged_time_s

LEAST_PAIRS, MOST_PAIRS = 16, 100_000  # of an open and a blocked time, drawn at once


class Channel(Protocol):
    """Decides each slot's fate, asked once a slot in slot order."""

    def loses(self, start_s: float, end_s: float) -> bool:
        """Tell whether the slot from `start_s` to `end_s`, simulated seconds, loses its packet."""


class Perfect:
    """Nothing is ever lost."""

    def loses(self, start_s: float, end_s: float) -> bool:
        """Return False."""
        return False


class Independent:
    """Each slot loses its packet with the same probability, whatever happened before."""

    def __init__(self, rate: float, generator: np.random.Generator) -> None:
        """`rate` in 0..1; the generator is this channel's own, one draw a slot."""
        self._rate = rate
        self._generator = generator

    def loses(self, start_s: float, end_s: float) -> bool:
        """Draw the slot's fate."""
        return bool(self._generator.random() < self._rate)


class GilbertElliott:
    """Loses packets in bursts: the state, good or bad, changes from slot to slot, however long a slot is.

    The first slot's state is drawn from the stationary distribution. Two draws a slot: state, then loss.
    After E. N. Gilbert, Bell System Technical Journal 39 (1960), and E. O. Elliott, same journal 42 (1963),
    in the notation of NTIA TM-23-565, github.com/NTIA/gilbert-elliot-model: `transitions` are p and r, the
    two losses 1 - k and 1 - h.
    """

    def __init__(
        self,
        transitions: Transitions,
        generator: np.random.Generator,
        loss_in_good: float = 0,
        loss_in_bad: float = 1,
    ) -> None:
        """All probabilities in 0..1, not both transitions 0; the generator is this channel's own."""
        self._to_bad, self._to_good = transitions
        self._in_good, self._in_bad = loss_in_good, loss_in_bad
        self._generator = generator
        self._next_is_bad = self._to_bad / (self._to_bad + self._to_good)  # its probability

    def loses(self, start_s: float, end_s: float) -> bool:
        """Draw the slot's state and fate."""
        is_bad = self._generator.random() < self._next_is_bad
        self._next_is_bad = 1 - self._to_good if is_bad else self._to_bad
        return bool(self._generator.random() < (self._in_bad if is_bad else self._in_good))


class Blockage:
    """Loses each packet of whose slot any part is blocked; open and blocked times are exponential.

    Runs on the simulated clock, not on the slots: it goes on while nothing is sent. The sky is open or
    blocked at 0 s as at any other moment. One draw a period, in order of time, so that slots of any length
    and schemes of any pace meet the same blockages.
    """

    def __init__(self, open_s: float, blocked_s: float, generator: np.random.Generator) -> None:
        """Mean durations, above 0; the generator is this channel's own."""
        self._first_is_blocked = bool(generator.random() < blocked_s / (open_s + blocked_s))
        self._means_s = (blocked_s, open_s) if self._first_is_blocked else (open_s, blocked_s)
        self._generator = generator
        self._ends_s = self._drawn(0.0, 0.0)  # the first as if newly begun: no memory

    def _drawn(self, from_s: float, until_s: float) -> NDArray[np.float64]:
        """Return when the next periods end, about as many as there are until then."""
        n_pairs = int((until_s - from_s) / sum(self._means_s)) + LEAST_PAIRS
        periods_s = self._generator.exponential(np.tile(self._means_s, min(n_pairs, MOST_PAIRS)))
        return from_s + np.cumsum(periods_s)

    def loses(self, start_s: float, end_s: float) -> bool:
        """Tell whether any part of the slot is blocked."""
        while self._ends_s[-1] <= start_s:
            self._ends_s = self._drawn(float(self._ends_s[-1]), start_s)
        at = int(np.searchsorted(self._ends_s, start_s, "right"))
        is_blocked = self._first_is_blocked == (at % 2 == 0)
        return is_blocked or bool(self._ends_s[at] < end_s)


class Recorded:
    """Plays a trace back on the simulated clock, its first outcome at 0 s; nothing is drawn.

    A slot is lost if any outcome recorded during it is a loss. A slot during which nothing was recorded takes
    the latest outcome before it. A slot that begins after the trace's end takes `after_end`: the trace
    repeated from its start, or always received, or always lost.
    """

    def __init__(self, trace: Trace, after_end: AfterEnd = "repeat") -> None:
        """Nothing is drawn, so there is no generator."""
        self._trace = trace
        self._after_end = after_end

    def loses(self, start_s: float, end_s: float) -> bool:
        """Look the slot up."""
        start_s, end_s = logged_time_s(start_s), logged_time_s(end_s)
        if self._after_end != "repeat":
            end_s = min(end_s, self._trace.length_s)
            if start_s >= end_s:
                return self._after_end == "lost"
        before, until = self._trace.counted(start_s), self._trace.counted(end_s)
        if until.outcomes == before.outcomes:
            return self._trace.lost[before.outcomes % len(self._trace.lost) - 1]
        return until.losses > before.losses


def channel_of(loss: Loss, seed: int, child: int = 0) -> Channel:
    """Return a channel with a generator of its own, a child of `seed`: 0 for the link, 1 for the way back.

    Raises TraceError for a trace that cannot be read.
    """
    generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(child,)))
    match loss:
        case IndependentLoss(rate=0):
            return Perfect()
        case IndependentLoss():
            return Independent(loss.rate, generator)
        case GilbertElliottLoss():
            return GilbertElliott(loss.transitions, generator, loss.loss_in_good, loss.loss_in_bad)
        case BlockageLoss():
            return Blockage(loss.open_s, loss.blocked_s, generator)
        case TraceLoss():
            return Recorded(read_trace(loss.path), loss.after_end)
