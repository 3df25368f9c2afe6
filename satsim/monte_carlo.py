"""Many runs of one scenario: the same packets, over a channel of its own each."""

from collections.abc import Sequence

import numpy as np

from satsim.fleet_settings import FleetSettings
from satsim.loss_settings import is_drawn
from satsim.packets import Packet
from satsim.records import Holding
from satsim.repair_settings import ArqRound, Repair
from satsim.settings import LinkSettings
from satsim.simulate import simulate_fleet

ALONE = FleetSettings()
Holdings = tuple[Holding, ...]


def run_seeds(seed: int, runs: int) -> list[int]:
    """Return a seed for each run; the first is the scenario's own."""
    others = np.random.SeedSequence([seed, runs]).generate_state(runs - 1, np.uint64)
    return [seed, *(int(other) for other in others)]


def runs_differ(link: LinkSettings, repair: Repair, fleet: FleetSettings) -> bool:
    """Tell whether anything is drawn, so that two seeds can give two results."""
    back = repair.return_link.loss if isinstance(repair, ArqRound) else link.loss
    return is_drawn(link.loss) or is_drawn(back) or fleet.is_drawn or link.latency.jitter_s > 0


class Replicator:
    """Runs the simulation once a seed; schemes with one repair whose packets hold the same stages share runs.

    The first run has the scenario's seed, and so the losses that the rest of the run folder shows.
    """

    def __init__(
        self,
        link: LinkSettings,
        encode_s: float,
        seed: int,
        runs: int,
        fleet: FleetSettings = ALONE,
    ) -> None:
        self._link, self._encode_s, self._fleet = link, encode_s, fleet
        self._seeds = run_seeds(seed, runs)
        self._known: dict[tuple[Repair, tuple[tuple[int, int, bool], ...]], list[Holdings]] = {}

    def holdings(self, packets: Sequence[Packet], repair: Repair) -> list[Holdings]:
        """Return what was held from when on, in each run by each handset.

        Bytes are those of the first scheme that asked.
        """
        shape = tuple((packet.first_stage, packet.stage_count, packet.is_parity) for packet in packets)
        if (repair, shape) not in self._known:
            varies = runs_differ(self._link, repair, self._fleet)
            found = [
                run.holdings
                for seed in (self._seeds if varies else self._seeds[:1])  # else all are equal
                for run in simulate_fleet("", packets, self._link, repair, self._encode_s, seed, self._fleet)
            ]
            self._known[repair, shape] = found if varies else found * len(self._seeds)
        return self._known[repair, shape]
