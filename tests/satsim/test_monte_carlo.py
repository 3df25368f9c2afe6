"""Many runs: who shares what, and statistics against closed forms."""

import csv
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from satsim.header import ImageTag
from satsim.loss_settings import IndependentLoss
from satsim.monte_carlo import Replicator
from satsim.packetize import packetize, packetize_pieces
from satsim.packets import Packet
from satsim.records import Holding
from satsim.repair_settings import ArqNextSlot, Carousel, NoRepair, Ulp
from satsim.rundir import SPREAD, SPREAD_ROWS, Run
from satsim.sender_settings import Encoding
from satsim.settings import Billing, LinkSettings, Transmitter
from satsim.simulate import simulate
from satsim.spread import spread_of, statistics_of
from satsim.tally import Worth, pooled, tally

RATE = 0.2
LINK = LinkSettings(payload_bytes=360, interval_s=60, loss=IndependentLoss(rate=RATE))
RUNS = 2000
NOW = Encoding(0)


def packets(n_stages: int) -> tuple[Packet, ...]:
    tag = ImageTag(7, n_stages, 10, 16, 256, 256, 0xBEEF, 0)
    return packetize([b"x" * 320] * n_stages, tag, 360)


def replicator(seed: int = 1, runs: int = RUNS) -> Replicator:
    return Replicator(LINK, seed, runs)


def worth(held: tuple[int, ...]) -> Worth:
    return Worth(0.3 - 0.02 * len(held), len(held) >= 2, len(held) >= 5)


def test_the_first_run_is_that_of_the_scenarios_seed() -> None:
    first = replicator(seed=9, runs=3).runs(packets(5), ArqNextSlot(), NOW).holdings[0]
    assert first == simulate("p", packets(5), LINK, ArqNextSlot(), NOW, 9).holdings


def test_same_seed_same_runs_other_seed_others() -> None:
    one, same, other = (
        replicator(seed, 20).runs(packets(5), ArqNextSlot(), NOW).holdings for seed in (1, 1, 2)
    )
    assert one == same
    assert one != other
    assert len(set(one)) > 10


def test_times_of_arq_are_negative_binomial() -> None:
    """The k-th success comes in slot k / (1 - p) on average, with variance k p / (1 - p)^2."""
    runs = replicator().runs(packets(5), ArqNextSlot(), NOW).holdings
    spread = statistics_of("p", tally(runs, worth)).spread
    for k, found in ((1, spread.t_first_s), (2, spread.t_usable_s), (5, spread.t_final_s)):
        deviation = 60 * math.sqrt(k * RATE) / (1 - RATE)
        assert found.share == 1
        assert found.mean is not None and found.mean_ci95 is not None
        assert abs(found.mean - 60 * k / (1 - RATE)) < 4 * deviation / math.sqrt(RUNS)
        assert found.mean_ci95 == pytest.approx(1.96 * deviation / math.sqrt(RUNS), rel=0.15)
    assert spread.t_detail_s == spread.t_final_s
    assert spread.dists_final.median == pytest.approx(0.2)


def test_without_repair_a_share_never_comes() -> None:
    """Of two packets, both come with (1 - p)^2."""
    runs = replicator().runs(packets(2), NoRepair(kind="none"), NOW).holdings
    spread = statistics_of("p", tally(runs, worth)).spread
    share = (1 - RATE) ** 2
    assert abs(spread.t_usable_s.share - share) < 4 * math.sqrt(share * (1 - share) / RUNS)
    assert spread.t_detail_s.share == 0
    assert spread.t_detail_s.mean is None


def test_rows_are_worked_by_hand() -> None:
    runs = [
        (Holding(60.5, (0,), 1, 340), Holding(119.0, (0, 1), 2, 680)),
        (Holding(60.0, (0,), 1, 340), Holding(180.0, (0, 1), 2, 680)),
        (),
        (Holding(61.0, (1,), 1, 340),),
    ]
    rows = statistics_of("p", tally(runs, worth)).rows
    assert [(row.time_s, row.share_shown, row.share_usable) for row in rows] == [
        (60, 0.25, 0),
        (120, 0.75, 0.25),
        (180, 0.75, 0.5),
    ]
    assert rows[0][1:] == pytest.approx((60, 0.25, 0, 0.28, None, 0.28, 0.28, 0.28))
    assert rows[1].dists_mean == pytest.approx((0.26 + 0.28 + 0.28) / 3)
    assert rows[2].dists_median == pytest.approx(0.26)


def test_schemes_with_the_same_stages_share_their_runs() -> None:
    many = replicator(runs=10)
    arq = many.runs(packets(5), ArqNextSlot(), NOW)
    assert many.runs(packets(5), ArqNextSlot(), NOW) is arq
    assert many.runs(packets(4), ArqNextSlot(), NOW) is not arq
    assert many.runs(packets(5), NoRepair(kind="none"), NOW) is not arq
    later = many.runs(packets(5), ArqNextSlot(), Encoding(7)).holdings
    assert later[0][0].time_s == arq.holdings[0][0].time_s + 7


def test_pieces_of_which_more_are_needed_share_no_runs() -> None:
    tag, ulp = ImageTag(7, 1, 10, 16, 256, 256, 0xBEEF, 0), Ulp(kind="ulp", packets=10, needed=(1, 5))
    soon, late = (packetize_pieces([b"x" * 320], (needed,), 10, tag, 360) for needed in (1, 5))
    many = replicator(runs=10)
    first_s = [[run[0].time_s for run in many.runs(each, ulp, NOW).holdings if run] for each in (soon, late)]
    assert max(first_s[0]) < min(first_s[1]) and min(first_s[1]) >= 300


def test_where_bytes_are_billed_schemes_of_other_sizes_share_no_runs() -> None:
    tag = replace(packets(5)[0].image, bits_per_index=1)  # stages of 32 bytes
    short = packetize([b"x" * 32] * 5, tag, 52)
    for billing, shares in ((None, True), (Billing(), False)):
        many = Replicator(LINK.model_copy(update={"billing": billing}), 1, 10)
        assert (many.runs(short, ArqNextSlot(), NOW) is many.runs(packets(5), ArqNextSlot(), NOW)) == shares


def test_the_cost_of_the_first_picture_meets_its_closed_form() -> None:
    """ARQ at loss p takes 1 / (1 - p) messages on average to the first packet, variance p / (1 - p)^2."""
    billed = LINK.model_copy(
        update={
            "billing": Billing(unit_bytes=50, price_usd=0.16),
            "transmitter": Transmitter(power_w=0.9, message_s=20),
        }
    )
    runs = Replicator(billed, 1, RUNS).runs(packets(5), ArqNextSlot(), NOW)
    at_once = tally(runs.holdings, lambda held: Worth(0.3, True, False), runs.costs)
    spread = statistics_of("p", at_once).spread
    for found, per_message in (
        (spread.units_usable, 7),  # 340 bytes in begun units of 50
        (spread.price_usable_usd, 7 * 0.16),
        (spread.energy_usable_j, 18),
    ):
        assert found is not None and found.mean is not None and found.mean_ci95 is not None
        error = per_message * math.sqrt(RATE) / (1 - RATE) / math.sqrt(RUNS)
        assert abs(found.mean - per_message / (1 - RATE)) < 4 * error
        assert found.mean_ci95 == pytest.approx(1.96 * error, rel=0.15)


def test_a_cost_that_is_not_known_spreads_nowhere() -> None:
    link = LINK.model_copy(update={"billing": Billing(unit_bytes=50)})
    runs = Replicator(link, 1, 20).runs(packets(5), ArqNextSlot(), NOW)
    spread = statistics_of("p", tally(runs.holdings, worth, runs.costs)).spread
    assert spread.units_usable is not None and spread.units_usable.share == 1
    assert spread.price_usable_usd is spread.energy_usable_j is None
    assert statistics_of("p", tally(runs.holdings, worth)).spread.units_usable is None


def test_without_dists_nothing_is_known_of_what_is_usable_nor_of_its_cost() -> None:
    link = LINK.model_copy(update={"billing": Billing(unit_bytes=50)})
    for rate in (0.0, 1.0):  # at 1 there is no picture either
        certain = link.model_copy(update={"loss": IndependentLoss(rate=rate)})
        runs = Replicator(certain, 1, 20).runs(packets(5), NoRepair(kind="none"), NOW)
        unscored = tally(runs.holdings, lambda held: Worth(math.nan, False, False), runs.costs)
        spread = statistics_of("p", unscored, has_dists=False).spread
        assert spread.t_first_s.share == 1 - rate
        assert spread.t_usable_s is spread.t_detail_s is spread.dists_final is spread.units_usable is None
        assert statistics_of("p", unscored).spread.t_usable_s is not None


def test_the_interval_over_clusters_is_that_of_their_means() -> None:
    """Second implementation: the deviation of the means of equal clusters; far wider than that of all."""
    generator = np.random.default_rng(3)
    shared = generator.normal(1000, 100, 50).repeat(10)  # what the ten handsets of a run have in common
    times_s = shared + generator.normal(0, 10, 500)
    shown = tally([(Holding(time_s, (0,), 1, 340),) for time_s in times_s], worth)
    alone, clustered = (statistics_of("p", shown, size) for size in (1, 10))
    means = times_s.reshape(50, 10).mean(axis=1)
    found = clustered.spread.t_first_s
    assert found.mean == alone.spread.t_first_s.mean == pytest.approx(times_s.mean())
    assert found.mean_ci95 == pytest.approx(stats.t.ppf(0.975, 49) * means.std(ddof=1) / math.sqrt(50))
    assert alone.spread.t_first_s.mean_ci95 == pytest.approx(
        stats.t.ppf(0.975, 499) * times_s.std(ddof=1) / math.sqrt(500)
    )
    assert statistics_of("p", shown, 500).spread.t_first_s.mean_ci95 is None, "one run has no spread"


@pytest.mark.parametrize("n", [2, 5])
def test_the_interval_of_few_runs_holds_the_mean_in_95_of_100_too(n: int) -> None:
    """1.96 deviations would hold it in 70 and 88."""
    found = [spread_of(list(runs)) for runs in np.random.default_rng(5).normal(7, 1, (2000, n))]
    held = np.mean([abs(each.mean - 7) < each.mean_ci95 for each in found])
    assert abs(held - 0.95) < 4 * math.sqrt(0.05 * 0.95 / 2000)


def test_the_interval_over_clusters_holds_its_mean_in_95_of_100() -> None:
    """Handsets that never get there leave clusters of unequal sizes."""
    generator = np.random.default_rng(4)
    held = 0
    for _ in range(400):
        levels = generator.normal(0, 1, 40)
        runs = [
            (Holding(1000 + 100 * level + generator.normal(), (0,), 1, 340),)
            if generator.random() < 0.7
            else ()
            for level in levels
            for _ in range(5)
        ]
        found = statistics_of("p", tally(runs, worth), 5).spread.t_first_s
        assert found.mean is not None and found.mean_ci95 is not None
        held += abs(found.mean - 1000) < found.mean_ci95
    assert abs(held / 400 - 0.95) < 4 * math.sqrt(0.05 * 0.95 / 400)


@pytest.mark.parametrize("end_s", [60_000.0, 60_000.5, 119_999.0])
def test_no_scheme_has_too_many_rows(end_s: float) -> None:
    rows = statistics_of("p", tally([(Holding(end_s, (0,), 1, 340),)], worth)).rows
    assert len(rows) <= 1000 and rows[-1].time_s >= end_s


def test_rows_too_have_intervals_over_clusters() -> None:
    runs = [(Holding(30.0, (0,), 1, 340),)] * 2 + [(Holding(30.0, (0, 1), 2, 680),)] * 2
    (alone,), (clustered,) = (statistics_of("p", tally(runs, worth), size).rows for size in (1, 2))
    assert alone.dists_mean == clustered.dists_mean == pytest.approx(0.27)
    assert alone.dists_mean_ci95 == pytest.approx(
        3.1824 * np.std([0.28, 0.28, 0.26, 0.26], ddof=1) / 2, rel=1e-4
    )
    assert clustered.dists_mean_ci95 == pytest.approx(
        12.706 * np.std([0.28, 0.26], ddof=1) / math.sqrt(2), rel=1e-4
    )


def test_photos_are_pooled_run_by_run() -> None:
    first = tally([(Holding(60.0, (0,), 1, 340),), ()], worth)
    second = tally([(Holding(90.0, (0, 1), 2, 680),), (Holding(30.0, (0,), 1, 340),)], worth)
    both = pooled([first, None, second])
    assert both is not None
    found = statistics_of("p", both, cluster=2)
    assert found.spread.t_first_s.share == 0.5
    assert found.spread.t_first_s.mean == 60
    assert found.spread.t_usable_s.mean == 90
    assert [row.share_shown for row in found.rows] == pytest.approx([2 / 6, 3 / 6])
    assert found.rows[1].dists_mean == pytest.approx((0.28 + 0.26 + 0.28) / 3)
    assert pooled([None, None]) is None


def test_without_chance_all_runs_are_the_first_one() -> None:
    clear = LINK.model_copy(update={"loss": IndependentLoss(rate=0)})
    runs = Replicator(clear, seed=1, runs=50).runs(packets(2), ArqNextSlot(), NOW).holdings
    assert runs == [simulate("p", packets(2), clear, ArqNextSlot(), NOW, 1).holdings] * 50


def test_percentiles_are_numpys() -> None:
    runs = [(Holding(float(time), (0,), 1, 340),) for time in range(1, 102)]
    found = statistics_of("p", tally(runs, worth)).spread.t_first_s
    assert (found.p5, found.median, found.p95) == (6, 51, 96)
    assert found.mean == pytest.approx(np.mean(range(1, 102)))


def test_a_run_folder_says_how_its_runs_spread(run_toy: Callable[..., Run]) -> None:
    run = run_toy("runs=40", "link.loss.rate=0.3")
    assert set(run.spread) == set(run.summary) - {"avif_low"}  # nothing was sent there
    spread = run.spread["progressive"]
    assert spread.t_final_s.share == 1
    assert (spread.t_usable_s, spread.t_detail_s, spread.dists_final) == (None, None, None)  # not asked for
    with (run.folder / SPREAD_ROWS).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["scheme"] for row in rows} == set(run.spread)
    assert rows[0]["dists_mean"] == rows[0]["share_usable"] == ""  # not asked for
    assert len(run.spread_rows) == len(rows)


def test_one_run_writes_what_it_always_wrote(run_toy: Callable[..., Run]) -> None:
    folder = run_toy().folder
    assert not (folder / SPREAD).exists()
    assert not (folder / SPREAD_ROWS).exists()


def test_the_first_of_many_runs_is_the_run_folder(run_toy: Callable[..., Run]) -> None:
    alone = run_toy("link.loss.rate=0.3")
    first = run_toy("link.loss.rate=0.3", "runs=5", name="many")
    assert alone.timeline == first.timeline
    assert alone.summary == first.summary


def test_a_carousel_with_any_stages_with_prefixes_and_the_erasure_bound_meet_their_closed_forms() -> None:
    """Means in slots at loss p, N packets: any 1/(1-p), the first stage 1 + N p/(1-p), N of many N/(1-p)."""
    n_runs, p, n = 1000, RATE, 5
    many = replicator(runs=n_runs)
    carousel = many.runs(packets(n), Carousel(kind="carousel", rounds=15), NOW).holdings
    # as if each were parity: any N will do
    coded = many.runs(packets(30), NoRepair(kind="none"), NOW).holdings
    times_s = {
        1 / (1 - p): [run[0].time_s for run in carousel],
        1 + n * p / (1 - p): [next(each.time_s for each in run if 0 in each.stages) for run in carousel],
        n / (1 - p): [run[n - 1].time_s for run in coded],
    }
    for mean_slots, found_s in times_s.items():
        slots = np.array(found_s) / LINK.interval_s
        assert abs(slots.mean() - mean_slots) < 4 * slots.std() / np.sqrt(n_runs), mean_slots
