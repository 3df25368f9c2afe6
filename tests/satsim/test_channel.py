"""Losses against their closed forms, in standard errors."""

import math

import numpy as np
import pytest

from satsim.channel import Channel, Independent, Perfect

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
