"""Times, labels, losses and prices as people read them, on both sides of each boundary."""

import math

import pytest

from satsim.loss_settings import GilbertElliottLoss, IndependentLoss, Loss
from satsim.wording import (
    loss_text,
    minutes_text,
    number_text,
    rate_text,
    score_text,
    short_label,
    time_unit,
    usd_text,
)


@pytest.mark.parametrize(
    ("time_s", "text"),
    [
        (None, "–"),
        (0, "0:00"),
        (59.4, "0:59"),
        (59.6, "1:00"),
        (60.56, "1:01"),
        (3599.4, "59:59"),
        (3599.6, "1:00:00"),
        (90_061, "25:01:01"),
    ],
)
def test_times_are_rounded_to_seconds_and_have_hours_from_one_on(time_s: float | None, text: str) -> None:
    assert minutes_text(time_s) == text


@pytest.mark.parametrize(
    ("end_s", "name", "minutes"),
    [
        (17_999, "minutes", 1),
        (18_000, "hours", 60),
        (431_999, "hours", 60),
        (432_000, "days", 1440),
    ],
)
def test_an_axis_counts_hours_from_five_on_and_days_from_five_on(
    end_s: float, name: str, minutes: int
) -> None:
    assert time_unit(end_s) == (name, minutes)


@pytest.mark.parametrize(
    ("loss", "text"),
    [
        (IndependentLoss(), "no loss"),
        (IndependentLoss(rate=0.125), "12.5% loss"),
        (GilbertElliottLoss(kind="gilbert_elliott", rate=0.2, mean_burst=3), "20% loss in bursts of 3"),
    ],
)
def test_a_loss_is_a_share_of_a_hundred(loss: Loss, text: str) -> None:
    assert loss_text(loss) == text


def test_a_label_is_cut_where_there_is_no_room_for_it() -> None:
    assert [short_label("n" * length) for length in (19, 20)] == ["n" * 19, "n" * 17 + "…"]
    assert short_label("a scheme of my own, long") == "a scheme of my ow…"


def test_figures_have_the_digits_that_count() -> None:
    assert [usd_text(each) for each in (1.125, 0.1, 0.0994, 0.0039)] == [
        *("1.12 USD", "0.10 USD", "0.099 USD", "0.0039 USD"),
    ]
    assert [number_text(each) for each in (0.5, 6.17349, 999.94, 12345.6)] == [
        "0.5",
        "6.173",
        "999.9",
        "12346",
    ]
    assert [rate_text(each) for each in (0.0390625, 0.9994, 1.0)] == ["0.039 bpp", "0.999 bpp", "1.0 bpp"]
    assert [score_text("psnr_db", each) for each in (None, 21.26, math.inf)] == ["–", "21.3", "exact"]
    assert score_text("dists", 0.1996) == "0.200"
