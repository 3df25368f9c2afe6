"""What is measured is what is said: warm calls alone, an interval that covers the median, whole FLOP."""

import math
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from progic import runtime
from progic.codec import Codec
from progic.errors import ProgicError
from progic.runtime import WARM_UP_CALLS, Time, call_of, costs, timed


def fake(durations_s: list[float]) -> tuple[Callable[[], None], Callable[[], float]]:
    """A call that takes the next of the durations each time, and the clock that sees it."""
    now, left = [0.0], iter(durations_s)

    def call() -> None:
        now[0] += next(left)

    return call, lambda: now[0]


def test_warm_up_does_not_count() -> None:
    call, clock = fake([0.5] * WARM_UP_CALLS + [5.0, 1.0, 4.0, 2.0, 3.0, 9.0, 8.0, 7.0, 6.0, 10.0])
    assert timed(call, 10, clock) == Time(5.5, 2.0, 9.0, 10)


def test_a_slow_call_is_warm_at_once() -> None:
    call, clock = fake([64.0, 5.0, 1.0, 4.0, 2.0, 3.0, 9.0])
    assert timed(call, 6, clock) == Time(3.5, 1.0, 9.0, 6)


@pytest.mark.parametrize("calls", [6, 10, 11, 20, 30, 57, 100])
def test_the_interval_covers_the_median_in_95_of_100(calls: int) -> None:
    call, clock = fake([0.0] * WARM_UP_CALLS + [float(number) for number in range(calls)])
    found = timed(call, calls, clock)
    low, high = int(found.low_s), int(found.high_s)
    # the median lies between both if low + 1 to high of the calls were below it
    covered = sum(math.comb(calls, below) for below in range(low + 1, high + 1)) / 2**calls
    assert 0.93 <= covered <= 0.985


def test_a_table_of_both_ways(toy_codec: Codec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "load", lambda model: toy_codec)
    threads: list[int] = []
    monkeypatch.setattr(
        runtime, "timed", lambda call, calls: threads.append(torch.get_num_threads()) or Time(1, 1, 1, calls)
    )
    before = torch.get_num_threads()
    rows = list(costs("toy", [(32, 48), (64, 96)], threads=1, calls=1, memory=False))
    assert [(row.way, row.width, row.height) for row in rows] == [
        ("encode", 32, 48),
        ("decode", 32, 48),
        ("encode", 64, 96),
        ("decode", 64, 96),
    ]
    assert (threads, torch.get_num_threads()) == ([1] * 4, before)
    assert [row.time.calls for row in rows] == [6] * 4  # at least so many
    # windows are padded to 8x8 latents, all else grows with the pixels
    assert 2 < rows[2].gflop / rows[0].gflop <= 4
    assert rows[0].peak_bytes is None


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="peak memory is read from /proc")
def test_peak_memory_is_of_a_process_of_its_own(toy_codec: Codec) -> None:
    alone = runtime._peak_bytes("f16-s", "decode", (32, 32), 1)
    held = b"1" * 400_000_000  # ours, not the codec's
    beside = runtime._peak_bytes("f16-s", "decode", (32, 32), 1)
    assert alone is not None
    assert beside is not None
    assert alone > 50e6
    assert beside < alone + len(held) / 4


@pytest.mark.parametrize(
    ("code", "written", "told"),
    [(1, "Traceback\n  File\nMemoryError: no more\n", "MemoryError: no more"), (-9, "", "exit code -9")],
)
def test_a_process_of_its_own_that_fails_is_told_in_one_line(
    code: int, written: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = subprocess.CompletedProcess([], code, "", written)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: ended)
    with pytest.raises(ProgicError) as raised:
        runtime._peak_bytes("f16", "encode", (3840, 2160), 1)
    assert str(raised.value) == f"encode of 3840x2160 in a process of its own: {told}"


def test_decoding_takes_all_stages(toy_codec: Codec) -> None:
    assert call_of(toy_codec, "decode", (33, 20))().size == (33, 20)  # type: ignore[attr-defined]
    assert len(call_of(toy_codec, "encode", (33, 20))()) == 3  # type: ignore[arg-type]
