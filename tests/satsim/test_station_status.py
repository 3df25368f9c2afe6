"""The status of a receiver is never far behind, and costs little where much comes in."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from satsim import station
from satsim.inlets import Arrival
from satsim.journal import Journal
from satsim.station import Station
from tests.satsim.test_station import PlainGallery, now


def received(folder: Path) -> int:
    return int(sum(json.loads((folder / "status.json").read_text())["packets"].values()))


@contextmanager
def stopped(folder: Path) -> Iterator[Station]:
    """A receiver that Ctrl-C ends after what is done with it, and whose own errors do not hide that."""
    with (
        pytest.raises(KeyboardInterrupt),
        Journal(folder / "packets.csv") as journal,
        Station(folder, journal, PlainGallery(), now) as into,
    ):
        yield into
        raise KeyboardInterrupt


def take(into: Station, n_packets: int) -> None:
    for number in range(n_packets):
        into.take(Arrival(f"{number}", b"no packet"))


def test_however_many_come_at_once_it_is_written_once_and_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(station, "STATUS_S", 60)
    with Journal(tmp_path / "packets.csv") as journal:
        with Station(tmp_path, journal, PlainGallery(), now) as into:
            into.catch_up()
            take(into, 20)
            assert received(tmp_path) == 0
        assert received(tmp_path) == 20


def test_it_is_there_soon_after_the_last_packet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(station, "STATUS_S", 0.01)
    log = tmp_path / "packets.csv"
    with Journal(log) as journal, Station(tmp_path, journal, PlainGallery(), now) as into:
        into.catch_up()
        for n_packets in (1, 2, 3):
            into.take(Arrival("a file", b"no packet"))
            ends_s = time.monotonic() + 60
            while received(tmp_path) < n_packets and time.monotonic() < ends_s:
                time.sleep(0.005)
            assert received(tmp_path) == n_packets


def test_an_error_and_ctrl_c_leave_it_up_to_date(tmp_path: Path) -> None:
    with stopped(tmp_path) as into:
        take(into, 3)
    assert received(tmp_path) == 3


def test_a_status_that_cannot_be_written_does_not_hide_what_came_before(tmp_path: Path) -> None:
    with stopped(tmp_path) as into:
        (tmp_path / "status.json").mkdir()
        take(into, 1)


def test_one_that_is_written_late_just_at_the_end_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Late(threading.Timer):
        def cancel(self) -> None:
            super().cancel()
            self.function()  # as where it had begun

    monkeypatch.setattr("threading.Timer", Late)
    monkeypatch.setattr(station, "STATUS_S", 60)
    log = tmp_path / "packets.csv"
    with Journal(log) as journal, Station(tmp_path, journal, PlainGallery(), now) as into:
        take(into, 1)
    assert received(tmp_path) == 1
