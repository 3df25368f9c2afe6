"""What a usable preview costs the handset: billed units, money, and the energy to transmit it.

Reports on a return link count for nothing: the other end sends them, and `link.billing` is of the way there.
"""

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
    """Return what all that is held took, after each packet that was accepted, in the order of acceptance.

    That is every message begun up to and with the last of those accepted so far, lost ones too. Messages may
    overtake each other, so it is not the time of arrival that counts. Some services do not bill a message
    that their network never heard: there this is the most it can be.
    """
    units, last = 0, 0
    numbers: dict[tuple[int, int], int] = {}  # of messages, by packet and attempt
    spent, costs = [_cost(0, 0, link)], []  # after so many messages
    for event in events:
        if event.event == "sent":
            units += 0 if link.billing is None else link.billing.units(event.bytes)
            numbers[event.packet, event.attempt] = len(spent)
            spent.append(_cost(units, len(spent), link))
        elif event.event == "received":
            last = max(last, numbers[event.packet, event.attempt])
            costs.append(spent[last])
    return costs


def _cost(units: int, messages: int, link: LinkSettings) -> Cost:
    billing, transmitter = link.billing, link.transmitter
    return Cost(
        units=None if billing is None else units,
        price_usd=None if billing is None else billing.usd(units),
        energy_j=None if transmitter is None else transmitter.power_w * transmitter.message_s * messages,
    )
