"""How long ten thousand runs take: `python -m pytest tests/bench/bench_monte_carlo.py`."""

from pytest_benchmark.fixture import BenchmarkFixture

from satsim.header import ImageTag
from satsim.loss_settings import IndependentLoss
from satsim.monte_carlo import Replicator
from satsim.packetize import packetize
from satsim.repair_settings import ArqNextSlot
from satsim.sender_settings import Encoding
from satsim.settings import LinkSettings
from satsim.spread import statistics_of
from satsim.tally import Worth, tally

LINK = LinkSettings(payload_bytes=360, interval_s=60, loss=IndependentLoss(rate=0.2))
SCHEMES = (5, 1, 5, 1, 5, 5)  # packets of forest_fire's schemes that fit anything


def _ten_thousand_runs() -> None:
    many = Replicator(LINK, seed=1, runs=10_000)
    for n_stages in SCHEMES:
        tag = ImageTag(7, n_stages, 10, 16, 256, 256, 0xBEEF, 0)
        packets = packetize([bytes(320)] * n_stages, tag, LINK.payload_bytes)
        statistics_of(
            "p",
            tally(
                many.runs(packets, ArqNextSlot(), Encoding(0.56)).holdings,
                lambda held: Worth(0.3 - 0.02 * len(held), True, False),
            ),
        )


def test_ten_thousand_runs_of_forest_fire_take_at_most_5_s(benchmark: BenchmarkFixture) -> None:
    """The byte simulation and its statistics, on 20 % independent loss with ARQ."""
    benchmark.pedantic(_ten_thousand_runs, rounds=3)
    assert benchmark.stats.stats.median <= 5
