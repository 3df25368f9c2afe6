"""Known values come back within their own intervals, as often as the intervals promise."""

import json
import math
from contextlib import suppress
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from satsim.channel import GilbertElliott
from satsim.cli import app
from satsim.errors import TraceError
from satsim.fit import Estimate, fit_bursts
from satsim.loss_settings import GilbertElliottLoss, transitions

N_TRACES = 400


def recorded(rate: float, mean_burst: float, seed: int, packets: int) -> list[bool]:
    channel = GilbertElliott(transitions(rate, mean_burst), np.random.default_rng(seed))
    return [channel.loses(60 * slot, 60 * slot + 60) for slot in range(packets)]


@pytest.mark.parametrize(("rate", "mean_burst", "packets"), [(0.2, 3, 1000), (0.1, 8, 2000), (0.3, 1.5, 500)])
def test_intervals_hold_the_truth_as_often_as_they_say(rate: float, mean_burst: float, packets: int) -> None:
    """Of 400 traces, 95 % give an interval with the truth in it, to 4 standard errors of that share."""
    fits = [fit_bursts(recorded(rate, mean_burst, seed, packets)) for seed in range(N_TRACES)]
    standard_error = math.sqrt(0.95 * 0.05 / N_TRACES)

    def covered(estimates: list[Estimate], truth: float) -> float:
        return float(np.mean([each.low <= truth <= each.high for each in estimates]))

    assert abs(covered([fit.rate for fit in fits], rate) - 0.95) < 4 * standard_error
    assert abs(covered([fit.mean_burst for fit in fits], mean_burst) - 0.95) < 4 * standard_error


def test_intervals_of_few_bursts_hold_the_truth_less_often() -> None:
    """Two bursts in a hundred packets on average: in about 90 % of the traces that can be fitted."""
    rates, bursts = [], []
    for seed in range(N_TRACES):
        with suppress(TraceError):
            fit = fit_bursts(recorded(0.1, 5, seed, 100))
            rates.append(fit.rate.low <= 0.1 <= fit.rate.high)
            bursts.append(fit.mean_burst.low <= 5 <= fit.mean_burst.high)
    standard_error = math.sqrt(0.9 * 0.1 / len(rates))
    assert abs(np.mean(rates) - 0.9) < 3 * standard_error
    assert abs(np.mean(bursts) - 0.9) < 3 * standard_error


def test_intervals_narrow_with_the_root_of_the_trace() -> None:
    short, long = (fit_bursts(recorded(0.2, 3, 1, packets)) for packets in (4000, 64_000))
    for few, many in ((short.rate, long.rate), (short.mean_burst, long.mean_burst)):
        assert (few.high - few.low) / (many.high - many.low) == pytest.approx(4, rel=0.2)


def test_values_are_the_counted_ones() -> None:
    """NTIA's data_error_statistics: the share lost, and the mean run of losses where none is cut off."""
    lost = [bool(outcome) for outcome in (0, 0, 1, 1, 1, 0, 1, 0, 0, 1, 1, 0)]
    fit = fit_bursts(lost)
    runs = [len(list(run)) for is_lost, run in groupby(lost) if is_lost]
    assert fit.rate.value == 6 / 12
    assert fit.mean_burst.value == pytest.approx(np.mean(runs)) == 2
    assert (fit.outcomes, fit.losses, fit.bursts) == (12, 6, 3)


@given(lost=st.lists(st.booleans(), min_size=3, max_size=60))
def test_what_is_fitted_can_be_simulated(lost: list[bool]) -> None:
    """However bad the trace, the settings take its rate and mean burst together."""
    with suppress(TraceError):
        fit = fit_bursts(lost)
        settings = GilbertElliottLoss(
            kind="gilbert_elliott", rate=fit.rate.value, mean_burst=fit.mean_burst.value
        )
        assert settings.rate <= sum(lost) / len(lost)


def test_a_trace_that_begins_and_ends_badly_loses_no_more_than_its_bursts_allow() -> None:
    fit = fit_bursts([True, False, True, False, True])
    assert (fit.rate.value, fit.mean_burst.value) == (0.5, 1)


def test_a_burst_that_the_trace_cuts_off_counts_what_is_seen_of_it() -> None:
    """Of four lost packets with a next one, two are followed by a received one: r = 1 / 2."""
    fit = fit_bursts([bool(outcome) for outcome in (0, 1, 1, 0, 1, 1, 0, 1)])
    assert (fit.mean_burst.value, fit.bursts) == (2, 2)


def test_bursts_of_one_packet_leave_room_for_longer_ones() -> None:
    fit = fit_bursts([False, True] * 20 + [False])
    assert fit.mean_burst.value == fit.mean_burst.low == 1
    assert fit.mean_burst.high > 1.1  # Wilson: 1 / (20 / (20 + 3.84))
    assert fit.mean_burst.high == pytest.approx((20 + 1.959964**2) / 20)


@pytest.mark.parametrize("n_bursts", [1, 20])
def test_a_trace_that_alternates_leaves_room_for_other_rates(n_bursts: int) -> None:
    """Both shares are 1, whose error is 0: log(p / r) as with half a packet more on each side."""
    rate = fit_bursts([False, True] * n_bursts + [False]).rate
    assert rate.value == n_bursts / (2 * n_bursts + 1)
    share = (n_bursts + 0.5) / (n_bursts + 1)
    width = 2 * 1.959964 * math.sqrt(2 * (1 - share) / (n_bursts + 0.5))
    assert math.log(rate.high / (1 - rate.high)) - math.log(rate.low / (1 - rate.low)) == pytest.approx(width)
    assert rate.low < rate.value < rate.high


def test_independent_losses_have_the_interval_of_a_binomial() -> None:
    """Log odds of a share of n: standard error 1 / sqrt(n p (1 - p))."""
    lost = [bool(each) for each in np.random.default_rng(2).random(20_000) < 0.2]
    rate = fit_bursts(lost).rate
    width = math.log(rate.high / (1 - rate.high)) - math.log(rate.low / (1 - rate.low))
    expected = 2 * 1.959964 / math.sqrt(20_000 * rate.value * (1 - rate.value))
    assert width == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize(
    ("outcomes", "found"),
    [
        ("000", "0 lost of 3 outcomes, 0 bursts that begin and 0 that end"),
        ("111", "3 lost of 3 outcomes, 0 bursts that begin and 0 that end"),
        ("0011", "2 lost of 4 outcomes, 1 bursts that begin and 0 that end"),
        ("1100", "2 lost of 4 outcomes, 0 bursts that begin and 1 that end"),
    ],
)
def test_a_trace_without_a_whole_burst_is_refused(outcomes: str, found: str) -> None:
    with pytest.raises(TraceError) as caught:
        fit_bursts([outcome == "1" for outcome in outcomes])
    assert str(caught.value) == f"found {found} on the way; allowed: at least one of each"


def test_the_command_gives_what_to_write_in_a_scenario(tmp_path: Path) -> None:
    lost = [False, True, True, False, False, True, False, False]
    rows = "".join(f"{60 * slot},{'lost' if each else 'ok'}\n" for slot, each in enumerate(lost))
    (tmp_path / "trace.csv").write_text(f"time_s,outcome\n{rows}")
    runner = CliRunner()
    said = runner.invoke(app, ["links", "fit", str(tmp_path / "trace.csv")]).output.splitlines()
    assert said[-1] == "loss: {kind: gilbert_elliott, rate: 0.375, mean_burst: 1.5}"
    assert said[0].startswith("rate       0.375, 95 % interval 0.")
    found = json.loads(runner.invoke(app, ["links", "fit", str(tmp_path / "trace.csv"), "--json"]).output)
    assert found["mean_burst"]["value"] == 1.5
    assert (found["losses"], found["outcomes"], found["bursts"]) == (3, 8, 2)


def test_a_trace_that_tells_nothing_is_named(tmp_path: Path) -> None:
    path = tmp_path / "clear.csv"
    path.write_text("time_s,outcome\n0,ok\n60,ok\n")
    result = CliRunner().invoke(app, ["links", "fit", str(path)])
    assert result.exit_code == 2
    assert result.output.startswith(f"satsim: {path}: found 0 lost of 2 outcomes")
    missing = CliRunner().invoke(app, ["links", "fit"])
    assert (missing.exit_code, "found no trace" in missing.output) == (2, True)
