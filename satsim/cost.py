"""What a usable preview costs: billed units, money, and the energy to transmit it."""

from collections.abc import Iterable
from typing import NamedTuple

from satsim.records import Event
from satsim.settings import LinkSettings


class Cost(NamedTuple):
    """What was spent up to a moment; None where the link does not say what a message costs."""

    units: int | None
    price_usd: float | None
    energy_j: float | None


NOTHING_KNOWN = Cost(None, None, None)


def is_known(link: LinkSettings) -> bool:
    """Tell whether the link says anything of what a message costs."""
    return link.billing is not None or link.transmitter is not None


def costs_of(events: Iterable[Event], link: LinkSettings) -> list[Cost]:
    """Return what had been spent as each packet that was accepted was sent, in the order of acceptance.

    Of every message begun up to and with that one, lost ones too. Messages may overtake each other, so it is
    not the time of arrival that counts. Some services do not bill a message that their network never heard:
    there this is the most it can be.
    """
    units = messages = 0
    spent: dict[tuple[int, int], Cost] = {}  # by packet and attempt
    costs = []
    for event in events:
        if event.event == "sent":
            messages += 1
            units += 0 if link.billing is None else link.billing.units(event.bytes)
            spent[event.packet, event.attempt] = _cost(units, messages, link)
        elif event.event == "received":
            costs.append(spent[event.packet, event.attempt])
    return costs


def _cost(units: int, messages: int, link: LinkSettings) -> Cost:
    billing, transmitter = link.billing, link.transmitter
    unit_usd = None if billing is None else billing.price_usd
    return Cost(
        units=None if billing is None else units,
        price_usd=None if unit_usd is None else units * unit_usd,
        energy_j=None if transmitter is None else transmitter.power_w * transmitter.message_s * messages,
    )
