"""What a tune has to try, and what rare sets of stages count as."""

from itertools import islice
from pathlib import Path

import pytest

from satsim.errors import ScenarioError
from satsim.header import ImageTag
from satsim.loss_settings import IndependentLoss
from satsim.packetize import packetize
from satsim.records import Holding
from satsim.repair_settings import NoRepair, Ulp
from satsim.scenario import load_scenario
from satsim.sender_settings import Encoding
from satsim.settings import Scenario
from satsim.simulate import simulate, simulate_fleet
from satsim.tune import Asked, prepare
from satsim.tune_point import Flight, _moments, worth_of_sets
from satsim.tune_space import (
    Limits,
    Model,
    lateness_s,
    packets_of,
    plan_of,
    slot_ends_s,
    slots_within,
    space_of,
)

FOREST_FIRE = Path(__file__).parents[2] / "scenarios" / "forest_fire.yaml"


def test_pieces_fill_the_payload() -> None:
    lossy = load_scenario(FOREST_FIRE, ["link.loss.rate=0.2"])
    model = Model("f16", 5, 10, 16, "f16", is_taught=False)
    found = space_of(lossy, [model], [(256, 256)], Limits(601.0, None, None)).candidates
    # ten messages by then, of which eight arrive; a table of 8 bytes, and parts, 3, 4, 6, 7, 8, of 320 bytes:
    # 335 bytes in a payload of 340; in 2, 4, 5, 6, 8 it would be 406
    plans = [each.repair.needed for each in found if isinstance(each.repair, Ulp) and each.n_stages == 5]
    assert plans == [(3, 4, 6, 7, 8)]


@pytest.mark.parametrize(
    ("repair", "tried"),
    [
        ("{kind: ulp, packets: 10, needed: [2, 5, 8, 9, 10]}", "none"),
        ("{kind: repeat, times: 3}", "none"),
        ("{kind: arq_next_slot}", "arq_next_slot"),
    ],
)
def test_nothing_is_done_about_loss_where_there_is_none(repair: str, tried: str) -> None:
    model = Model("f16", 5, 10, 16, "f16", is_taught=False)
    scenario = load_scenario(FOREST_FIRE, ["link.loss=none", f"repair={repair}"])
    found = space_of(scenario, [model], [(256, 256)], Limits(601.0, None, None)).candidates
    assert [each.n_stages for each in found] == [1, 2, 3, 4, 5]
    assert {each.repair.kind for each in found} == {tried}


@pytest.mark.parametrize(("percent", "slots"), [(80, 25), (56, 25), (79, 25), (30, 10)])
def test_as_many_packets_are_needed_as_arrive_on_average(percent: int, slots: int) -> None:
    """Of 25 at 80 % loss 5, though 25 * (1 - 0.8) comes out a little under it."""
    model = Model("f16", 5, 10, 16, "f16", is_taught=False)
    lossy = load_scenario(FOREST_FIRE, [f"link.loss.rate={percent / 100}"])
    found = space_of(lossy, [model], [(256, 256)], Limits(60.0 * slots + 1, None, None)).candidates
    plans = [each.repair for each in found if isinstance(each.repair, Ulp)]
    assert plans
    for plan in plans:
        assert plan.needed[-1] == plan.packets * (100 - percent) // 100


def flight(*times_s: float) -> Flight:
    return Flight(tuple(Holding(at_s, (stage,), 1, 340) for stage, at_s in enumerate(times_s)), ())


def test_curves_are_read_as_pictures_come_in_any_run_and_at_the_deadline() -> None:
    assert _moments([flight(60, 120), flight(60, 160)], 130.0) == [60, 120, 130]
    assert _moments([flight(60, 120), flight(60, 160)], 120.0) == [60, 120]
    assert _moments([flight(), flight()], 120.0) == [120]
    assert _moments([flight(60, 120)], 130.0) == [60, 120]
    drawn = [flight(at_s) for at_s in range(1, 122)]
    assert _moments(drawn, 500.0) == [*range(3, 122, 3), 500]


def test_slots_are_counted_in_windows() -> None:
    """Windows of nine minutes from 300 s on: the first slot ends at 360 s, the ninth at 840 s."""
    keys = ["link.windows={open: [{from_s: 300, to_s: 840}], repeat_s: 5940}", "sender={encode_s: 0}"]
    seen = load_scenario(FOREST_FIRE, [*keys, "link.latency.propagation_s=30"])
    assert [slots_within(seen, at_s) for at_s in (389.9, 390, 630, 870, 6329.9, 6330)] == [0, 1, 5, 9, 9, 10]
    assert list(islice(slot_ends_s(seen), 10)) == [*(300.0 + 60 * n for n in range(1, 10)), 6300.0]
    always = load_scenario(FOREST_FIRE, ["sender={encode_s: 0.5}", "link.interval_s=0.1"])
    assert [slots_within(always, at_s) for at_s in (0.59, 0.6, 0.8, 1.2)] == [0, 1, 3, 7]


@pytest.mark.parametrize("windows", ["null", "{open: [{from_s: 30, to_s: 170}], repeat_s: 200}"])
@pytest.mark.parametrize("refine_s", [0, 25, 60, 170])
def test_messages_that_a_search_keeps_waiting_are_counted_when_they_are_sent(
    refine_s: float, windows: str
) -> None:
    """The slots of any plan end as they do in a run of it."""
    keys = [
        f"sender={{encode_s: 7, refine_s: {refine_s}}}",
        "codec={refine_steps: 4, refine_stagewise: true}",
    ]
    scenario = load_scenario(FOREST_FIRE, ["link.loss.rate=0.2", f"link.windows={windows}", *keys])
    model, limits = Model("f16", 5, 10, 16, "f16", is_taught=False), Limits(1200.0, None, None)
    plans = space_of(scenario, [model], [(256, 256), (128, 128)], limits).candidates
    assert {each.repair.kind for each in plans} > {"none", "carousel", "unequal", "erasure", "ulp"}
    perfect = scenario.link.model_copy(update={"loss": IndependentLoss()})
    for plan in plans:
        packets = packets_of(plan, 360)
        encoding = scenario.sender.encoding(scenario.codec.search())
        run = simulate("p", packets, perfect, plan.repair, encoding, seed=1)
        ends_s = [each.time_s + 60 for each in run.events if each.event == "sent"]
        late_s = lateness_s(scenario, (each.last_stage for each in plan_of(plan, 360)))
        assert list(islice(slot_ends_s(scenario, late_s), len(ends_s))) == pytest.approx(ends_s)
        assert max(ends_s) <= 1200, "what comes after the deadline is not tried"


def test_a_search_slower_than_the_link_has_ten_messages_of_a_stage_each_until_the_deadline() -> None:
    keys = ["sender={encode_s: 0.5, refine_s: 90}", "codec={refine_steps: 4, refine_stagewise: true}"]
    found = prepare(FOREST_FIRE, keys, Asked(models=("f16",), sides_px=(256,)))
    assert found.limits.deadline_s == 0.5 + 10 * 90 + 60


def test_a_handset_of_a_fleet_has_its_share_of_the_slots() -> None:
    def fleet(access: str) -> Scenario:
        return load_scenario(
            FOREST_FIRE, [f"fleet={{handsets: 10, access: {access}}}", "sender={encode_s: 0}"]
        )

    for access in ("turns", "fcfs", "aloha"):  # which sends in one slot of ten, on average
        assert [slots_within(fleet(access), at_s) for at_s in (599, 600, 6000)] == [0, 1, 10]
        assert (
            prepare(FOREST_FIRE, [f"fleet={{handsets: 10, access: {access}}}"], Asked()).limits[0] == 6000.56
        )
    model = Model("f16", 5, 10, 16, "f16", is_taught=False)
    kinds = {
        access: {
            each.repair.kind
            for each in space_of(fleet(access), [model], [(256, 256)], Limits(6000.0, None, None))[0]
        }
        for access in ("turns", "aloha")
    }
    assert kinds["turns"] == {"arq_next_slot"}
    assert {"none", "carousel", "erasure"} < kinds[
        "aloha"
    ]  # whose messages meet others' on a link that loses none


@pytest.mark.parametrize(("keys", "slots"), [("", 10), (", transmit_probability: 0.5", 5)])
def test_a_single_handset_has_every_slot_unless_it_lets_some_pass(keys: str, slots: int) -> None:
    alone = f"fleet={{handsets: 1, access: aloha{keys}}}"
    assert slots_within(load_scenario(FOREST_FIRE, [alone, "sender={encode_s: 0}"]), 600) == slots


@pytest.mark.parametrize(
    ("fleet", "slots"),
    [
        ("{within_s: 3600}", 9),
        ("{access: aloha, within_s: 3600}", 9),
        ("{access: aloha, transmit_probability: 0.5, within_s: 3600}", 4),
        ("{handsets: 3, within_s: 3600}", 3),
        ("{access: fcfs, within_s: 3600}", 10),  # which waits for nobody
    ],
)
def test_a_photo_taken_between_two_slots_waits_for_the_next(fleet: str, slots: int) -> None:
    """As many as are in by ten minutes in simulated runs, on average, in whole messages."""
    scenario = load_scenario(FOREST_FIRE, [f"fleet={fleet}", "sender={encode_s: 0}"])
    assert slots_within(scenario, 600) == slots
    packets = packetize([bytes(320)] * 12, ImageTag(7, 12, 10, 16, 256, 256, 0, 0), 360)
    runs = [
        run
        for seed in range(200)
        for run in simulate_fleet(
            "p", packets, scenario.link, NoRepair(kind="none"), Encoding(0), seed, scenario.fleet
        )
    ]
    in_time = [sum(each.time_s <= 600 for each in run.holdings) for run in runs]
    assert slots - 0.2 < sum(in_time) / len(runs) < slots + 0.8
    asked = Asked(models=("f16",), sides_px=(256,))
    deadline_s = prepare(FOREST_FIRE, [f"fleet={fleet}", "sender={encode_s: 0}"], asked).limits.deadline_s
    assert slots_within(scenario, deadline_s) == 10


def test_a_search_whose_time_is_not_given_is_not_taken_for_none(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    keys = f"extends: {FOREST_FIRE}\nsender: {{encode: measured}}\ncodec: {{refine_steps: 40}}\n"
    path.write_text(keys, encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"own.yaml: sender: found measured; allowed: \{encode_s: S\}"):
        prepare(path, [], Asked())


def test_rare_sets_count_as_their_best_part() -> None:
    singles = [(stage,) for stage in range(20)]
    seen = dict.fromkeys(singles, 5) | {(0, 3): 1, (18, 19): 1, (0, 1): 0}  # 102 seen, of which 92 are enough
    asked = []

    def score(held: tuple[int, ...]) -> float:
        asked.append(held)
        return 0.5 - held[0] / 100

    found = worth_of_sets(seen, score)
    assert asked[:2] == [(0,), (0, 1)]  # prefixes, however rare
    assert asked[2:19] == singles[1:18]
    assert found[0, 3] == found[3,] == 0.47
    assert asked[19:] == [(18,), (19,)]  # no part of these is known
    assert found[18, 19] == found[19,]


def test_the_message_that_comes_in_at_the_deadline_is_in_time() -> None:
    """Ten slots and both delays are 602.96 s, in floats 602.9599999999999."""
    found = prepare(
        FOREST_FIRE, ["link.latency.propagation_s=2.4", "image.shown=[256,256]"], Asked(models=("f16",))
    )
    assert found.limits.deadline_s == 602.96


def test_what_costs_the_most_that_is_allowed_is_allowed() -> None:
    overrides = ["link=iridium_sbd_9603", "image.shown=[256,256]"]
    found = prepare(FOREST_FIRE, overrides, Asked(max_cost_usd=5.6, models=("f16",), sides_px=(256,)))
    assert 5 in [each.n_stages for each in found.space.candidates], "35 units of 0.16 USD"
