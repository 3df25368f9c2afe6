"""What `satsim send` refuses, as `satsim run` does, and when it sends."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from satsim.errors import ScenarioError
from satsim.handset import frames_to_send
from satsim.outlets import send_all
from satsim.records import Frame
from satsim.scenario import load_scenario


def test_a_photo_is_not_sent_larger_than_it_is_shown(toy_scenario: Path) -> None:
    scenario = load_scenario(toy_scenario, ["image.shown=[32, 32]"])
    with pytest.raises(ScenarioError, match=r"image\.size: found \[64, 64\]; allowed: at most \[32, 32\]"):
        frames_to_send(scenario, "toy.yaml", None, 0)


@pytest.mark.parametrize(
    ("takes_s", "sent_s"),
    [
        ([0, 0, 0, 0], [0, 60, 120, 180]),
        ([1, 59, 60, 5], [1, 61, 121, 181]),  # found within the interval: no packet is late
        ([0, 100, 0, 0], [0, 100, 160, 220]),  # one late packet: those after it keep their distance
    ],
)
def test_packets_keep_their_distance_also_after_a_late_one(
    monkeypatch: pytest.MonkeyPatch, takes_s: list[float], sent_s: list[float]
) -> None:
    clock = SimpleNamespace(now_s=1000.0)

    def passes(seconds: float) -> None:
        clock.now_s += seconds

    monkeypatch.setattr("satsim.outlets.time.monotonic", lambda: clock.now_s)
    monkeypatch.setattr("satsim.outlets.time.sleep", passes)

    def frames() -> Iterator[Frame]:
        for number, seconds in enumerate(takes_s, 1):
            passes(seconds)
            yield Frame(number, str(number - 1), 1, b"x")

    seen: list[float] = []
    send_all(frames(), "i", lambda name, data: seen.append(clock.now_s - 1000), 60, lambda frame: None)
    assert seen == sent_s
