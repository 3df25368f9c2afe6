"""Many runs of one scenario: the same packets, over a channel of its own each."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from satsim.cost import Cost, costs_of, is_known
from satsim.fleet_settings import FleetSettings
from satsim.packets import AnyPacket, Pieces, pack
from satsim.repair_settings import Repair
from satsim.sender_settings import Encoding
from satsim.settings import LinkSettings, seed_decides
from satsim.simulate import simulate_fleet
from satsim.tally import Holdings

ALONE = FleetSettings()
_Shape = tuple[str, tuple[int, ...], int]


class Runs(NamedTuple):
    """What came of all runs, those of a fleet's handsets one after the other."""

    holdings: list[Holdings]
    costs: list[Sequence[Cost]] | None  # of each packet accepted (satsim.cost), where the link says


def run_seeds(seed: int, runs: int) -> list[int]:
    """Return a seed for each run; the first is the scenario's own."""
    others = np.random.SeedSequence([seed, runs]).generate_state(runs - 1, np.uint64)
    return [seed, *(int(other) for other in others)]


class Replicator:
    """Runs the simulation once a seed; schemes of one repair, encoding and set of packets share runs.

    The first run has the scenario's seed, and so the losses that the rest of the run folder shows.
    """

    def __init__(
        self,
        link: LinkSettings,
        seed: int,
        runs: int,
        fleet: FleetSettings = ALONE,
    ) -> None:
        self._link, self._fleet = link, fleet
        self._seeds = run_seeds(seed, runs)
        self._known: dict[tuple[Repair, Encoding, tuple[_Shape, ...]], Runs] = {}

    def runs(self, packets: Sequence[AnyPacket], repair: Repair, encoding: Encoding) -> Runs:
        """Return what was held from when on, and at what cost, in each run by each handset.

        Bytes are those of the first scheme that asked; where they are billed, other sizes share no runs.
        """
        shape = tuple(_shape(packet, self._link.billing is not None) for packet in packets)
        key = repair, encoding, shape
        if key not in self._known:
            self._known[key] = self._simulated(packets, repair, encoding)
        return self._known[key]

    def _simulated(self, packets: Sequence[AnyPacket], repair: Repair, encoding: Encoding) -> Runs:
        link = self._link
        varies = seed_decides(link, self._fleet, repair)
        holdings: list[Holdings] = []
        costs: list[Sequence[Cost]] | None = [] if is_known(link) else None
        for seed in self._seeds if varies else self._seeds[:1]:  # else all are equal
            for run in simulate_fleet("", packets, link, repair, encoding, seed, self._fleet):
                holdings.append(run.holdings)
                if costs is not None:
                    costs.append(costs_of(run.events, link))
        times = 1 if varies else len(self._seeds)
        return Runs(holdings * times, None if costs is None else costs * times)


def _shape(packet: AnyPacket, is_billed: bool) -> _Shape:
    """Return what of a packet decides what its arrival brings, and what it costs."""
    needed = packet.protection.needed if isinstance(packet, Pieces) else ()
    return packet.label, needed, len(pack(packet)) if is_billed else 0
