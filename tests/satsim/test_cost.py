"""What a usable preview costs, worked by hand."""

from collections.abc import Callable
from dataclasses import asdict

import pytest

from satsim.cost import NOTHING_KNOWN, cost_until
from satsim.presets import load_preset
from satsim.records import Event
from satsim.rundir import Run
from satsim.settings import Billing, LatencySettings, LinkSettings, Transmitter
from satsim.terminal import notes

EVENTS = [
    Event(0, "p", "encoded", 0, "", 0, 1000, ""),
    Event(10, "p", "sent", 1, "0", 1, 340, ""),
    Event(50, "p", "lost", 1, "0", 1, 340, ""),
    Event(50, "p", "sent", 1, "0", 2, 340, ""),
    Event(90, "p", "sent", 2, "1", 1, 100, ""),
    Event(130, "p", "sent", 3, "2", 1, 340, ""),
]


def link(billing: Billing | None = None, transmitter: Transmitter | None = None) -> LinkSettings:
    latency = LatencySettings(propagation_s=2)
    return LinkSettings(
        payload_bytes=340, interval_s=40, latency=latency, billing=billing, transmitter=transmitter
    )


def test_messages_are_billed_in_begun_units_until_the_picture_is_there() -> None:
    sbd = link(Billing(unit_bytes=50, price_usd=0.16), Transmitter(power_w=0.9, message_s=20))
    assert cost_until(EVENTS, 132, sbd) == pytest.approx((7 + 7 + 2, 16 * 0.16, 3 * 18))
    assert cost_until(EVENTS, 52, sbd).units == 7, "slot and way take 42 s"
    assert cost_until(EVENTS, 131.99, sbd).units == 14


def test_a_least_size_counts_bytes_above_it() -> None:
    assert [Billing(least_bytes=50).units(n_bytes) for n_bytes in (1, 50, 51)] == [50, 50, 51]
    assert [Billing(unit_bytes=50).units(n_bytes) for n_bytes in (1, 50, 51)] == [1, 1, 2]


def test_what_the_link_does_not_say_is_not_guessed() -> None:
    assert cost_until(EVENTS, 200, link()) == NOTHING_KNOWN
    assert cost_until(EVENTS, None, link(Billing())) == NOTHING_KNOWN
    assert cost_until(EVENTS, 200, link(Billing(unit_bytes=50)))[1:] == (None, None)


def test_a_preset_brings_its_billing_and_its_power() -> None:
    keys = load_preset("iridium_sbd_9603").link_keys()
    assert keys["billing"] == {"unit_bytes": 50, "price_usd": 0.16}
    assert keys["transmitter"] == {"power_w": pytest.approx(0.9), "message_s": 20}
    assert load_preset("skylo_nbntn").link_keys()["billing"] == {"least_bytes": 50}
    assert "billing" not in load_preset("paper_360").link_keys()


def test_without_a_usable_picture_there_is_no_cost_of_one(run_toy: Callable[..., Run]) -> None:
    run = run_toy(
        "link.billing={unit_bytes: 10, price_usd: 0.5}", "link.transmitter={power_w: 2, message_s: 3}"
    )
    spent = asdict(run.summary["progressive"])
    assert [spent[name] for name in ("units_usable", "price_usable_usd", "energy_usable_j")] == [None] * 3
    assert not [line for line in notes(run) if "billed" in line]


def test_a_run_says_what_its_usable_picture_cost(run_toy: Callable[..., Run], metric_weights: object) -> None:
    run = run_toy(
        "metrics=[dists]",
        "usable={dists: 1}",
        "link.billing={unit_bytes: 10, price_usd: 0.5}",
        "link.transmitter={power_w: 2, message_s: 3}",
    )
    spent = asdict(run.summary["progressive"])
    assert [spent[name] for name in ("units_usable", "price_usable_usd", "energy_usable_j")] == [4, 2, 6]
    assert "ProGIC progressive – usable for 4 billed units, 2.00 USD, 6 J to transmit" in notes(run)
