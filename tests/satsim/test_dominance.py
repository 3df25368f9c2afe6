"""What a tune leaves out untried, against a second count of what each message tells."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from satsim.codec_settings import CodecSettings
from satsim.dominance import ONCE, undominated
from satsim.scenario import load_scenario
from satsim.sender_settings import SenderSettings
from satsim.settings import Scenario
from satsim.tune_space import Candidate, Limits, Model, Space, billed, messages_of, packets_of, space_of

TEN_MESSAGES = Limits(601.0, None, None)


def scenario_of(folder: Path, link: str) -> Scenario:
    text = f"name: small\nimage: {{path: photo.png, size: [64, 64]}}\nlink: {{interval_s: 60, {link}}}\n"
    (folder / "small.yaml").write_text(text, encoding="utf-8")
    return load_scenario(folder / "small.yaml")


def models_of(*bits: int, own: int = 10, stages: int = 5, factor: int = 16) -> list[Model]:
    """Models of one net, which was trained with the codebooks of L = `own`."""
    names = {each: "net" if each == own else f"net-l{each}" for each in bits}
    return [Model(name, stages, each, factor, "net", False) for each, name in names.items()]


def told(candidate: Candidate, payload_bytes: int) -> list[int]:
    """Bits of a cell that are there after each message, counted from the packets."""
    packets = packets_of(candidate._replace(repair=ONCE), payload_bytes)
    each = [packet.stage_count * candidate.model.bits_per_index for packet in packets]
    return [sum(each[: count + 1]) for count in range(len(each))]


def is_better_at_equal_bits(other: Model, model: Model) -> bool:
    if "net" in (other.name, model.name):
        return other.name == "net" != model.name
    return other.bits_per_index > model.bits_per_index


def enough_of(bits: int, other: Model, model: Model) -> float:
    return 0.9 * bits if other.bits_per_index > model.bits_per_index else bits


def left(space: Space, side_px: int) -> set[tuple[str, int]]:
    return {(each.model.name, each.n_stages) for each in space.candidates if each.size[0] == side_px}


def test_of_as_many_messages_the_nets_own_l_wins_then_the_larger_and_a_smaller_one_if_more_of_it_fits(
    tmp_path: Path,
) -> None:
    scenario = scenario_of(tmp_path, "payload_bytes: 360")
    sizes = [(128, 128), (192, 192), (256, 256)]
    space = space_of(scenario, models_of(6, 8, 10, 12), sizes, TEN_MESSAGES)
    found = undominated(space, scenario, TEN_MESSAGES)
    # 256: one stage a message, and L = 12 (384 bytes) does not fit
    assert left(found, 256) == {("net", stages) for stages in range(1, 6)}
    # 192, bits of a cell in a message: 1 stage of L = 10 are 10, 1 of 12 are 12, 2 of 8 are 16, 3 of 6 are 18
    assert {("net", 1), ("net-l12", 1), ("net-l8", 2), ("net-l6", 3)} <= left(found, 192)
    # 128: 4 stages of L = 10 are 40 bits, 5 of 8 are no more, 3 of 12 are 36; all 5 of 12 are 60 bits in two
    assert left(found, 128) == {("net", 4), ("net", 5), ("net-l12", 5)}
    reasons = {(each.model.name, each.size[0], each.n_stages): each.reason for each in found.left_out}
    assert reasons["net-l8", 128, 5] == "4 of net tell 40 bits of each cell in no more messages, these 40"
    assert reasons["net-l12", 128, 3] == "4 of net tell 40 bits of each cell in no more messages, these 36"


def test_a_dearer_plan_makes_nothing_needless(tmp_path: Path) -> None:
    models, sizes = models_of(6, 10), [(256, 256)]
    billed_link = scenario_of(tmp_path, "payload_bytes: 360, billing: {unit_bytes: 50, price_usd: 0.16}")
    space = space_of(billed_link, models, sizes, TEN_MESSAGES)
    kept = undominated(space, billed_link, TEN_MESSAGES)
    assert ("net-l6", 1) in left(kept, 256)  # 5 units, where a stage of L = 10 takes 7
    limits = TEN_MESSAGES._replace(budget_bytes=400)
    scenario = scenario_of(tmp_path, "payload_bytes: 360")
    space = space_of(scenario, models, sizes, limits)
    assert left(undominated(space, scenario, limits), 256) == {("net-l6", 1), ("net", 1)}


def test_a_plan_of_more_messages_makes_none_of_fewer_needless(tmp_path: Path) -> None:
    """Of 3 units each: four stages of L = 10 in one message, four of 12 in two, whose first tells 36 bits.

    Three of 12 would do, in one message; but the net's own four of 9 tell as much and are tried instead.
    """
    link = "payload_bytes: 343, billing: {unit_bytes: 167, price_usd: 0.16}"
    scenario = scenario_of(tmp_path, link)
    space = space_of(scenario, models_of(9, 10, 12, own=9, stages=4), [(128, 128)], TEN_MESSAGES)
    kept = left(undominated(space, scenario, TEN_MESSAGES), 128)
    assert {("net-l10", 4), ("net-l12", 4), ("net", 4)} <= kept
    assert ("net-l12", 3) not in kept


@pytest.mark.parametrize(("refine_s", "is_kept"), [(0, False), (10, True)])
def test_a_plan_whose_search_takes_longer_makes_none_needless(
    tmp_path: Path, refine_s: float, is_kept: bool
) -> None:
    """Both in one message: three stages of L = 12 are found before four of the net's own."""
    scenario = scenario_of(tmp_path, "payload_bytes: 343").model_copy(
        update={
            "sender": SenderSettings(encode_s=0, refine_s=refine_s),
            "codec": CodecSettings(refine_steps=4, refine_stagewise=True),
        }
    )
    limits = TEN_MESSAGES._replace(deadline_s=900)
    space = space_of(scenario, models_of(9, 12, own=9, stages=4), [(128, 128)], limits)
    assert (("net-l12", 3) in left(undominated(space, scenario, limits), 128)) == is_kept


@pytest.mark.parametrize("bits", [8, 10])
def test_a_taught_model_is_left_out_beside_its_teacher_alone(tmp_path: Path, bits: int) -> None:
    scenario = scenario_of(tmp_path, "payload_bytes: 360")
    pupil = Model("pupil", 5, 10, 16, "net", True)
    space = space_of(scenario, [*models_of(bits), pupil], [(256, 256)], TEN_MESSAGES)
    kept = left(undominated(space, scenario, TEN_MESSAGES), 256)
    assert {name for name, _ in kept} == ({"net"} if bits == 10 else {"net-l8", "pupil"})


@settings(max_examples=60, deadline=None)
@given(
    bits=st.sets(st.integers(2, 14), min_size=2, max_size=5),
    own=st.integers(2, 14),
    stages=st.integers(1, 20),
    factor=st.sampled_from([16, 32]),
    side_px=st.sampled_from([64, 96, 128, 256]),
    payload_bytes=st.integers(25, 400),
    budget_bytes=st.none() | st.integers(100, 2000),
    unit_bytes=st.none() | st.integers(10, 100),
)
def test_whatever_is_left_out_has_its_better_among_those_that_are_tried(
    tmp_path_factory: pytest.TempPathFactory,
    bits: set[int],
    own: int,
    stages: int,
    factor: int,
    side_px: int,
    payload_bytes: int,
    budget_bytes: int | None,
    unit_bytes: int | None,
) -> None:
    bill = "" if unit_bytes is None else f", billing: {{unit_bytes: {unit_bytes}}}"
    scenario = scenario_of(tmp_path_factory.getbasetemp(), f"payload_bytes: {payload_bytes}{bill}")
    limits = TEN_MESSAGES._replace(budget_bytes=budget_bytes)
    models = models_of(*sorted(bits), own=own, stages=stages, factor=factor)
    space = space_of(scenario, models, [(side_px, side_px)], limits)
    kept = undominated(space, scenario, limits)
    tried = dict.fromkeys(each._replace(repair=ONCE) for each in kept.candidates)
    for each in kept.left_out[len(space.left_out) :]:
        assert each.n_stages is not None
        plan = Candidate(each.model, each.size, each.n_stages, ONCE)
        ours, messages = told(plan, payload_bytes), messages_of(plan, payload_bytes)
        assert any(
            is_better_at_equal_bits(other.model, each.model)
            and len(their_messages) <= len(messages)
            and billed(their_messages, scenario.link) <= billed(messages, scenario.link)
            and (budget_bytes is None or sum(their_messages) <= sum(messages))
            and all(
                theirs[min(at, len(theirs) - 1)] >= enough_of(bits_told, other.model, each.model)
                for at, bits_told in enumerate(ours)
            )
            for other in tried
            for theirs in [told(other, payload_bytes)]
            for their_messages in [messages_of(other, payload_bytes)]
        ), each
