"""Every preset states where its values come from, and stands for a link where it is named."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from satsim.cli import app
from satsim.errors import ScenarioError
from satsim.packet_room import check_link
from satsim.presets import FACTS, Fact, load_preset, preset_names
from satsim.scenario import dump_scenario, load_scenario
from satsim.settings import Billing, LatencySettings, LinkSettings, Transmitter

GOOD = Path(__file__).parent / "good_scenario.yaml"


def test_there_are_fifteen_and_more() -> None:
    assert len(preset_names()) >= 15


@pytest.mark.parametrize("name", preset_names())
def test_every_value_has_its_source_or_the_mark(name: str) -> None:
    facts = load_preset(name).facts()
    assert "payload_up_bytes" in facts
    for fact in facts.values():
        assert fact.unverified or (len(fact.source or "") > 10 and fact.read)


def test_an_interval_is_that_of_messages_not_of_a_message_s_copies() -> None:
    """Globalstar's 5 to 10 minutes lie between the three sendings of one message."""
    globalstar = load_preset("globalstar_simplex")
    assert (globalstar.interval_s, str(globalstar.copies)) == (None, "3")


def test_a_value_without_source_or_mark_is_refused() -> None:
    for fields in ({"value": 3}, {"value": 3, "source": "a book, page 3"}, {"value": 3, "unverified": False}):
        with pytest.raises(ValidationError, match="a value has a source and when it was read, or is marked"):
            Fact.model_validate(fields)


def test_facts_are_the_fields_with_a_source() -> None:
    assert FACTS[:4] == ("payload_up_bytes", "payload_down_bytes", "interval_s", "latency_s")
    assert not {"title", "status", "note"} & set(FACTS)


def test_a_preset_stands_for_the_link() -> None:
    link = load_scenario(GOOD, ["link=iridium_sbd_9603"]).link
    assert link == LinkSettings(
        preset="iridium_sbd_9603",
        payload_bytes=340,
        interval_s=40,
        latency=LatencySettings(propagation_s=5, jitter_s=15),  # 5 to 20 s
        billing=Billing(unit_bytes=50, price_usd=0.16),
        transmitter=Transmitter(power_w=0.9, message_s=20),  # the middle of 0.8 to 1.0 W
    )


def test_keys_beside_a_preset_win(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"extends: {GOOD}\nlink: {{preset: skylo_nbntn, interval_s: 30, loss: {{rate: 0.1}}}}\n")
    link = load_scenario(path).link
    assert (link.payload_bytes, link.interval_s, link.latency.propagation_s) == (1172, 30, 10)
    assert load_scenario(path, ["link.payload_bytes=400"]).link.payload_bytes == 400
    assert load_scenario(path, ["link.preset=paper_360"]).link == LinkSettings(
        preset="paper_360", payload_bytes=360, interval_s=60
    )


def test_a_dumped_scenario_keeps_its_preset_and_its_values(tmp_path: Path) -> None:
    scenario = load_scenario(GOOD, ["link=iridium_sbd_9603", "link.interval_s=55"])
    path = tmp_path / "dumped.yaml"
    path.write_text(dump_scenario(scenario))
    assert "payload_bytes: 340" in path.read_text()
    assert load_scenario(path) == scenario


@pytest.mark.parametrize(
    ("override", "complaint"),
    [
        (
            "link=iridium_sbd_9630",
            r"link\.preset: found \"iridium_sbd_9630\"; .*did you mean iridium_sbd_9603",
        ),
        ("link=bds3_gsmc", r"link\.interval_s: found nothing; allowed: a number from 0\.001"),
        (
            "link={preset: globalstar_simplex, interval_s: 60}",
            r"link\.payload_bytes: found 9; allowed: a whole",
        ),
        (
            "link={preset: 3, payload_bytes: 360, interval_s: 60}",
            r"link\.preset: found 3; allowed: the name of",
        ),
    ],
)
def test_presets_that_cannot_be_are_named(override: str, complaint: str) -> None:
    with pytest.raises(ScenarioError, match=complaint):
        load_scenario(GOOD, [override])


def test_a_preset_that_cannot_carry_one_stage_is_named_with_what_would_fit() -> None:
    scenario = load_scenario(GOOD, ["link={preset: lorawan_dr3, interval_s: 60}", "image.size=[256, 256]"])
    with pytest.raises(ScenarioError) as caught:
        check_link(scenario, "a.yaml")
    said = str(caught.value)
    assert said.startswith("a.yaml: link.payload_bytes: found 115 (preset lorawan_dr3), but one stage")
    fitting = "{model: f32, stages: 16, bits_per_index: 10, downsampling_factor: 32}"
    assert said.endswith(f"allowed: at least 340, or image.size at most [128, 128], or codec: {fitting}")


def test_links_lists_shows_and_names_what_is_near() -> None:
    runner = CliRunner()
    listed = runner.invoke(app, ["links"]).output
    assert all(name in listed for name in preset_names())
    shown = json.loads(runner.invoke(app, ["links", "iridium_sbd_9603", "--json"]).output)
    assert shown["payload_up_bytes"]["value"] == 340
    assert shown["payload_up_bytes"]["source"].startswith("https://")
    assert set(json.loads(runner.invoke(app, ["links", "--json"]).output)) == set(preset_names())
    traced = runner.invoke(app, ["links", "iridium_sbd_9603", "trace.csv"])
    told = "satsim: links iridium_sbd_9603: found a trace, trace.csv; allowed: one after `fit` alone\n"
    assert (traced.exit_code, traced.output) == (2, told)
    wrong = runner.invoke(app, ["links", "iridum"])
    assert wrong.exit_code == 2
    assert "did you mean iridium_sbd_9" in wrong.output


@pytest.mark.parametrize(
    "overrides",
    [
        ["link.billing=null"],
        ["link.transmitter=null"],
        ["link.billing=null", "link.transmitter=null"],
        ["link.billing.price_usd=null"],
    ],
)
def test_what_a_scenario_takes_from_its_preset_stays_taken(overrides: list[str], tmp_path: Path) -> None:
    asked = ["link=iridium_sbd_9603", "link.interval_s=60", *overrides]
    scenario = load_scenario(GOOD, asked)
    (tmp_path / "again.yaml").write_text(dump_scenario(scenario), encoding="utf-8")
    assert load_scenario(tmp_path / "again.yaml") == scenario
    assert scenario != load_scenario(GOOD, asked[:2])
