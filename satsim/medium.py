"""How several handsets share the slots of one channel."""

import math
from collections import Counter
from typing import Protocol

import numpy as np

from satsim.fleet_settings import FleetSettings


class Medium(Protocol):
    """Hands out slots of one length; asked by each handset once before each of its packets."""

    def next_start_s(self, handset: int, now_s: float) -> float:
        """Return when the slot begins that `handset`, from 0, may use; it is taken with this."""

    def collides(self, start_s: float) -> bool:
        """Tell, once it has begun, whether a slot has more than one packet in it."""


class Turns:
    """Time division: of every n slots in a row each handset has one, used or not."""

    def __init__(self, handsets: int, slot_s: float, first_s: float) -> None:
        """`first_s`: when the first handset's first slot begins."""
        self._handsets, self._slot_s, self._first_s = handsets, slot_s, first_s

    def next_start_s(self, handset: int, now_s: float) -> float:
        """Return the begin of its next slot."""
        number = handset
        first_number = _slot_number(now_s - self._first_s, self._slot_s)
        if first_number > handset:
            number += -(-(first_number - handset) // self._handsets) * self._handsets
        return self._first_s + number * self._slot_s

    def collides(self, start_s: float) -> bool:
        """Return False."""
        return False


class Queue:
    """First come, first served: the channel is busy for a slot, then takes the next who has asked."""

    def __init__(self, slot_s: float) -> None:
        self._slot_s, self._free_s = slot_s, 0.0

    def next_start_s(self, handset: int, now_s: float) -> float:
        """Return when all who asked before have been served."""
        start_s = max(now_s, self._free_s)
        self._free_s = start_s + self._slot_s
        return start_s

    def collides(self, start_s: float) -> bool:
        """Return False."""
        return False


class Aloha:
    """Slotted ALOHA (L. G. Roberts, ACM SIGCOMM CCR 5(2), 1975): who has a packet may send it in any slot.

    With n handsets that always have one, a slot carries a packet with probability n q (1 - q)^(n - 1), at
    most about 1/e, at q = 1/n.
    """

    def __init__(
        self, probability: float, slot_s: float, first_s: float, generator: np.random.Generator
    ) -> None:
        """`probability` in each slot, above 0; the generator is this medium's own."""
        self._probability, self._slot_s, self._first_s = probability, slot_s, first_s
        self._generator = generator
        self._packets_in: Counter[int] = Counter()  # by slot

    def next_start_s(self, handset: int, now_s: float) -> float:
        """Draw the slot in which the handset sends."""
        number = max(0, _slot_number(now_s - self._first_s, self._slot_s))
        number += int(self._generator.geometric(self._probability)) - 1
        self._packets_in[number] += 1
        return self._first_s + number * self._slot_s

    def collides(self, start_s: float) -> bool:
        """Tell whether more than one handset sends in the slot."""
        return self._packets_in[_slot_number(start_s - self._first_s, self._slot_s)] > 1


def _slot_number(since_first_s: float, slot_s: float) -> int:
    """Return the first slot that begins at this moment or later, but for a millionth of a slot: rounding."""
    return math.ceil(since_first_s / slot_s - 1e-6)


def medium_of(fleet: FleetSettings, slot_s: float, first_s: float, generator: np.random.Generator) -> Medium:
    """Return the medium of a fleet."""
    match fleet.access:
        case "turns":
            return Turns(fleet.handsets, slot_s, first_s)
        case "fcfs":
            return Queue(slot_s)
        case "aloha":
            return Aloha(fleet.probability, slot_s, first_s, generator)
