"""A receiver of real packets: an exact log, the same end in any order, and nothing lost by any kill."""

import errno
import itertools
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from progic.errors import ProgicError
from satsim.errors import InputError, SatsimError
from satsim.fec import parity_stages
from satsim.gallery import NoPicture
from satsim.header import ImageTag
from satsim.inlets import Arrival
from satsim.journal import Journal
from satsim.packetize import packetize, packetize_parity
from satsim.packets import Report, pack, pack_report
from satsim.station import Station

TAG = ImageTag(7, 3, 10, 16, 16, 16, 0xBEEF, 1_700_000_000)
OTHER = replace(TAG, image_id=8, capture_time=1_700_000_060)
STALE = replace(TAG, capture_time=1_600_000_000)
UNKNOWN = replace(TAG, fingerprint=0xDEAD)
STAGES = [bytes([65 + number, number << 6]) for number in range(3)]
NAME = "20231114T221320Z-0007-16x16-beef-n3-l10-f16"


def packets_of(tag: ImageTag) -> list[bytes]:
    return [pack(packet) for packet in packetize(STAGES, tag, 22)]


A, B, C = packets_of(TAG)
PARITY = [pack(packet) for packet in packetize_parity(parity_stages(STAGES, 2), TAG, 22)]
DAMAGED = A[:-1] + b"!"
SCRIPT = [
    A,
    DAMAGED,
    *packets_of(OTHER)[:2],
    A,
    *packets_of(UNKNOWN)[:1],
    *packets_of(STALE)[2:],
    B,
    PARITY[1],
]


class PlainGallery:
    """A grey whose level says which stages are held, of all models but one."""

    def draw(self, image: ImageTag, stages: Mapping[int, bytes]) -> Image.Image:
        if image.fingerprint == 0xDEAD:
            raise NoPicture("fingerprint dead is unknown")
        assert all(STAGES[number] == stage for number, stage in stages.items())
        level = sum(1 << number for number in stages)
        return Image.new("L", (image.width, image.height), level)


def now() -> datetime:
    return datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def receive(folder: Path, packets: list[bytes], numbered: bool = True) -> None:
    """Take in what is not yet taken in, as from files of a folder."""
    log = folder / "packets.csv"
    with Journal(log) as journal, Station(folder, journal, PlainGallery(), now) as station:
        station.catch_up()
        for number, data in enumerate(packets):
            arrival = Arrival(f"{number if numbered else 0}.packet", data)
            if arrival not in station:
                station.take(arrival)


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def status(folder: Path) -> dict[str, dict[str, dict[str, object]]]:
    return json.loads((folder / "status.json").read_text())  # type: ignore[no-any-return]


def test_the_log_of_a_script_to_the_letter(tmp_path: Path) -> None:
    receive(tmp_path, [A, DAMAGED, b"\xa7\x2f" + bytes(30), packets_of(STALE)[2], A, PARITY[0], C])
    crc = f"{int.from_bytes(A[16:20], 'big'):08X}"
    header, *rows = (tmp_path / "packets.csv").read_text().splitlines()
    assert header == "packet,time_utc,source,image,stage,bytes,event,detail,data"
    time = "2026-01-02T03:04:05.000+00:00"
    damaged, *others = rows[1], rows[0], *rows[2:]
    assert damaged.startswith(f"2,{time},1.packet,,,22,rejected,BadCrc: CRC-32 of 22 bytes is ")
    assert damaged.endswith(f"; the header says {crc},{DAMAGED.hex()}")
    assert others == [
        f"1,{time},0.packet,{NAME},0,22,received,,{A.hex()}",
        f"3,{time},2.packet,,,32,rejected,UnknownVersion: header version is 2; allowed: 1,a72f{'00' * 30}",
        f"4,{time},3.packet,{NAME.replace('20231114T221320', '20200913T122640')},2,22,received,,"
        + packets_of(STALE)[2].hex(),
        f"5,{time},4.packet,{NAME},0,22,duplicate,,{A.hex()}",
        f"6,{time},5.packet,{NAME},parity 0,22,received,,{PARITY[0].hex()}",
        f"7,{time},6.packet,{NAME},2,22,received,1 stages recovered,{C.hex()}",
    ]
    assert status(tmp_path)["packets"] == {"received": 4, "duplicate": 1, "rejected": 2}
    assert status(tmp_path)["rejected"] == {"BadCrc": 1, "UnknownVersion": 1}


def test_each_better_picture_is_a_file_and_the_last_is_latest(tmp_path: Path) -> None:
    receive(tmp_path, SCRIPT)
    folder = tmp_path / NAME
    assert {path.name for path in folder.iterdir()} == {"1.png", "1-2.png", "1-3.png", "latest.png"}
    assert (folder / "latest.png").read_bytes() == (folder / "1-3.png").read_bytes()
    assert [Image.open(folder / name).getpixel((0, 0)) for name in ("1.png", "1-2.png", "1-3.png")] == [
        1,
        3,
        7,
    ]
    image = status(tmp_path)["images"][NAME]
    assert (image["held"], image["complete"], image["picture"]) == ("1-3", True, "1-3.png")


def test_a_picture_that_was_taken_away_ends_nothing(tmp_path: Path) -> None:
    log = tmp_path / "packets.csv"
    with Journal(log) as journal, Station(tmp_path, journal, PlainGallery(), now) as station:
        station.take(Arrival("0", A))
        (tmp_path / NAME / "1.png").unlink()
        station.take(Arrival("1", PARITY[0]))
    assert status(tmp_path)["packets"]["received"] == 2


def test_an_unknown_model_is_kept_named_and_drawn_once_it_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive(tmp_path, packets_of(UNKNOWN)[:2])
    name = NAME.replace("beef", "dead")
    assert list((tmp_path / name).iterdir()) == []
    image = status(tmp_path)["images"][name]
    assert (image["held"], image["picture"], image["detail"]) == ("1-2", None, "fingerprint dead is unknown")
    monkeypatch.setattr(PlainGallery, "draw", lambda self, image, stages: Image.new("L", (16, 16)))
    receive(tmp_path, packets_of(UNKNOWN)[:2])
    assert {path.name for path in (tmp_path / name).iterdir()} == {"1.png", "1-2.png", "latest.png"}


def test_a_report_is_no_picture(tmp_path: Path) -> None:
    receive(tmp_path, [pack_report(Report(TAG, frozenset({0})))])
    assert status(tmp_path)["rejected"] == {"BadField": 1}


class Killed(BaseException):
    """As a kill: no except Exception catches it."""


@pytest.fixture
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("whole")
    receive(folder, SCRIPT)
    return tree(folder)


def killing(monkeypatch: pytest.MonkeyPatch, at: int) -> Iterator[None]:
    """Kill at the `at`-th touch of the disk: before it or, where it is a write, with half of it done."""
    steps = iter(range(at))
    real = {name: getattr(os, name) for name in ("write", "fsync", "ftruncate")}
    rename = Path.replace

    def touch(name: str, *arguments: Any) -> object:
        if next(steps, None) is None:
            if name == "write":
                file, data = arguments
                real["write"](file, data[: len(data) // 2])
            raise Killed
        return real[name](*arguments)

    def replace_path(self: Path, target: Path) -> Path:
        if next(steps, None) is None:
            raise Killed
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr("satsim.station.STATUS_S", 60)  # else it would be touched at any time
        for name in real:
            patch.setattr(os, name, partial(touch, name))
        patch.setattr(Path, "replace", replace_path)
        yield


def test_killed_at_every_touch_of_the_disk_it_ends_the_same(
    tmp_path: Path, whole: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    for at in itertools.count():
        folder, was_killed = tmp_path / f"{at}", True
        for _ in killing(monkeypatch, at):
            with suppress(Killed):
                receive(folder, SCRIPT)
                was_killed = False
        receive(folder, SCRIPT)
        assert tree(folder) == whole, f"killed at {at}"
        if not was_killed:
            break
    assert at > 4 * len(SCRIPT)


def test_killed_at_every_packet_again_and_again(tmp_path: Path, whole: dict[str, bytes]) -> None:
    for heard in range(len(SCRIPT) + 1):
        receive(tmp_path, SCRIPT[:heard])
    assert tree(tmp_path) == whole


@settings(max_examples=20)
@given(st.permutations([A, B, C, *PARITY, DAMAGED, B[:-1], A, *packets_of(OTHER)]))
def test_any_order_ends_with_the_same_pictures_held(packets: list[bytes]) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        receive(folder, packets, numbered=False)
        for image in status(folder)["images"].values():
            assert (image["held"], image["picture"]) == ("1-3", "1-3.png")
        assert sum(status(folder)["packets"].values()) == len(set(packets))  # type: ignore[arg-type]
        assert status(folder)["packets"]["rejected"] == 2
        latest = [path.read_bytes() for path in folder.rglob("latest.png")]
        assert len(latest) == 2
        assert len(set(latest)) == 1


@pytest.mark.parametrize("where", ["packets.csv", "a picture"])
def test_a_full_disk_is_named_and_what_is_there_stays(
    tmp_path: Path, whole: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    receive(tmp_path, SCRIPT[:4])
    before, write = (tmp_path / "packets.csv").read_bytes(), os.write

    def full(file: int, data: bytes) -> int:
        """Take a row but for its end."""
        if len(data) > 10:
            return write(file, data[:10])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        if where == "packets.csv":
            patch.setattr(os, "write", full)
            with pytest.raises(SatsimError, match="cannot be written: No space left on device; the 4"):
                receive(tmp_path, SCRIPT)
            assert (tmp_path / "packets.csv").read_bytes() == before
        else:
            patch.setattr(Image.Image, "save", lambda *arguments, **options: full(0, b""))
            with pytest.raises(ProgicError, match=r"3\.png: cannot be written: No space left on device"):
                receive(tmp_path, SCRIPT)
    receive(tmp_path, SCRIPT)
    assert tree(tmp_path) == whole


def test_a_file_system_without_locks_is_taken_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", refuse)
    with Journal(tmp_path / "packets.csv"):
        pass


def test_one_receiver_a_folder(tmp_path: Path) -> None:
    with Journal(tmp_path / "packets.csv"), pytest.raises(InputError, match="found another receiver"):
        Journal(tmp_path / "packets.csv")


def test_what_has_brought_no_stage_yet_is_counted_too(tmp_path: Path) -> None:
    receive(tmp_path, [PARITY[0], PARITY[1]])
    image = status(tmp_path)["images"][NAME]
    assert (image["packets"], image["bytes"], image["held"]) == (2, len(PARITY[0]) + len(PARITY[1]), "")
