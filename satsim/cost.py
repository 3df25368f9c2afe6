"""What a usable preview costs: billed units, money, and the energy to transmit it."""

from collections.abc import Iterable
from typing import NamedTuple

from satsim.records import Event
from satsim.settings import LinkSettings
from satsim.units import logged_time_s


class Cost(NamedTuple):
    """What was spent up to a moment; None where the link does not say what a message costs."""

    units: int | None
    price_usd: float | None
    energy_j: float | None


NOTHING_KNOWN = Cost(None, None, None)


def cost_until(events: Iterable[Event], time_s: float | None, link: LinkSettings) -> Cost:
    """Return the cost of all messages up to the one that arrives at `time_s`, lost ones too; None: never.

    Some services do not bill a message that their network never heard: there this is the most it can be.
    """
    if time_s is None:
        return NOTHING_KNOWN
    way_s = link.interval_s + link.latency.total_s
    begun_s = logged_time_s(time_s - way_s)  # of the last one's slot
    sizes = [event.bytes for event in events if event.event == "sent" and event.time_s <= begun_s]
    billing, transmitter = link.billing, link.transmitter
    units = None if billing is None else sum(billing.units(n_bytes) for n_bytes in sizes)
    unit_usd = None if billing is None else billing.price_usd
    price_usd = None if units is None or unit_usd is None else units * unit_usd
    energy_j = None if transmitter is None else transmitter.power_w * transmitter.message_s * len(sizes)
    return Cost(units, price_usd, energy_j)
