"""`satsim send`: what its options make of the packets and their pace."""

import time
from pathlib import Path

import pytest

from satsim.packets import parse
from tests.satsim.test_send_receive import bytes_in, satsim


def test_packets_keep_their_capture_time(toy_scenario: Path, tmp_path: Path) -> None:
    photo = toy_scenario.parent / "photo.png"
    before = int(time.time())
    satsim("send", photo, "--scenario", toy_scenario, "--files", tmp_path / "air")
    times = {parse(packet).image.capture_time for packet in bytes_in(tmp_path / "air")}
    assert len(times) == 1
    assert before <= times.pop() <= int(time.time())


def test_a_setting_wins_over_what_a_model_brings(toy_scenario: Path, tmp_path: Path) -> None:
    photo = toy_scenario.parent / "photo.png"
    options = ["--model", "f16", "-s", "codec.stages=2", "--size", "64x64"]
    assert satsim("send", photo, *options, "--files", tmp_path / "air").exit_code == 0
    assert {parse(data).image.n_stages for data in bytes_in(tmp_path / "air")} == {2}


@pytest.mark.enable_socket
@pytest.mark.parametrize(
    ("options", "interval_s"),
    [
        ([], 0.0),
        (["-s", "codec.stages=2"], 0.0),
        (["-s", "link.interval_s=20"], 20.0),
        (["-s", "link=iridium_sbd_9603", "-s", "link.interval_s=55"], 55.0),
        (["-s", "link.interval_s=20", "--interval-s", "3"], 3.0),
    ],
)
def test_an_interval_that_is_asked_for_is_kept_to(
    toy_scenario: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], interval_s: float
) -> None:
    seen = []
    monkeypatch.setattr("satsim.commands.send.send_all", lambda *given: seen.append(given[3]))
    photo = toy_scenario.parent / "photo.png"
    plain = ["--model", "f16", "--size", "64x64", "--udp", "127.0.0.1:5005"]
    assert satsim("send", photo, *plain, *options).exit_code == 0
    assert seen == [interval_s]
