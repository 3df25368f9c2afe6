"""Latency drawn for each packet."""

import math

from satsim.fleet_settings import FleetSettings
from satsim.header import ImageTag
from satsim.loss_settings import IndependentLoss
from satsim.packetize import packetize
from satsim.packets import Packet
from satsim.repair_settings import ArqRound, Carousel, NoRepair, ReturnLink
from satsim.sender_settings import Encoding
from satsim.settings import LatencySettings, LinkSettings
from satsim.simulate import simulate, simulate_fleet


def packets(n_stages: int) -> tuple[Packet, ...]:
    return packetize([b"x" * 320] * n_stages, ImageTag(7, n_stages, 10, 16, 256, 256, 0xBEEF, 0), 360)


def test_with_jitter_each_packet_has_a_latency_of_its_own_and_late_ones_are_overtaken() -> None:
    link = LinkSettings(
        payload_bytes=360, interval_s=60, latency=LatencySettings(propagation_s=5, jitter_s=600)
    )
    run = simulate("p", packets(40), link, NoRepair(kind="none"), Encoding(0), 4)
    sent = {event.packet: event.time_s for event in run.events if event.event == "sent"}
    received = {int(event.stage) + 1: event.time_s for event in run.events if event.event == "received"}
    ways_s = [received[packet] - sent[packet] - 60 for packet in sent]
    assert all(5 <= way_s <= 605 for way_s in ways_s)
    assert len(set(ways_s)) == 40
    assert list(received) != sorted(received), "overtaken"
    assert [held.time_s for held in run.holdings] == sorted(received.values())
    # evenly drawn: mean 305 s, standard deviation 600 / sqrt(12)
    assert abs(sum(ways_s) / 40 - 305) < 4 * 600 / math.sqrt(12 * 40)


def test_jitter_changes_no_losses_and_without_it_nothing_is_drawn() -> None:
    still, shaken = (
        simulate(
            "p",
            packets(5),
            LinkSettings(
                payload_bytes=360,
                interval_s=60,
                latency=LatencySettings(jitter_s=jitter_s),
                loss=IndependentLoss(rate=0.5),
            ),
            Carousel(kind="carousel", rounds=9),
            Encoding(0),
            3,
        )
        for jitter_s in (0, 20)
    )
    lost = [[event.time_s for event in run.events if event.event == "lost"] for run in (still, shaken)]
    assert lost[0] == lost[1] and lost[0]
    assert {held.time_s % 60 for held in still.holdings} == {0}


def test_how_long_a_packet_takes_says_nothing_of_whether_it_is_lost() -> None:
    """Of those that get through it is drawn evenly too: mean 50 s, standard deviation 100 / sqrt(12)."""
    link = LinkSettings(
        payload_bytes=360,
        interval_s=200,
        latency=LatencySettings(jitter_s=100),
        loss=IndependentLoss(rate=0.5),
    )
    run = simulate("p", packets(60), link, NoRepair(kind="none"), Encoding(0), 3)
    ways_s = [event.time_s % 200 for event in run.events if event.event == "received"]
    assert len(ways_s) > 15
    assert abs(sum(ways_s) / len(ways_s) - 50) < 3 * 100 / math.sqrt(12 * len(ways_s))


def test_the_receiver_reports_when_the_latest_packet_can_have_come() -> None:
    latency = LatencySettings(propagation_s=5, jitter_s=100)
    link = LinkSettings(payload_bytes=360, interval_s=60, latency=latency)
    back = ReturnLink(payload_bytes=270, interval_s=20, latency_s=10)
    run = simulate("p", packets(3), link, ArqRound(kind="arq_round", return_link=back), Encoding(0), 1)
    assert [event.time_s for event in run.events if event.event == "report_sent"] == [180 + 105]
    assert run.holdings[-1].stages == (0, 1, 2)


def test_each_handset_of_a_fleet_draws_latencies_of_its_own() -> None:
    link = LinkSettings(payload_bytes=360, interval_s=60, latency=LatencySettings(jitter_s=50))
    none, two = NoRepair(kind="none"), FleetSettings(handsets=2)
    first, second = simulate_fleet("p", packets(1), link, none, Encoding(0), 4, two)
    assert first == simulate("p", packets(1), link, none, Encoding(0), 4)
    assert second.holdings[0].time_s - 60 != first.holdings[0].time_s, "its turn is a slot later"
