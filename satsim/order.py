"""Which packet goes into which slot, where the sender is told nothing of what got through."""

from collections.abc import Sequence

from satsim.records import Frame
from satsim.repair_settings import Carousel, Erasure, NoRepair, Repeat, Ulp, Unequal

OpenLoop = NoRepair | Repeat | Carousel | Unequal | Erasure | Ulp


def open_loop(repair: OpenLoop, frames: Sequence[Frame]) -> list[Frame]:
    """Return every frame as often as it is sent, in order, with its attempts counted."""
    match repair:
        case NoRepair() | Erasure() | Ulp():
            return [frame._replace(attempt=1) for frame in frames]
        case Repeat(times=times):
            return [frame._replace(attempt=attempt) for frame in frames for attempt in range(1, times + 1)]
        case Carousel(rounds=rounds):
            copies = [rounds] * len(frames)
        case Unequal():
            copies = [_copies(repair, frame) for frame in frames]
    return [
        frame._replace(attempt=attempt)
        for attempt in range(1, max(copies, default=0) + 1)
        for frame, most in zip(frames, copies, strict=True)
        if attempt <= most
    ]


def _copies(repair: Unequal, frame: Frame) -> int:
    """A packet of several stages counts as its first, which is owed the most copies."""
    first = int(frame.stage.partition("-")[0])
    return repair.copies[min(first, len(repair.copies) - 1)]
