"""What a usable preview costs, worked by hand."""

from collections.abc import Callable
from dataclasses import asdict, replace

import pytest

from satsim.cost import NOTHING_KNOWN, Cost, costs_of
from satsim.fleet_settings import FleetSettings
from satsim.header import ImageTag
from satsim.loss_settings import IndependentLoss
from satsim.packetize import packetize
from satsim.presets import load_preset
from satsim.records import Event, Holding
from satsim.repair_settings import ArqNextSlot
from satsim.rundir import Run
from satsim.sender_settings import Encoding, SenderSettings
from satsim.settings import Billing, LatencySettings, LinkSettings, Transmitter
from satsim.simulate import simulate_fleet
from satsim.spread import statistics_of
from satsim.tally import Worth, tally
from satsim.terminal import notes
from satsim.wording import cost_text

EVENTS = [
    Event(0, "p", "encoded", 0, "", 0, 1000, ""),
    Event(10, "p", "sent", 1, "0", 1, 340, ""),
    Event(50, "p", "lost", 1, "0", 1, 340, ""),
    Event(50, "p", "sent", 1, "0", 2, 340, ""),
    Event(90, "p", "sent", 2, "1", 1, 100, ""),
    Event(130, "p", "sent", 3, "2", 1, 340, ""),
    Event(132, "p", "received", 2, "1", 1, 100, ""),  # overtakes packet 1
    Event(135, "p", "received", 1, "0", 2, 340, ""),
]


def link(billing: Billing | None = None, transmitter: Transmitter | None = None) -> LinkSettings:
    latency = LatencySettings(propagation_s=2)
    return LinkSettings(
        payload_bytes=340, interval_s=40, latency=latency, billing=billing, transmitter=transmitter
    )


def test_messages_are_billed_in_begun_units_up_to_the_last_that_is_held() -> None:
    sbd = link(Billing(unit_bytes=50, price_usd=0.16), Transmitter(power_w=0.9, message_s=20))
    one, both = costs_of(EVENTS, sbd)
    assert one == pytest.approx((7 + 7 + 2, 16 * 0.16, 3 * 18)), "the lost one counts, those after it do not"
    assert both == one, "what was sent before it and overtaken was in that already"


def test_reports_on_a_return_link_cost_the_handset_nothing() -> None:
    sbd = link(Billing(unit_bytes=50, price_usd=0.16), Transmitter(power_w=0.9, message_s=20))
    back = [Event(140, "p", event, 0, "", 1, 21, "") for event in ("report_sent", "report_received")]
    later = [Event(150, "p", "sent", 4, "3", 1, 50, ""), Event(190, "p", "received", 4, "3", 1, 50, "")]
    *_, last = costs_of([*EVENTS, *back, *later], sbd)
    assert last == pytest.approx((24, 24 * 0.16, 5 * 18))


def test_a_price_has_no_dust() -> None:
    assert Billing(price_usd=0.16).usd(35) == 5.6  # in floats 5.6000000000000005
    assert Billing().usd(35) is None


@pytest.mark.parametrize("handsets", [1, 3])
def test_with_jitter_the_last_begun_of_the_messages_held_is_the_last_that_counts(handsets: int) -> None:
    """Second implementation: look all packets up backwards that had arrived by the moment of a picture."""
    drawn = link(Billing()).model_copy(
        update={"latency": LatencySettings(jitter_s=400), "loss": IndependentLoss(rate=0.3)}
    )
    tag = ImageTag(7, 5, 10, 16, 256, 256, 0xBEEF, 0)
    packets = packetize([b"x" * 320] * 5, tag, 340)
    fleet = FleetSettings(handsets=handsets, within_s=500)
    overtaken = 0
    for seed in range(20):
        for run in simulate_fleet("p", packets, drawn, ArqNextSlot(), Encoding(0), seed, fleet):
            costs = costs_of(run.events, drawn)
            assert costs == sorted(costs)
            sent = [event for event in run.events if event.event == "sent"]
            for held in run.holdings:
                came = [e for e in run.events if e.event == "received" and e.time_s <= held.time_s]
                tries = {(e.packet, e.attempt) for e in came}
                begun_s = [e.time_s for e in sent if (e.packet, e.attempt) in tries]
                until = [e.bytes for e in sent if e.time_s <= max(begun_s)]
                assert costs[held.packets - 1].units == sum(until)
            overtaken += came != sorted(came, key=lambda e: (e.packet, e.attempt))
    assert overtaken > 5


def test_a_least_size_counts_bytes_above_it() -> None:
    assert [Billing(least_bytes=50).units(n_bytes) for n_bytes in (1, 50, 51)] == [50, 50, 51]
    assert [Billing(unit_bytes=50).units(n_bytes) for n_bytes in (1, 50, 51)] == [1, 1, 2]


def test_a_preset_bills_what_its_source_says() -> None:
    """docs.monogoto.io: 8 bytes of payload, 36 with IP and UDP, as 50; 50 bytes of payload as 78."""
    billing = Billing.model_validate(load_preset("skylo_nbntn").link_keys()["billing"])
    assert [billing.units(n_bytes) for n_bytes in (8, 50, 340)] == [50, 78, 368]


def test_what_the_link_does_not_say_is_not_guessed() -> None:
    assert costs_of(EVENTS, link()) == [NOTHING_KNOWN] * 2
    assert costs_of(EVENTS, link(Billing(unit_bytes=50)))[0] == (16, None, None)


def test_a_preset_brings_its_billing_and_its_power() -> None:
    keys = load_preset("iridium_sbd_9603").link_keys()
    assert keys["billing"] == {"unit_bytes": 50, "price_usd": 0.16}
    assert keys["transmitter"] == {"power_w": pytest.approx(0.9), "message_s": 20}
    assert load_preset("skylo_nbntn").link_keys()["billing"] == {"least_bytes": 50, "overhead_bytes": 28}
    assert "billing" not in load_preset("paper_360").link_keys()


def test_a_picture_costs_what_was_spent_up_to_its_own_packet() -> None:
    """Usable with the third packet: the second brought no picture."""
    runs = [(Holding(60.0, (0,), 1, 340), Holding(180.0, (0, 1), 3, 1020))]
    spent = [[Cost(units, None, None) for units in (7, 14, 28, 35)]]
    shown = tally(runs, lambda held: Worth(0.3, len(held) == 2, is_detailed=False), spent)
    spread = statistics_of("p", shown).spread
    assert spread.units_usable is not None and spread.units_usable.mean == 28
    assert (spread.t_first_s.mean, spread.t_final_s.mean) == (60, 180)


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


@pytest.mark.parametrize(
    ("cost", "text"),
    [
        ((1, 0.0039, None), "1 billed unit, 0.0039 USD"),
        ((12345, 0.0, 15000), "12345 billed units, 0 USD, 15000 J to transmit"),
        ((6.1731, 1.1249, 18.456), "6.173 billed units, 1.12 USD, 18.46 J to transmit"),
        ((None, 0.00001, 0.00005), "0.00001 USD, 0.00005 J to transmit"),
        ((None, None, None), ""),
    ],
)
def test_costs_are_read_without_powers_of_ten(cost: tuple[float | None, ...], text: str) -> None:
    assert cost_text(*cost) == text


def test_a_run_says_what_it_assumed_of_a_service_and_of_a_search(run_toy: Callable[..., Run]) -> None:
    def told(*overrides: str) -> list[str]:
        return notes(run_toy(*overrides, overwrite=True))

    service = "iridium_sbd_9603 – no message is lost and there are no windows: the scenario gives none"
    assert service in told("link=iridium_sbd_9603", "link.payload_bytes=60")
    assert service not in told("link=iridium_sbd_9603", "link.payload_bytes=60", "link.loss.rate=0.2")
    search = "ProGIC progressive – 2 steps of search counted as 0 s, by its sender's encode_s"
    run = run_toy("sender={encode_s: 0}", overwrite=True)
    assert search not in notes(run)
    codec = run.scenario.codec.model_copy(update={"refine_steps": 2})
    assert search in notes(replace(run, scenario=run.scenario.model_copy(update={"codec": codec})))
    measured = {"codec": codec, "sender": SenderSettings(encode="measured")}
    timed = notes(replace(run, scenario=run.scenario.model_copy(update=measured)))
    assert not [line for line in timed if "search" in line]
