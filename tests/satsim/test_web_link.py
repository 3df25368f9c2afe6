"""What the form asks of the link beyond a loss rate: a trace, windows, passes, other senders."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.testclient import TestClient

from satsim import upload
from satsim.fleet_settings import FleetSettings
from satsim.intake import check_scenario
from satsim.presets import preset_names
from satsim.settings import LinkSettings, Scenario
from satsim.submission import scenario_of
from satsim.window_settings import Passes, Site
from satsim.windows import Span, visibility_of
from tests.satsim.test_web import FIELDS, PHOTO, send, statuses

pytestmark = pytest.mark.enable_socket  # asyncio's own pair of sockets; nothing is connected

TRACE = b"time_s,outcome\n0,ok\n60,lost\n120,ok\n180,ok\n"
TLE = """ISS (ZARYA)
1 25544U 98067A   08264.51782528 -.00002182  00000-0 -11606-4 0  2927
2 25544  51.6416 247.4627 0006703 130.5360 325.0288 15.72125391563537"""
PASSES = {
    "window": "tle",
    "tle": TLE,
    "latitude_deg": "37.7",
    "longitude_deg": "-122.4",
    "min_elevation_deg": "10",
    "start": "2008-09-21T00:00",
}


def posted(client: TestClient, trace: bytes = b"", **fields: object) -> tuple[int, dict[str, str]]:
    """Send a photo, and after it a trace; the answer."""
    asked = {**FIELDS, "trace_bytes": len(trace), **fields}
    answer = client.post("/runs", params=asked, content=PHOTO + trace)
    return answer.status_code, answer.json()


def played(client: TestClient, trace: bytes = b"", **fields: object) -> dict[str, object]:
    """Send a photo and wait for its run, as it is played back."""
    code, said = posted(client, trace, **fields)
    assert code == 202, said
    assert statuses(client, said["id"])[-1]["state"] == "done"
    run: dict[str, object] = client.get(f"/runs/{said['id']}/playback.json").json()
    return {**run, "id": said["id"]}


def events(run: dict[str, object], *names: str) -> list[tuple[float, str]]:
    happened = run["schemes"][0]["events"]  # type: ignore[index]
    return [(each["time_s"], each["event"]) for each in happened if each["event"] in names]


def test_what_a_trace_lost_is_lost_again(client: TestClient, folder: Path) -> None:
    run = played(client, TRACE, loss="trace", name="trace")
    heard = [(60.56, "lost"), (120.56, "received"), (180.56, "received"), (240.56, "received")]
    assert events(run, "received", "lost") == heard
    assert "loss as recorded" in str(run["facts"])
    kept = folder / "runs" / str(run["id"])
    assert (kept / "trace.csv").read_bytes() == TRACE
    assert "path: trace.csv" in (kept / "scenario.yaml").read_text()
    assert str(folder) not in (kept / "scenario.yaml").read_text()
    assert list((folder / "inboxes").iterdir()) == []


def test_a_body_is_cut_where_the_trace_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def stream() -> AsyncIterator[bytes]:
        for part in (b"pho", b"totr", b"ace"):
            yield part

    request = cast(Request, SimpleNamespace(query_params={"trace_bytes": "5"}, stream=stream))
    monkeypatch.setattr(upload, "MAX_UPLOAD_BYTES", 5)
    asyncio.run(upload.receive(request, tmp_path))
    assert [(tmp_path / name).read_bytes() for name in ("photo", "trace")] == [b"photo", b"trace"]
    monkeypatch.setattr(upload, "MAX_UPLOAD_BYTES", 4)
    with pytest.raises(HTTPException, match="photo: found a larger file"):
        asyncio.run(upload.receive(request, tmp_path))


@pytest.mark.parametrize(
    ("fields", "search", "encoding"),
    [
        ({}, (0, False), (0.56, 0)),
        ({"refine_steps": "0"}, (0, False), (0.56, 0)),
        ({"refine_steps": "2"}, (2, True), (0.6975, 0.1375)),  # 2 x 1.1 s of 256x256, a sixteenth of it
        ({"refine_steps": "4", "side_px": "256", "payload_bytes": "360"}, (4, True), (4.96, 4.4)),
    ],
)
def test_codes_are_searched_for_where_the_form_asks_for_it(
    tmp_path: Path, fields: dict[str, str], search: object, encoding: object
) -> None:
    (tmp_path / "photo").write_bytes(PHOTO)
    asked = {key: str(value) for key, value in FIELDS.items() if key != "scheme"} | fields
    scenario = scenario_of(asked, ["progressive", "low_bpp"], ["psnr_db"], tmp_path)
    assert scenario.searches == {search}
    assert scenario.sender.encoding(scenario.codec.search()) == pytest.approx(encoding)


@pytest.mark.parametrize(
    ("trace", "fields", "said"),
    [
        (b"time_s,outcome\n0,0\n60,maybe\n", {}, 'trace, line 3: found outcome "maybe"; allowed: 0 or ok'),
        (b"time_s,outcome\n0,0\n0,1\n", {}, "trace, line 3: found time_s 0.0; allowed: more than 0.0"),
        (b"when,what\n", {}, 'trace, line 1: found "when,what"; allowed: a header with time_s and outcome'),
        (b"\xff\xfe", {}, "trace: found byte 0xff at 0; allowed: CSV in UTF-8"),
        (b"", {}, 'trace, line 1: found ""'),
        (TRACE, {"loss": "/etc/passwd"}, "loss: found '/etc/passwd'; allowed: drawn, trace"),
        (TRACE, {"trace_bytes": 2_000_001}, "trace: found '2000001' bytes; allowed: at most 2000000"),
        (TRACE, {"trace_bytes": -1}, "trace: found '-1' bytes"),
        (TRACE, {"trace_bytes": "9" * 5000}, "trace: found '999999999999' bytes"),
        (TRACE, {"trace_bytes": 1_999_999}, "trace_bytes: found 1999999; allowed: at most the body's "),
    ],
)
def test_a_trace_that_cannot_be_read_is_named_by_its_line(
    client: TestClient, folder: Path, trace: bytes, fields: dict[str, object], said: str
) -> None:
    code, answer = posted(client, trace, **{"loss": "trace", **fields})
    assert code == 422
    assert answer["error"].startswith(said)
    assert str(folder) not in answer["error"]
    assert list((folder / "inboxes").iterdir()) == []


def test_a_trace_does_not_make_the_photo_larger(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("satsim.upload.MAX_UPLOAD_BYTES", len(PHOTO))
    assert posted(client, TRACE, loss="trace")[0] == 202
    assert posted(client, TRACE, loss="trace", trace_bytes=len(TRACE) - 1)[0] == 413


def asked(folder: Path, **fields: str) -> Scenario:
    plain = {key: value for key, value in FIELDS.items() if isinstance(value, str)}
    scenario = scenario_of({**plain, **fields}, ["progressive"], ["psnr_db"], folder)
    check_scenario(scenario, "form")
    return scenario


@pytest.mark.parametrize("preset", ["", *preset_names()])
def test_every_service_takes_a_trace(tmp_path: Path, preset: str) -> None:
    (tmp_path / "trace").write_bytes(TRACE)
    scenario = asked(tmp_path, preset=preset, loss="trace", loss_percent="nonsense")
    assert scenario.link.loss.model_dump() == {
        "kind": "trace",
        "path": tmp_path / "trace",
        "after_end": "repeat",
    }


@pytest.mark.parametrize(
    ("window", "asked"),
    [
        ({}, {}),
        ({"window": "", "open_min": "nonsense"}, {}),
        (
            {"window": "repeating", "open_min": "2.3", "every_min": "90"},
            {"windows": {"open": [{"from_s": 0, "to_s": 138}], "repeat_s": 5400}},
        ),
    ],
    ids=["not asked", "none", "repeating"],
)
def test_a_window_is_what_the_scenario_says(
    tmp_path: Path, window: dict[str, str], asked: dict[str, object]
) -> None:
    fields = {key: value for key, value in FIELDS.items() if isinstance(value, str)}
    scenario = scenario_of({**fields, **window}, ["progressive"], ["psnr_db"], tmp_path)
    link = {"payload_bytes": 40, "interval_s": 60, "loss": {"rate": 0.2}}
    assert json.loads((tmp_path / "request.yaml").read_text())["link"] == {**link, **asked}
    assert scenario.link == LinkSettings.model_validate({**link, **asked})


def test_the_run_goes_through_its_windows(client: TestClient) -> None:
    name = send(client, window="repeating", open_min=2, every_min=10, loss_percent=0)
    statuses(client, name)
    run = client.get(f"/runs/{name}/playback.json").json()
    assert run["end_s"] == 720.0  # a slot in the first window, two in the second
    assert run["closed"] == [[120.0, 600.0]]


def test_a_preset_fills_in_what_it_settles(client: TestClient) -> None:
    name = send(client, preset="iridium_sbd_9603", payload_bytes="340", side_px="64", interval_s="30")
    statuses(client, name)
    text = client.get(f"/runs/{name}/scenario.yaml").text
    assert "preset: iridium_sbd_9603" in text
    assert "jitter_s: 15" in text


def test_listed_windows_are_minutes(tmp_path: Path) -> None:
    windows = asked(tmp_path, window="listed", listed="0 2.3\n\n 95-104\n200, 210 \n").link.windows
    assert windows is not None
    assert list(visibility_of(windows).after(0)) == [Span(0, 138), Span(5700, 6240), Span(12000, 12600)]


@pytest.mark.parametrize(
    ("start", "moment"), [("2008-09-21T00:00", datetime(2008, 9, 21, tzinfo=UTC)), ("", None)]
)
def test_passes_are_those_of_the_satellite_over_the_site(
    tmp_path: Path, start: str, moment: datetime | None
) -> None:
    site = Site(latitude_deg=37.7, longitude_deg=-122.4)
    expected = Passes(kind="tle", tle=TLE, site=site, min_elevation_deg=10, start=moment)
    assert asked(tmp_path, **{**PASSES, "start": start}).link.windows == expected


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"tle": ""}, 'link.windows.tle: found ""; allowed: a text of two lines of 69 characters'),
        ({"tle": TLE[:-1] + "8"}, "link.windows.tle: found "),
        ({"tle": TLE.splitlines()[1]}, "link.windows.tle: found "),
        (
            {"latitude_deg": "95"},
            "link.windows.site.latitude_deg: found 95; allowed: a number from -90",
        ),
        ({"longitude_deg": ""}, "longitude_deg: found ''; allowed: a number"),
        ({"start": "yesterday"}, 'link.windows.start: found "yesterday"; allowed: a date and time'),
        ({"latitude_deg": "89", "min_elevation_deg": "80"}, "link.windows: found no window; allowed: one of"),
        ({"window": "listed"}, "link.windows.open: found []; allowed: at least one"),
        (
            {"window": "listed", "listed": "0 1\n" * 1001},
            "listed: found 4004 characters; allowed: at most 4000",
        ),
        ({"window": "listed", "listed": "0 10\nx 20"}, "listed, line 2: found 'x'; allowed: a number"),
        (
            {"window": "listed", "listed": "\n0 10 20"},
            "listed, line 2: found '0 10 20'; allowed: two",
        ),
        ({"window": "listed", "listed": "-5 20"}, "listed, line 1: found '-5 20'; allowed: two numbers"),
        (
            {"window": "listed", "listed": "10 5"},
            "link.windows.open[0].to_s: found 300; allowed: ",
        ),
        ({"window": "listed", "listed": "0 10\n5 20"}, "link.windows.open: found "),
        ({"window": "listed", "listed": "0 0.5"}, "link.windows: found no window longer than 30 s"),
        (
            {"others": "4", "access": "turns"},
            "fleet.handsets: found 5; allowed: 1 where the link",
        ),
    ],
)
def test_windows_that_cannot_be_are_named(client: TestClient, fields: dict[str, str], said: str) -> None:
    code, answer = posted(client, **{**PASSES, **fields})
    assert code == 422
    assert answer["error"].startswith(said)
    assert "\n" not in answer["error"]


def test_without_skyfield_its_extra_is_named(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skyfield.api", None)
    visibility_of.cache_clear()
    code, answer = posted(client, **PASSES)
    assert code == 422
    assert "pip install 'progic-satsim[tle]'" in answer["error"]


def test_others_in_turns_leave_every_nth_slot(client: TestClient) -> None:
    run = played(client, others=3, access="turns", loss_percent=0, name="shared")
    assert events(run, "received") == [(60.56, "received"), (300.56, "received"), (540.56, "received")]
    assert "the first of 4 handsets, in turns" in str(run["facts"])


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"others": "100"}, "others: found 100; allowed: a whole number from 0 to 99"),
        ({"others": "-1"}, "others: found -1; allowed: a whole number"),
        ({"others": "1.5"}, "others: found 1.5; allowed: a whole number"),
        ({"others": "many"}, "others: found 'many'; allowed: a number"),
        ({"others": "2", "access": "luck"}, 'fleet.access: found "luck"; allowed: turns, fcfs or aloha'),
    ],
)
def test_senders_that_cannot_be_are_named(client: TestClient, fields: dict[str, str], said: str) -> None:
    code, answer = posted(client, **fields)
    assert code == 422
    assert answer["error"].startswith(said)


def test_nobody_else_is_no_fleet_and_ninety_nine_others_are_the_most(tmp_path: Path) -> None:
    assert asked(tmp_path, others="0", access="aloha").fleet == FleetSettings()
    assert "fleet" not in json.loads((tmp_path / "request.yaml").read_text())
    assert asked(tmp_path, others="99", access="aloha").fleet.handsets == 100
