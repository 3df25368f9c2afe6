"""Every route of the server: what comes in is bounded, what goes out is named, no name becomes a path."""

import io
import json
import socket
import struct
import zipfile
import zlib
from pathlib import Path

import pytest
import uvicorn
from PIL import Image
from starlette.requests import ClientDisconnect
from starlette.testclient import TestClient

from satsim import upload, web
from satsim.run_queue import QueueFullError
from satsim.scenario import load_scenario

pytestmark = pytest.mark.enable_socket  # asyncio's own pair of sockets; nothing is connected

FIELDS = {
    "name": "../../My photo.JPG",
    "preset": "",
    "payload_bytes": "40",
    "interval_s": "60",
    "loss_percent": "20",
    "mean_burst": "1",
    "repair": "arq_next_slot",
    "side_px": "64",
    "stages": "3",
    "seed": "1",
    "scheme": ["progressive", "low_bpp", "high_bpp"],
}


def png_bytes(image: Image.Image) -> bytes:
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


def bomb(side_px: int) -> bytes:
    """A PNG of a few bytes that says it has side_px * side_px pixels."""
    head = b"IHDR" + struct.pack(">IIBBBBB", side_px, side_px, 8, 2, 0, 0, 0)
    body = b"IDAT" + zlib.compress(b"\0" * 100)
    chunks = [
        struct.pack(">I", len(each) - 4) + each + struct.pack(">I", zlib.crc32(each)) for each in (head, body)
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


PHOTO = png_bytes(Image.effect_mandelbrot((96, 96), (-2, -1.5, 1, 1.5), 60).convert("RGB"))


def send(client: TestClient, photo: bytes = PHOTO, **fields: object) -> str:
    answer = client.post("/runs", params={**FIELDS, **fields}, content=photo)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def statuses(client: TestClient, name: str) -> list[dict[str, object]]:
    """All that the run's stream says until it ends."""
    answer = client.get(f"/runs/{name}/progress")
    assert answer.headers["content-type"].startswith("text/event-stream")
    return [json.loads(each.removeprefix("data: ")) for each in answer.text.split("\n\n") if each]


def test_a_stream_ends_as_the_server_is_told_to(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    app, heard = client.app, []

    def run(server: uvicorn.Server, sockets: object) -> None:
        for server.should_exit in (False, True):
            heard.append(len(statuses(client, name)))

    monkeypatch.setattr(uvicorn.Server, "run", run)
    name = send(client)
    with socket.socket() as listener:
        web.listen(app, listener)
    assert heard[0] > 0 and heard[1] == 0


def test_a_photo_goes_in_and_a_run_comes_out(client: TestClient, folder: Path) -> None:
    name = send(client)
    *_, last = statuses(client, name)
    assert last == {"state": "done", "step": "", "done": 1.0, "error": ""}
    run = client.get(f"/runs/{name}/playback.json").json()
    assert run["title"] == "My_photo"
    assert [len(scheme["pictures"]) for scheme in run["schemes"]] == [3, 1, 1]
    for picture in (run["original"], *(each["source"] for each in run["schemes"][0]["pictures"])):
        assert Image.open(io.BytesIO(client.get(picture).content)).size == (64, 64)
    archive = zipfile.ZipFile(io.BytesIO(client.get(f"/runs/{name}/folder.zip").content))
    assert {"manifest.json", "events.csv", "images/original.png", "report.html"} <= set(archive.namelist())
    (folder / "again.yaml").write_bytes(client.get(f"/runs/{name}/scenario.yaml").content)
    assert load_scenario(folder / "again.yaml").link.loss.rate == 0.2  # type: ignore[union-attr]
    assert "'none'" in client.get(f"/runs/{name}/report.html").headers["content-security-policy"]
    assert list((folder / "inboxes").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "title", "photo"),
    [
        ("Überblick – Feuer (2).png", "Uberblick_Feuer_2", "Uberblick_Feuer_2"),
        ("Пожар.jpg", "photo", "photo"),
        ("trace.png", "trace", "photo"),  # beside a trace, which is called so
    ],
)
def test_a_run_and_its_figures_are_called_like_its_photo(
    client: TestClient, name: str, title: str, photo: str
) -> None:
    run = send(client, name=name)
    statuses(client, run)
    assert client.get(f"/runs/{run}/playback.json").json()["title"] == title
    assert f"<h1>{photo}</h1>" in client.get(f"/runs/{run}/report.html").text


def test_two_runs_at_once_both_end_and_differ_by_their_seed(client: TestClient) -> None:
    names = [send(client, seed=seed, loss_percent=50) for seed in (1, 2)]
    assert all(statuses(client, name)[-1]["state"] == "done" for name in names)
    first, second = (client.get(f"/runs/{name}/playback.json").json()["schemes"][0] for name in names)
    assert first["events"] != second["events"]


@pytest.mark.parametrize(
    ("raised", "status"), [(ClientDisconnect(), 499), (QueueFullError("found 10 runs; allowed: 9"), 503)]
)
def test_a_viewer_who_leaves_and_a_queue_that_is_full_leave_nothing(
    client: TestClient, folder: Path, monkeypatch: pytest.MonkeyPatch, raised: Exception, status: int
) -> None:
    async def fail(*_: object) -> None:
        raise raised

    monkeypatch.setattr("satsim.web.receive", fail)
    assert client.post("/runs", params=FIELDS, content=PHOTO).status_code == status
    assert list((folder / "inboxes").iterdir()) == []


@pytest.mark.parametrize(
    ("photo", "said"),
    [
        (b"once upon a time", "photo: not an image that can be read"),
        (b"", "photo: not an image that can be read"),
        (bomb(20_000), "photo: too many pixels, allowed at most 100000000"),
        (bomb(10_001), "photo: 10001x10001 pixels, allowed at most 100000000"),
    ],
    ids=["text", "empty", "400 megapixels", "just over"],
)
def test_what_is_no_photo_is_refused_at_once(
    client: TestClient, folder: Path, photo: bytes, said: str
) -> None:
    answer = client.post("/runs", params=FIELDS, content=photo)
    assert answer.status_code == 422
    assert answer.json()["error"].startswith(said)
    assert list((folder / "inboxes").iterdir()) == []
    assert not (folder / "runs").exists()


def test_a_photo_cut_off_fails_by_name_and_leaves_nothing(client: TestClient, folder: Path) -> None:
    *_, last = statuses(client, send(client, photo=PHOTO[: len(PHOTO) // 2]))
    assert last["state"] == "failed"
    assert str(last["error"]).startswith("My_photo: broken image")
    assert list((folder / "inboxes").iterdir()) == []
    assert not (folder / "runs").exists()


def test_too_large_a_file_is_not_taken(
    client: TestClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "MAX_UPLOAD_BYTES", 1_000_000)
    answer = client.post("/runs", params=FIELDS, content=bytes(1_000_001))
    assert (answer.status_code, answer.json()["error"]) == (
        413,
        "photo: found a larger file; allowed: at most 1 MB",
    )
    assert list((folder / "inboxes").iterdir()) == []


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("interval_s", "", "interval_s: found ''; allowed: a number"),
        ("interval_s", "nan", "interval_s: found 'nan'; allowed: a number"),
        ("payload_bytes", "39", "link.payload_bytes: found 39, but one stage"),
        ("loss_percent", "120", "link.loss.rate: found 1.2;"),
        ("side_px", "4096", "side_px: found 4096; allowed: 64, 96"),
        ("stages", "99", "codec.stages: found 99;"),
        ("refine_steps", "3", "refine_steps: found '3'; allowed: 0, 1, 2, 4"),
        ("seed", "0.5", "seed: found 0.5;"),
        ("preset", "../../pyproject", "preset: found '../../pyproject'; allowed: "),
        ("repair", "magic", "repair: found 'magic'; allowed: arq_next_slot, none"),
        ("scheme", ["progressive", "/etc/passwd"], "scheme: found '/etc/passwd'; allowed: progressive"),
        ("scheme", [], "schemes: found [];"),
        ("window", "always", "window: found 'always'; allowed: repeating, listed, tle"),
        ("open_min", "", "open_min: found ''; allowed: a number"),
        ("open_min", "0", "open_min: found 0; allowed: a number above 0, up to 90 (minutes)"),
        ("open_min", "91", "open_min: found 91; allowed: a number above 0, up to 90 (minutes)"),
        (
            "open_min",
            "0.5",
            "link.windows: found no window longer than 30 s; allowed: one of at least link.i",
        ),
        ("every_min", "10081", "every_min: found 10081; allowed: a number above 0, up to 10080 (minutes)"),
        ("every_min", "-1", "every_min: found -1; allowed: a number above 0, up to 10080 (minutes)"),
    ],
)
def test_a_field_that_cannot_be_is_named(client: TestClient, field: str, value: object, said: str) -> None:
    fields = {**FIELDS, "window": "repeating", "open_min": "10", "every_min": "90", field: value}
    answer = client.post("/runs", params=fields, content=PHOTO)
    assert answer.status_code == 422
    assert answer.json()["error"].startswith(said)


def test_a_run_is_stopped(client: TestClient) -> None:
    names = [send(client) for _ in range(3)]
    assert client.post(f"/runs/{names[-1]}/cancel").status_code == 202
    assert statuses(client, names[-1])[-1]["state"] == "cancelled"
    assert client.get(f"/runs/{names[-1]}/playback.json").status_code == 409
    assert statuses(client, names[0])[-1]["state"] == "done"


@pytest.mark.parametrize(
    "path",
    [
        "/runs/{}/playback.json",
        "/runs/{}/progress",
        "/runs/{}/pictures/0.png",
        "/runs/{}/folder.zip",
        "/runs/{}/scenario.yaml",
        "/runs/{}/report.html",
    ],
)
@pytest.mark.parametrize("name", ["unknown", "..", "%2e%2e", "..%2f..%2fruns", "%00", "runs"])
def test_a_name_that_is_no_run_is_not_found(client: TestClient, path: str, name: str) -> None:
    assert client.get(path.format(name)).status_code == 404


@pytest.mark.parametrize(
    "path", ["/static/../web.py", "/static/%2e%2e/web.py", "/static/..%2fweb.py", "/static/"]
)
def test_static_files_are_the_viewer_s_alone(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_what_was_taken_from_a_run_is_not_found_nor_said_where(client: TestClient, folder: Path) -> None:
    name = send(client)
    statuses(client, name)
    for number in ("99", "-1", "x", "9" * 5000):
        assert client.get(f"/runs/{name}/pictures/{number}.png").status_code == 404
    (folder / "runs" / name / "images" / "original.png").unlink()
    answer = client.get(f"/runs/{name}/pictures/0.png")
    assert (answer.status_code, answer.json()["error"][:21]) == (404, "found no original.png")
    (folder / "runs" / name / "manifest.json").unlink()
    for file in ("playback.json", "pictures/0.png", "folder.zip", "scenario.yaml"):
        answer = client.get(f"/runs/{name}/{file}")
        said = "the run folder: has no manifest.json; allowed is a folder that `satsim run` wrote"
        assert (answer.status_code, answer.json()["error"]) == (404, said)


def test_a_full_disk_is_named(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **kwargs: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(web.tempfile, "mkdtemp", full)
    answer = client.post("/runs", params=FIELDS, content=PHOTO)
    assert (answer.status_code, answer.json()) == (
        507,
        {"error": "the server's disk: No space left on device"},
    )
