"""How long work asks whether it has been told to stop."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def ending_signals() -> list[signal.Signals]:
    """SIGTERM, and that of a closed terminal; not one that is ignored, as `nohup` has it."""
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    return [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]


@contextmanager
def stop_on_signals() -> Iterator[Callable[[], bool]]:
    """Yield a question: has Ctrl-C or one of `ending_signals` come? The step in hand is finished first."""
    came: list[int] = []
    numbers = (*ending_signals(), signal.SIGINT)
    old = {number: signal.signal(number, lambda got, _: came.append(got)) for number in numbers}
    try:
        yield lambda: bool(came)
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
