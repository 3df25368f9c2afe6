"""Losses against their closed forms, in standard errors."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satsim.channel import Blockage, Channel, GilbertElliott, Independent, Perfect, Recorded
from satsim.loss_settings import GilbertElliottLoss, transitions
from satsim.trace import Trace

SLOTS = 20_000


def losses(channel: Channel, slots: int = SLOTS) -> list[bool]:
    return [channel.loses(60 * slot, 60 * slot + 60) for slot in range(slots)]


def independent(rate: float, seed: int = 1) -> Channel:
    return Independent(rate, np.random.default_rng(seed))


@pytest.mark.parametrize("rate", [0.01, 0.2, 0.5, 0.9])
def test_loss_rate_is_p(rate: float) -> None:
    standard_error = math.sqrt(rate * (1 - rate) / SLOTS)
    assert abs(np.mean(losses(independent(rate))) - rate) < 4 * standard_error


@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_a_loss_tells_nothing_of_the_next(rate: float) -> None:
    lost = losses(independent(rate))
    after_a_loss = [second for first, second in zip(lost, lost[1:], strict=False) if first]
    standard_error = math.sqrt(rate * (1 - rate) / len(after_a_loss))
    assert abs(np.mean(after_a_loss) - rate) < 4 * standard_error


def test_perfect_is_rate_zero_and_rate_one_loses_all() -> None:
    assert losses(Perfect(), 1000) == losses(independent(0), 1000) == [False] * 1000
    assert losses(independent(1), 1000) == [True] * 1000


def test_same_seed_same_losses_other_seed_others() -> None:
    assert losses(independent(0.5), 100) == losses(independent(0.5), 100)
    assert losses(independent(0.5), 100) != losses(independent(0.5, seed=2), 100)


def test_a_higher_rate_loses_the_same_slots_and_more() -> None:
    few, many = losses(independent(0.2)), losses(independent(0.4))
    assert all(lost_too for lost, lost_too in zip(few, many, strict=True) if lost)


def bursts(lost: list[bool]) -> list[int]:
    """Lengths of the runs of losses; the first and last run may be cut and are left out."""
    runs = [(is_lost, len(list(run))) for is_lost, run in itertools.groupby(lost)]
    return [length for is_lost, length in runs[1:-1] if is_lost]


@pytest.mark.parametrize(("rate", "mean_burst"), [(0.2, 3), (0.05, 10), (0.5, 2), (0.2, 1)])
def test_gilbert_loses_its_rate_in_bursts_of_its_mean(rate: float, mean_burst: float) -> None:
    """Bursts are geometric, with mean 1 / r and variance (1 - r) / r^2; states correlate by 1 - p - r."""
    to_bad, to_good = transitions(rate, mean_burst)
    lost = losses(GilbertElliott((to_bad, to_good), np.random.default_rng(3)))
    kept = 1 - to_bad - to_good
    standard_error = math.sqrt(rate * (1 - rate) / SLOTS * (1 + kept) / (1 - kept))
    assert abs(np.mean(lost) - rate) < 4 * standard_error
    lengths = bursts(lost)
    error_of_mean = math.sqrt((1 - to_good) / to_good**2 / len(lengths))
    assert abs(np.mean(lengths) - mean_burst) <= 4 * error_of_mean
    for packets in range(1, 6):
        share = to_good * (1 - to_good) ** (packets - 1)
        counted = np.mean([length == packets for length in lengths])
        assert abs(counted - share) <= 4 * math.sqrt(share * (1 - share) / len(lengths))


@given(
    p=st.floats(0.01, 1),
    r=st.floats(0.01, 1),
    in_good=st.just(0.0) | st.floats(0.001, 0.3),
    in_bad=st.floats(0.5, 1),
)
def test_transitions_are_the_inverse_of_ntias_statistics(
    p: float, r: float, in_good: float, in_bad: float
) -> None:
    """model_error_statistics of github.com/NTIA/gilbert-elliot-model, written with its p, r, k and h."""
    k, h = 1 - in_good, 1 - in_bad
    rate = ((1 - k) * r + (1 - h) * p) / (p + r)
    ends = (1 - k) * r * ((1 - p) * k + p * h) + (1 - h) * p * ((1 - r) * h + r * k)
    mean_burst = ((1 - k) * r + (1 - h) * p) / ends
    assert transitions(rate, mean_burst, in_good, in_bad) == pytest.approx((p, r), rel=1e-6)
    GilbertElliottLoss(
        kind="gilbert_elliott", loss_in_good=in_good, loss_in_bad=in_bad, rate=rate, mean_burst=mean_burst
    )


def test_elliott_agrees_with_ntias_definitions() -> None:
    """NTIA TM-23-565: with b = p / (p + r), the loss rate is (1 - h) b + (1 - k) (1 - b)."""
    rate, mean_burst, in_good, in_bad = 0.2, 3.0, 0.02, 0.9
    to_bad, to_good = transitions(rate, mean_burst, in_good, in_bad)
    bad = to_bad / (to_bad + to_good)
    assert in_bad * bad + in_good * (1 - bad) == pytest.approx(rate)
    lost = losses(GilbertElliott((to_bad, to_good), np.random.default_rng(4), in_good, in_bad))
    kept = 1 - to_bad - to_good
    correlated = 2 * bad * (1 - bad) * (in_bad - in_good) ** 2 * kept / (1 - kept)
    assert abs(np.mean(lost) - rate) < 4 * math.sqrt((rate * (1 - rate) + correlated) / SLOTS)
    lengths = bursts(lost)
    assert abs(np.mean(lengths) - mean_burst) < 4 * np.std(lengths) / math.sqrt(len(lengths))


def test_a_gilbert_channel_begins_as_it_goes_on() -> None:
    firsts = [
        GilbertElliott(transitions(0.2, 20), np.random.default_rng(seed)).loses(0, 60) for seed in range(4000)
    ]
    assert abs(np.mean(firsts) - 0.2) < 4 * math.sqrt(0.2 * 0.8 / 4000)


@pytest.mark.parametrize("slot_s", [1e-6, 60])
def test_blockage_loses_what_meets_it(slot_s: float) -> None:
    """Of moments blocked / (open + blocked), of slots 1 - open / (open + blocked) exp(-slot / open).

    The slots asked are 25 times as far apart as the process remembers, so they are independent.
    """
    channel = Blockage(120, 30, np.random.default_rng(5))
    lost = [channel.loses(600 * slot, 600 * slot + slot_s) for slot in range(SLOTS)]
    rate = 1 - 120 / 150 * math.exp(-slot_s / 120)
    assert abs(np.mean(lost) - rate) < 4 * math.sqrt(rate * (1 - rate) / SLOTS)


@pytest.mark.parametrize("later_s", [5, 24, 60])
def test_a_blockage_is_remembered_by_its_closed_form(later_s: float) -> None:
    """Blocked now, blocked t later: b + (1 - b) exp(-t (1 / open + 1 / blocked)), with b = 30 / 150."""
    channel = Blockage(120, 30, np.random.default_rng(7))
    pairs = []
    for start_s in range(0, 600 * SLOTS, 600):
        pairs.append([channel.loses(moment, moment) for moment in (start_s, start_s + later_s)])
    after_blocked = [second for first, second in pairs if first]
    share = 0.2 + 0.8 * math.exp(-later_s * (1 / 120 + 1 / 30))
    assert abs(np.mean(after_blocked) - share) < 4 * math.sqrt(share * (1 - share) / len(after_blocked))


def test_the_sky_is_open_for_its_share_of_the_time() -> None:
    """The mean over T of states that are remembered for tau has the variance 2 b (1 - b) tau / T."""
    step_s, n_steps = 6, 200_000
    channel = Blockage(120, 30, np.random.default_rng(8))
    blocked = np.mean([channel.loses(step_s * step, step_s * step) for step in range(n_steps)])
    tau_s = 1 / (1 / 120 + 1 / 30)
    assert abs(blocked - 0.2) < 4 * math.sqrt(2 * 0.2 * 0.8 * tau_s / (step_s * n_steps))


def test_the_sky_at_the_start_is_blocked_as_often_as_at_any_other_moment() -> None:
    generator = np.random.default_rng(9)
    firsts = [Blockage(120, 30, generator).loses(0, 0) for _ in range(2000)]
    assert abs(np.mean(firsts) - 0.2) < 4 * math.sqrt(0.2 * 0.8 / 2000)


def test_a_week_of_short_periods_is_passed_over_at_once() -> None:
    """However many are drawn at once, they are the same: a slot a week later, and every slot until then."""
    week_s = 604_800
    far, near = (Blockage(20, 30, np.random.default_rng(4)) for _ in range(2))
    for start_s in range(0, week_s, 60):
        near.loses(start_s, start_s + 10)
    later = [(week_s + 40 * number, week_s + 40 * number + 10) for number in range(50)]
    assert [far.loses(*slot) for slot in later] == [near.loses(*slot) for slot in later]
    brief = [Blockage(0.1, 0.1, np.random.default_rng(seed)) for seed in range(500)]
    lost = [channel.loses(3600, 3600.05) for channel in brief]
    share = 1 - 0.5 * math.exp(-0.5)
    assert abs(np.mean(lost) - share) < 4 * math.sqrt(share * (1 - share) / len(lost))


def test_slow_and_fast_schemes_meet_the_same_blockages() -> None:
    fast, slow = (Blockage(300, 90, np.random.default_rng(6)) for _ in range(2))
    by_fast = [fast.loses(20 * slot, 20 * slot + 20) for slot in range(300)]
    by_slow = [slow.loses(60 * slot, 60 * slot + 60) for slot in range(100)]
    assert by_slow == [any(by_fast[3 * slot : 3 * slot + 3]) for slot in range(100)]
    assert {True, False} == set(by_slow)


TRACE = Trace((0, 60, 120, 200), (False, True, False, False))  # ends at 266.67 s, one mean step on


@pytest.mark.parametrize(
    ("after_end", "lost"),
    [
        ("repeat", [0, 1, 0, 0, 0, 1, 0]),
        ("received", [0, 1, 0, 0, 0, 0, 0]),
        ("lost", [0, 1, 0, 0, 0, 1, 1]),
    ],
)
def test_a_trace_happens_again(after_end: str, lost: list[int]) -> None:
    """The second lap begins at 266.67 s and has its loss at 326.67 s, in the sixth slot."""
    channel = Recorded(TRACE, after_end)  # type: ignore[arg-type]
    assert [int(channel.loses(60 * slot, 60 * slot + 60)) for slot in range(7)] == lost


def test_a_slot_that_begins_as_the_trace_ends_is_after_it() -> None:
    for lost in (True, False):
        trace = Trace((0, 60, 120), (not lost, lost, lost))  # ends at 180 s
        for after_end, fate in (("received", False), ("lost", True), ("repeat", not lost)):
            channel = Recorded(trace, after_end)  # type: ignore[arg-type]
            assert channel.loses(180, 240) == fate


@pytest.mark.parametrize("slot_s", [0.1, 0.7, 8.1])
def test_a_trace_repeats_slot_by_slot_whatever_floats_make_of_its_times(slot_s: float) -> None:
    channel = Recorded(Trace((0, slot_s, round(2 * slot_s, 6)), (False, True, False)))
    fates = [channel.loses(number * slot_s, number * slot_s + slot_s) for number in range(900)]
    assert fates == [False, True, False] * 300


def test_a_slot_with_any_loss_recorded_in_it_is_lost() -> None:
    channel = Recorded(Trace((0, 10, 20, 30), (False, True, False, False)))
    fates = [channel.loses(*slot) for slot in ((0, 30), (0, 10), (10, 20), (20, 40))]
    assert fates == [True, False, True, False]


def test_a_slot_without_a_record_takes_the_latest_before_it() -> None:
    channel = Recorded(TRACE, "received")
    assert [channel.loses(start, start + 10) for start in (60, 70, 110, 130)] == [True, True, True, False]
