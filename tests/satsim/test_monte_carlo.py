"""Many runs: who shares what, and statistics against closed forms."""

import csv
import math
from collections.abc import Callable

import numpy as np
import pytest

from satsim.loss_settings import IndependentLoss
from satsim.monte_carlo import Replicator
from satsim.packetize import packetize
from satsim.packets import ImageTag, Packet
from satsim.records import Holding
from satsim.repair_settings import ArqNextSlot, Carousel, NoRepair
from satsim.rundir import SPREAD, SPREAD_ROWS, Run
from satsim.settings import LinkSettings
from satsim.simulate import simulate
from satsim.spread import Worth, statistics_of

RATE = 0.2
LINK = LinkSettings(payload_bytes=360, interval_s=60, loss=IndependentLoss(rate=RATE))
RUNS = 2000


def packets(n_stages: int) -> tuple[Packet, ...]:
    tag = ImageTag(7, n_stages, 10, 16, 256, 256, 0xBEEF, 0)
    return packetize([b"x" * 320] * n_stages, tag, 360)


def replicator(seed: int = 1, runs: int = RUNS) -> Replicator:
    return Replicator(LINK, 0.0, seed, runs)


def worth(held: tuple[int, ...]) -> Worth:
    return Worth(0.3 - 0.02 * len(held), len(held) >= 2, len(held) >= 5)


def test_the_first_run_is_that_of_the_scenarios_seed() -> None:
    first = replicator(seed=9, runs=3).holdings(packets(5), ArqNextSlot())[0]
    assert first == simulate("p", packets(5), LINK, ArqNextSlot(), 0.0, 9).holdings


def test_same_seed_same_runs_other_seed_others() -> None:
    one, same, other = (replicator(seed, 20).holdings(packets(5), ArqNextSlot()) for seed in (1, 1, 2))
    assert one == same
    assert one != other
    assert len(set(one)) > 10


def test_times_of_arq_are_negative_binomial() -> None:
    """The k-th success comes in slot k / (1 - p) on average, with variance k p / (1 - p)^2."""
    runs = replicator().holdings(packets(5), ArqNextSlot())
    spread = statistics_of("p", runs, worth).spread
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
    spread = statistics_of("p", replicator().holdings(packets(2), NoRepair(kind="none")), worth).spread
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
    rows = statistics_of("p", runs, worth).rows
    assert [(row.time_s, row.share_shown, row.share_usable) for row in rows] == [
        (60, 0.25, 0),
        (120, 0.75, 0.25),
        (180, 0.75, 0.5),
    ]
    assert rows[0][1:5] == pytest.approx((60, 0.25, 0, 0.28))
    assert rows[0].dists_mean_ci95 is None, "a single run says nothing of the spread"
    assert rows[0][6:] == pytest.approx((0.28, 0.28, 0.28))
    assert rows[1].dists_mean == pytest.approx((0.26 + 0.28 + 0.28) / 3)
    assert rows[2].dists_median == pytest.approx(0.26)


def test_schemes_with_the_same_stages_share_their_runs() -> None:
    many = replicator(runs=10)
    assert many.holdings(packets(5), ArqNextSlot()) is many.holdings(packets(5), ArqNextSlot())
    assert many.holdings(packets(5), ArqNextSlot()) is not many.holdings(packets(4), ArqNextSlot())
    assert many.holdings(packets(5), NoRepair(kind="none")) is not many.holdings(packets(5), ArqNextSlot())


def test_without_chance_all_runs_are_the_first_one() -> None:
    clear = LINK.model_copy(update={"loss": IndependentLoss(rate=0)})
    runs = Replicator(clear, 0.0, seed=1, runs=50).holdings(packets(2), ArqNextSlot())
    assert runs == [simulate("p", packets(2), clear, ArqNextSlot(), 0.0, 1).holdings] * 50


def test_percentiles_are_numpys() -> None:
    runs = [(Holding(float(time), (0,), 1, 340),) for time in range(1, 102)]
    found = statistics_of("p", runs, worth).spread.t_first_s
    assert (found.p5, found.median, found.p95) == (6, 51, 96)
    assert found.mean == pytest.approx(np.mean(range(1, 102)))


def test_a_run_folder_says_how_its_runs_spread(run_toy: Callable[..., Run]) -> None:
    run = run_toy("runs=40", "link.loss.rate=0.3")
    assert set(run.spread) == set(run.summary) - {"avif_low"}  # nothing was sent there
    assert run.spread["progressive"].t_final_s.share == 1
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
    n_runs, p, n = 4000, RATE, 5
    many = replicator(runs=n_runs)
    carousel = many.holdings(packets(n), Carousel(kind="carousel", rounds=40))
    coded = many.holdings(packets(60), NoRepair(kind="none"))  # as if each were parity: any N will do
    times_s = {
        1 / (1 - p): [run[0].time_s for run in carousel],
        1 + n * p / (1 - p): [next(each.time_s for each in run if 0 in each.stages) for run in carousel],
        n / (1 - p): [run[n - 1].time_s for run in coded],
    }
    for mean_slots, found_s in times_s.items():
        slots = np.array(found_s) / LINK.interval_s
        assert abs(slots.mean() - mean_slots) < 4 * slots.std() / np.sqrt(n_runs), mean_slots
