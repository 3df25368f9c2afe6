"""Which slots lose their packet."""

from typing import Protocol

import numpy as np


class Channel(Protocol):
    """Decides each slot's fate, asked once a slot in slot order."""

    def loses_next(self) -> bool:
        """Tell whether the next slot loses its packet."""


class Perfect:
    """Nothing is ever lost."""

    def loses_next(self) -> bool:
        """Return False."""
        return False


class Independent:
    """Each slot loses its packet with the same probability, whatever happened before."""

    def __init__(self, rate: float, generator: np.random.Generator) -> None:
        """`rate` in 0..1; the generator is this channel's own, one draw a slot."""
        self._rate = rate
        self._generator = generator

    def loses_next(self) -> bool:
        """Draw the next slot's fate."""
        return bool(self._generator.random() < self._rate)
