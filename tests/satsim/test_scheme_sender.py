"""A scheme whose handset takes its own time to encode, beside those that take the scenario's."""

from collections.abc import Callable
from pathlib import Path

import pytest

from satsim.codec_settings import Search
from satsim.fleet_settings import FleetSettings
from satsim.header import ImageTag
from satsim.loss_settings import IndependentLoss
from satsim.monte_carlo import Replicator
from satsim.packetize import packetize
from satsim.repair_settings import ArqNextSlot
from satsim.rundir import Run
from satsim.scenario import load_scenario
from satsim.sender_settings import Encoding
from satsim.settings import LinkSettings
from tests.satsim.conftest import ToyCodec

SLOW = "{name: slow, codec: progic, delivery: progressive, sender: {encode_s: 14}}"
MEASURED = "{name: slow, codec: progic, delivery: progressive, sender: {encode: measured}}"
WEBP = "{name: file, codec: webp, delivery: high, budget_bytes: 400, sender: {encode: measured}}"


def happened(run: Run, scheme: str) -> list[tuple[float, str, int]]:
    return [(each.time_s, each.event, each.packet) for each in run.events if each.scheme == scheme]


def test_every_event_of_a_scheme_follows_its_own_sender(run_toy: Callable[..., Run]) -> None:
    run = run_toy(f"schemes=[progressive, {SLOW}]", drawn=True)
    for scheme, encoded_s in (("progressive", 0.5), ("slow", 14.0)):
        expected = [(encoded_s, "encoded", 0)]
        for packet in (1, 2, 3):
            starts_s = encoded_s + 60 * (packet - 1)
            expected += [(starts_s, "sent", packet), (starts_s + 60, "received", packet)]
        found = [each for each in happened(run, scheme) if each[1] in ("encoded", "sent", "received")]
        assert sorted(found) == sorted(expected)
    assert [row.time_s for row in run.rows_of("progressive")] == [60.5, 120.5, 180.5]
    assert [row.time_s for row in run.rows_of("slow")] == [74, 134, 194]
    assert run.summary["slow"].t_first_s == 74
    again = load_scenario(run.folder / "scenario.yaml")
    assert again.schemes == run.scenario.schemes
    assert [again.sender_of(scheme).encode_s for scheme in again.schemes] == [0.5, 14]
    for page in ("timeline.svg", "report.html"):
        assert (run.folder / page).read_text("utf-8").count("14 s to encode") == 1, page


def test_in_many_runs_a_slow_sender_loses_the_same_slots_later(run_toy: Callable[..., Run]) -> None:
    run = run_toy(f"schemes=[progressive, {SLOW}]", "link.loss.rate=0.3", "runs=200")
    plain, slow = run.spread["progressive"], run.spread["slow"]
    for mark in ("t_first_s", "t_final_s"):
        early, late = getattr(plain, mark), getattr(slow, mark)
        assert late.mean_ci95 == pytest.approx(early.mean_ci95) and early.mean_ci95 > 0
        for part in ("mean", "median", "p5", "p95"):
            assert getattr(late, part) == pytest.approx(getattr(early, part) + 13.5), (mark, part)


@pytest.mark.parametrize("handsets", [1, 3])
def test_only_schemes_that_take_as_long_share_runs(handsets: int) -> None:
    link = LinkSettings(payload_bytes=360, interval_s=60, loss=IndependentLoss(rate=0.3))
    packets = packetize([bytes(320)] * 3, ImageTag(7, 3, 10, 16, 256, 256, 0xBEEF, 0), 360)
    many = Replicator(link, 1, 20, FleetSettings(handsets=handsets, access="turns"))
    quick, slow = (many.runs(packets, ArqNextSlot(), Encoding(encode_s)) for encode_s in (0, 14))
    assert many.runs(packets, ArqNextSlot(), Encoding(14)) is slow
    alone = Replicator(link, 1, 20, FleetSettings(handsets=handsets, access="turns"))
    assert alone.runs(packets, ArqNextSlot(), Encoding(14)) == slow != quick
    if handsets == 1:
        shifted = [[each._replace(time_s=each.time_s + 14) for each in run] for run in quick.holdings]
        assert [list(run) for run in slow.holdings] == shifted


def test_measured_is_the_schemes_own_codec_and_what_is_not_ours_takes_nothing(
    run_toy: Callable[..., Run], toy_codec: ToyCodec
) -> None:
    run = run_toy(f"schemes=[progressive, {MEASURED}, {WEBP}, webp_high]")
    encoded_s = {each.scheme: each.time_s for each in run.events if each.event == "encoded"}
    assert encoded_s["progressive"] == 0.5 and encoded_s["file"] == 0
    assert 0 < encoded_s["slow"] < 10
    assert toy_codec.n_encoded == 2  # once to send, once more for the time


def test_a_long_encoding_is_measured_as_it_is_sent(
    run_toy: Callable[..., Run], toy_codec: ToyCodec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("satsim.trained_codec.LONG_S", 0)
    run = run_toy(f"schemes=[progressive, {MEASURED}]")
    assert next(each.time_s for each in run.events if (each.scheme, each.event) == ("slow", "encoded")) > 0
    assert toy_codec.n_encoded == 1


def test_the_shipped_scenario_makes_no_scheme_wait_for_anothers_search() -> None:
    scenario = load_scenario(Path(__file__).parents[2] / "scenarios" / "refined.yaml")
    told = {
        each.name: (scenario.sender_of(each).encoding(scenario.search_of(each)), scenario.search_of(each))
        for each in scenario.schemes
    }
    assert told == {
        "progressive": (Encoding(0.56), Search()),
        "refined": (Encoding(0.56 + 1.1, 1.1), Search(1, stagewise=True)),
        "refined_more": (Encoding(0.56 + 4.5, 4.5), Search(4, stagewise=True)),
        "webp_high": (Encoding(0.56), Search()),
        "avif_high": (Encoding(0.56), Search()),
    }
