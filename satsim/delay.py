"""What a packet's way takes beyond its slot: always as long, or drawn anew for each."""

import numpy as np

from satsim.settings import LatencySettings


class Delay:
    """`least_s`, and of the jitter a part that is drawn evenly; packets may so overtake each other."""

    def __init__(
        self, least_s: float, jitter_s: float = 0, generator: np.random.Generator | None = None
    ) -> None:
        """The generator is this delay's own, one draw a packet; without jitter none is needed."""
        self.longest_s = least_s + jitter_s
        self._least_s, self._jitter_s, self._generator = least_s, jitter_s, generator

    def drawn_s(self) -> float:
        """Return the next packet's delay in seconds."""
        if self._generator is None or not self._jitter_s:
            return self._least_s
        return self._least_s + self._jitter_s * float(self._generator.random())


def delay_of(latency: LatencySettings, seed: int, child: int = 0) -> Delay:
    """Return a delay with a generator of its own, beside that of the seed's channel `child`."""
    generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(child, 0)))
    return Delay(latency.total_s, latency.jitter_s, generator)
