"""What `-s key=value` makes of a scenario."""

from pathlib import Path

import pytest

from satsim.errors import ScenarioError
from satsim.loss_settings import BlockageLoss, GilbertElliottLoss, IndependentLoss, Loss
from satsim.repair_settings import ArqNextSlot, NoRepair
from satsim.scenario import load_scenario
from satsim.sender_settings import SenderSettings
from satsim.settings import Mark, Scheme
from tests.satsim.test_scenario import FOREST_FIRE, GOOD, loaded

BURSTS = "link.loss={kind: gilbert_elliott, rate: 0.2, mean_burst: 3}"


def test_overrides_are_yaml_and_win() -> None:
    scenario = load_scenario(
        GOOD,
        [
            "link.loss.rate=1e-1",  # YAML 1.2: a number
            "image.size=[64, 48]",
            "schemes=[webp_low, {name: mine, codec: progic, delivery: low, budget_bytes: 640}]",
            "seed=2",
            "seed=3",
        ],
    )
    assert scenario.link.loss.rate == 0.1
    assert scenario.image.size == (64, 48)
    assert scenario.schemes[1] == Scheme(name="mine", codec="progic", delivery="low", budget_bytes=640)
    assert scenario.budget_bytes(scenario.schemes[1]) == 640
    assert scenario.seed == 3
    assert scenario.link.payload_bytes == 360


def test_a_choice_is_replaced_whole() -> None:
    scenario = load_scenario(GOOD, ["sender.encode=measured", "usable.dists=0.3", "repair.kind=none"])
    assert scenario.sender == SenderSettings(encode="measured")
    assert scenario.usable == Mark(dists=0.3)
    assert scenario.repair == NoRepair(kind="none")


def test_two_overrides_make_up_one_choice() -> None:
    scenario = load_scenario(GOOD, ["repair.max_attempts=3", "repair.kind=arq_next_slot"])
    assert scenario.repair == ArqNextSlot(max_attempts=3)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("seed", 'override: found "seed"; allowed: key=value, such as link.loss.rate=0.1'),
        ("link..rate=1", 'override: found "link..rate=1"; allowed: key=value, such as link.loss.rate=0.1'),
        ("seed=x", 'override seed=x: seed: found "x"; allowed: a whole number from 0 to 9007199254740992'),
        (
            "link.loss.rat=0",
            "override link.loss.rat=0: link.loss.rat: found an unknown key; allowed: kind, rate"
            " (did you mean rate?)",
        ),
        (
            "seed=[",
            "override seed=[, line 1: found broken syntax (while parsing a flow node, expected the node"
            " content, but found '<stream end>'); allowed: YAML 1.2",
        ),
        (
            "image.size=[1]",
            "override image.size=[1]: image.size[1]: found nothing; allowed: [width, height], each a whole"
            " number from 1 to 4096 (pixels)",
        ),
    ],
)
def test_bad_override_is_named(override: str, message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load_scenario(GOOD, [override])
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("overrides", "loss"),
    [
        (["link.loss=none"], IndependentLoss(rate=0)),
        (["link.loss.rate=0.1"], IndependentLoss(rate=0.1)),
        (["link.loss.kind=independent", "link.loss.rate=0.1"], IndependentLoss(rate=0.1)),
        (
            ["link.loss.rate=0.2", "link.loss.kind=gilbert_elliott", "link.loss.mean_burst=3"],
            GilbertElliottLoss(kind="gilbert_elliott", rate=0.2, mean_burst=3),
        ),
        (
            [BURSTS, "link.loss.rate=0.3"],
            GilbertElliottLoss(kind="gilbert_elliott", rate=0.3, mean_burst=3),
        ),
        (
            ["link.loss={kind: blockage, open_s: 120, blocked_s: 30}"],
            BlockageLoss(kind="blockage", open_s=120, blocked_s=30),
        ),
    ],
)
def test_loss_by_override(overrides: list[str], loss: Loss) -> None:
    assert load_scenario(FOREST_FIRE, overrides).link.loss == loss


def test_another_kind_of_loss_replaces_it_and_the_same_kind_changes_its_keys(tmp_path: Path) -> None:
    (tmp_path / "bursts.yaml").write_text(
        f"extends: {FOREST_FIRE}\nlink: {{loss: {{kind: gilbert_elliott, rate: 0.2, mean_burst: 3}}}}"
    )
    rarer = loaded("extends: bursts.yaml\nlink: {loss: {rate: 0.1}}", tmp_path).link.loss
    assert rarer == GilbertElliottLoss(kind="gilbert_elliott", rate=0.1, mean_burst=3)
    blocked = "{kind: blockage, open_s: 120, blocked_s: 30}"
    assert loaded(f"extends: bursts.yaml\nlink: {{loss: {blocked}}}", tmp_path).link.loss == BlockageLoss(
        kind="blockage", open_s=120, blocked_s=30
    )
    none = ["link.loss=none", "link.loss.rate=0.1"]  # as of `sweep -s link.loss=none -g link.loss.rate=0,0.1`
    assert load_scenario(tmp_path / "bursts.yaml", none).link.loss == IndependentLoss(rate=0.1)
    null = ["link.loss=null", "link.loss.rate=0.1"]
    assert load_scenario(tmp_path / "bursts.yaml", null).link.loss == IndependentLoss(rate=0.1)
    single = loaded("extends: bursts.yaml\nlink: {loss: {kind: independent, rate: 0.1}}", tmp_path).link.loss
    assert single == IndependentLoss(rate=0.1)


def test_what_an_override_empties_is_missed_there_and_not_in_the_file() -> None:
    with pytest.raises(
        ScenarioError, match=r"^override link\.loss\.rate=0\.1: link\.payload_bytes: found nothing"
    ):
        load_scenario(FOREST_FIRE, ["link=null", "link.loss.rate=0.1"])
