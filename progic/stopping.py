"""How long work asks whether it has been told to stop."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def stop_on_signals() -> Iterator[Callable[[], bool]]:
    """Yield a question: has SIGTERM or Ctrl-C come? The step in hand is finished first."""
    came: list[int] = []
    numbers = (signal.SIGTERM, signal.SIGINT)
    old = {number: signal.signal(number, lambda got, _: came.append(got)) for number in numbers}
    try:
        yield lambda: bool(came)
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
