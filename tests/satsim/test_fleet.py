"""Several handsets on one channel: exact slots, and slotted ALOHA against its closed form."""

import heapq
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from satsim.errors import ScenarioError
from satsim.fleet_settings import FleetSettings
from satsim.header import ImageTag
from satsim.intake import check_windows
from satsim.loss_settings import IndependentLoss
from satsim.medium import _slot_number
from satsim.packetize import packetize
from satsim.packets import Packet
from satsim.records import SchemeRun
from satsim.repair_settings import ArqNextSlot, ArqRound, Carousel, NoRepair, Repair, ReturnLink
from satsim.rundir import Run
from satsim.scenario import load_scenario
from satsim.sender_settings import Encoding
from satsim.settings import LatencySettings, LinkSettings
from satsim.simulate import SHARED, simulate, simulate_fleet

LINK = LinkSettings(payload_bytes=360, interval_s=60)
NONE = NoRepair(kind="none")
TEN_S = Encoding(10)
FOREST_FIRE = Path(__file__).parents[2] / "scenarios" / "forest_fire.yaml"


def packets(n_stages: int = 2) -> tuple[Packet, ...]:
    tag = ImageTag(7, n_stages, 10, 16, 256, 256, 0xBEEF, 0)
    return packetize([b"x" * 320] * n_stages, tag, 360)


def fleet(repair: Repair = NONE, link: LinkSettings = LINK, seed: int = 1, **keys: object) -> list[SchemeRun]:
    return simulate_fleet("p", packets(), link, repair, TEN_S, seed, FleetSettings.model_validate(keys))


def sent(run: SchemeRun) -> list[float]:
    return [event.time_s for event in run.events if event.event == "sent"]


def test_turns_go_round_and_the_first_handset_begins_as_it_has_encoded() -> None:
    runs = fleet(handsets=3, access="turns")
    assert [sent(run) for run in runs] == [[10, 190], [70, 250], [130, 310]]
    assert [[each.time_s for each in run.holdings] for run in runs] == [[70, 250], [130, 310], [190, 370]]


def test_who_asks_first_is_served_first() -> None:
    assert [sent(run) for run in fleet(handsets=3, access="fcfs")] == [[10, 190], [70, 250], [130, 310]]


def test_late_photos_wait_behind_those_who_asked_before() -> None:
    photos_s = np.random.default_rng(np.random.SeedSequence(1, spawn_key=(SHARED,))).uniform(0, 300, 4)
    asking = sorted((photo_s + 10, number, 2) for number, photo_s in enumerate(photos_s))
    expected: list[list[float]] = [[], [], [], []]
    free_s = 0.0
    while asking:
        asked_s, number, left = heapq.heappop(asking)
        start_s = max(asked_s, free_s)
        free_s = start_s + 60
        expected[number].append(start_s - photos_s[number])
        if left > 1:
            heapq.heappush(asking, (free_s, number, left - 1))
    runs = fleet(handsets=4, access="fcfs", within_s=300)
    assert [sent(run) for run in runs] == [pytest.approx(starts, abs=1e-5) for starts in expected]
    assert [run.events[0].time_s for run in runs] == [10] * 4, "times count from the own photo"
    for run in runs:
        received = [event.time_s for event in run.events if event.event == "received"]
        assert [held.time_s for held in run.holdings] == received != []


@pytest.mark.parametrize("access", ["turns", "fcfs", "aloha"])
def test_a_fleet_of_one_is_a_handset_alone(access: str) -> None:
    link = LINK.model_copy(update={"loss": IndependentLoss(rate=0.3)})
    alone = simulate("p", packets(), link, ArqNextSlot(), TEN_S, 5)
    assert fleet(ArqNextSlot(), link, 5, handsets=1, access=access) == [alone]


@pytest.mark.parametrize("access", ["turns", "fcfs"])
def test_no_slot_is_used_twice_and_none_overlaps(access: str) -> None:
    link = LINK.model_copy(update={"loss": IndependentLoss(rate=0.4)})
    runs = fleet(ArqNextSlot(), link, handsets=7, access=access)
    starts = sorted(time_s for run in runs for time_s in sent(run))
    assert min(after - before for before, after in zip(starts, starts[1:], strict=False)) >= 60 - 1e-6
    assert all(run.holdings[-1].stages == (0, 1) for run in runs)


@given(
    st.sampled_from(["turns", "fcfs", "aloha"]),
    st.integers(2, 30),
    st.floats(0.001, 600),
    st.floats(0, 100),
    st.floats(0, 1000),
)
@settings(max_examples=40)
def test_any_slots_and_any_start_end_with_all_sent(
    access: str, handsets: int, interval_s: float, encode_s: float, within_s: float
) -> None:
    link = LINK.model_copy(update={"interval_s": interval_s})
    shared = FleetSettings.model_validate({"handsets": handsets, "access": access, "within_s": within_s})
    runs = simulate_fleet(
        "p", packets(), link, Carousel(kind="carousel", rounds=3), Encoding(encode_s), 1, shared
    )
    assert [run.packets_sent for run in runs] == [6] * handsets


def test_the_first_handset_meets_the_losses_that_it_meets_alone() -> None:
    link = LINK.model_copy(update={"loss": IndependentLoss(rate=0.5)})
    many = Carousel(kind="carousel", rounds=20)
    alone = simulate("p", packets(), link, many, TEN_S, 3)
    first = fleet(many, link, 3, handsets=4, access="turns")[0]
    told = [
        [event.event for event in run.events if event.event in ("sent", "lost")] for run in (alone, first)
    ]
    assert told[0] == told[1]


def in_slots(runs: list[SchemeRun]) -> dict[int, list[bool]]:
    """Return what became of the packets in each slot: through or lost."""
    lost = {
        (number, event.time_s)
        for number, run in enumerate(runs)
        for event in run.events
        if event.event == "lost"
    }
    slots: dict[int, list[bool]] = {}
    for number, run in enumerate(runs):
        for time_s in sent(run):
            slots.setdefault(round((time_s - 10) / 60), []).append((number, time_s + 60) not in lost)
    return slots


def test_in_aloha_exactly_the_lonely_packets_get_through() -> None:
    slots = in_slots(fleet(Carousel(kind="carousel", rounds=100), handsets=6, access="aloha"))
    assert all(through == [len(through) == 1] * len(through) for through in slots.values())
    assert any(len(through) > 1 for through in slots.values())


def test_who_may_send_in_any_slot_begins_with_the_first_and_meets_all_who_do() -> None:
    runs = fleet(handsets=2, access="aloha", transmit_probability=1)
    assert [(sent(run), run.packets_lost, run.holdings) for run in runs] == [([10, 70], 2, ())] * 2


@pytest.mark.parametrize(("handsets", "probability"), [(2, 0.5), (5, None), (5, 0.4), (20, None), (20, 0.02)])
def test_slotted_aloha_carries_what_its_closed_form_says(handsets: int, probability: float | None) -> None:
    """While all have packets: n q (1 - q)^(n - 1) a slot, in 4 standard errors; about 1/e at q = 1/n."""
    shared = FleetSettings(handsets=handsets, access="aloha", transmit_probability=probability)
    q = shared.probability
    rounds = max(1, round(1500 * q))  # of two packets, each takes 1/q slots
    runs = simulate_fleet("p", packets(), LINK, Carousel(kind="carousel", rounds=rounds), TEN_S, 2, shared)
    busy = min(round((sent(run)[-1] - 10) / 60) for run in runs)  # until the first has no more to send
    slots = in_slots(runs)
    carried = sum(slots.get(number) == [True] for number in range(busy))
    expected = handsets * q * (1 - q) ** (handsets - 1)
    assert busy > 1500
    assert abs(carried / busy - expected) < 4 * math.sqrt(expected * (1 - expected) / busy)


def test_reports_come_over_a_way_back_that_is_not_shared() -> None:
    back = ReturnLink(payload_bytes=270, interval_s=20, latency_s=10)
    runs = fleet(ArqRound(kind="arq_round", return_link=back), handsets=3, access="aloha")
    assert all(run.holdings[-1].stages == (0, 1) for run in runs)


def test_late_arrivals_are_judged_by_the_slot_that_they_were_in() -> None:
    link = LINK.model_copy(update={"latency": LatencySettings(propagation_s=200)})
    near, far = (
        fleet(Carousel(kind="carousel", rounds=5), each, handsets=3, access="aloha") for each in (LINK, link)
    )
    assert [[each.time_s + 200 for each in run.holdings] for run in near] == [
        [each.time_s for each in run.holdings] for run in far
    ]


def test_a_run_says_how_the_handsets_fare(run_toy: Callable[..., Run]) -> None:
    run = run_toy("fleet={handsets: 4, access: turns}", "schemes=[progressive]", drawn=True)
    spread = run.spread["progressive"].t_first_s
    assert (spread.share, spread.mean, spread.median) == (1, 150.5, 150.5)
    assert run.summary["progressive"].t_first_s == 60.5
    figure = (run.folder / "timeline.svg").read_text("utf-8")
    assert "the first of 4 handsets, in turns" in figure and "<h2>4 handsets</h2>" in (
        run.folder / "report.html"
    ).read_text("utf-8")


def test_windows_are_not_shared(run_toy: Callable[..., Run]) -> None:
    with pytest.raises(ScenarioError, match=r"fleet.handsets: found 2; allowed: 1 where the link"):
        run_toy("fleet.handsets=2", "link.windows={open: [{from_s: 0, to_s: 600}]}")


@pytest.mark.parametrize("first_s", [0.0, 86_400.0, 604_800.0])
@pytest.mark.parametrize("slot_s", [0.001, 0.01, 0.3, 60 / 7])
def test_slots_are_known_by_their_beginnings_far_into_the_week(first_s: float, slot_s: float) -> None:
    for number in (0, 1, 7, 8_640_123, 60_480_001):
        assert _slot_number(first_s + number * slot_s - first_s, slot_s) == number
        assert _slot_number(first_s + (number + 0.01) * slot_s - first_s, slot_s) == number + 1


def test_one_handset_that_may_send_in_one_slot_of_twenty_waits_for_twenty() -> None:
    waits = [sent(*fleet(handsets=1, access="aloha", transmit_probability=0.05, seed=n)) for n in range(400)]
    slots = np.array([(first - 10) / 60 + 1 for first, _ in waits])
    standard_error = math.sqrt(0.95) / 0.05 / math.sqrt(400)  # of a geometric distribution
    assert abs(slots.mean() - 20) < 4 * standard_error


@pytest.mark.parametrize("handsets", [1, 3])
def test_a_photo_is_taken_at_a_random_moment_of_what_the_link_goes_through(handsets: int) -> None:
    """Slots are the clock's, from 10 s on: encoded between two of its own, a handset waits for the next."""
    turn_s = 60 * handsets
    for seed in range(5):
        generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(SHARED,)))
        photos_s = generator.uniform(0, 1000, handsets)
        runs = fleet(handsets=handsets, within_s=1000, seed=seed)
        for number, (run, photo_s) in enumerate(zip(runs, photos_s, strict=True)):
            turns = max(0, math.ceil((photo_s - 60 * number) / turn_s))
            first_s = 10 + 60 * number + turn_s * turns
            assert sent(run) == pytest.approx([first_s - photo_s, first_s + turn_s - photo_s], abs=1e-5)


@pytest.mark.parametrize("keys", ["within_s: 60", "access: aloha, transmit_probability: 0.5"])
def test_windows_are_for_a_handset_that_has_every_slot(keys: str) -> None:
    overrides = ["link.windows={open: [{from_s: 0, to_s: 900}]}", f"fleet={{handsets: 1, {keys}}}"]
    scenario = load_scenario(FOREST_FIRE, overrides)
    with pytest.raises(
        ScenarioError, match=r"fleet: found one handset, .*; allowed: one that has every slot"
    ):
        check_windows(scenario, "x.yaml")
