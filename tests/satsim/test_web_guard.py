"""Whom the server of `satsim serve` answers, and what its answers let a browser do."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.satsim.test_web import FIELDS, PHOTO

pytestmark = pytest.mark.enable_socket  # asyncio's own pair of sockets; nothing is connected


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", ""])
def test_another_host_is_not_answered(client: TestClient, host: str) -> None:
    """A name of someone else's that leads to this machine (DNS rebinding)."""
    assert client.get("/", headers={"host": host}).status_code == 400


def test_another_site_sends_nothing(client: TestClient, folder: Path) -> None:
    headers = {"origin": "http://["}
    assert client.post("/runs", content=b"", headers=headers).status_code == 403
    headers = {"origin": "https://evil.example"}
    assert client.post("/runs", params=FIELDS, content=PHOTO, headers=headers).status_code == 403
    assert client.post("/runs/any/cancel", headers=headers).status_code == 403
    assert list((folder / "inboxes").iterdir()) == []


def test_every_answer_says_what_a_browser_may_load(client: TestClient) -> None:
    for path in ("/", "/static/player.js", "/runs/unknown/playback.json"):
        headers = client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'self'")
        assert headers["x-content-type-options"] == "nosniff"
