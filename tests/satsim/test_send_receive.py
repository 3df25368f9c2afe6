"""`satsim send` and `satsim receive`: the simulator's bytes, over a folder, UDP, a pipe and a serial line."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from PIL import Image
from typer.testing import CliRunner

from satsim import cli
from satsim.errors import SatsimError
from satsim.framing import framed, unframed
from satsim.outlets import folder_outlet, udp_outlet
from satsim.packets import pack
from satsim.rundir import Run
from satsim.serial_port import serial_parts, serial_port
from satsim.simulate import simulate

CAPTURED = ("--capture-time", "0")  # as the simulator's packets have it


def satsim(*arguments: object, data: bytes | None = None) -> Result:
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments], input=data)


@pytest.fixture
def sent(toy_scenario: Path) -> Path:
    """The toy photo's packets in a folder."""
    folder = toy_scenario.parent / "air"
    photo = toy_scenario.parent / "photo.png"
    result = satsim("send", photo, "--scenario", toy_scenario, "--files", folder, *CAPTURED)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.endswith(": 3 packets, 120 bytes\n")
    return folder


def bytes_in(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.iterdir())]


@pytest.mark.parametrize(
    "repair", ["{kind: none}", "{kind: carousel, rounds: 2}", "{kind: erasure, parity_stages: 2}"]
)
@pytest.mark.parametrize("scheme", ["progressive", "low_bpp", "webp"])
def test_the_bytes_are_the_simulators(
    toy_scenario: Path, run_toy: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, scheme: str, repair: str
) -> None:
    simulated: dict[str, list[bytes]] = {}

    def spy(name, packets, *arguments):  # type: ignore[no-untyped-def]
        run = simulate(name, packets, *arguments)
        frames = {number: each for number, each in enumerate(packets, 1)}
        simulated[name] = [pack(frames[each.packet]) for each in run.events if each.event == "sent"]
        return run

    monkeypatch.setattr("satsim.simulate.simulate", spy)
    run_toy(f"repair={repair}")
    folder, photo = toy_scenario.parent / "air", toy_scenario.parent / "photo.png"
    options = ("--scenario", toy_scenario, "--scheme", scheme, "-s", f"repair={repair}", *CAPTURED)
    assert satsim("send", photo, *options, "--files", folder).exit_code == 0
    assert bytes_in(folder) == simulated[scheme] != []
    piped = CliRunner().invoke(
        cli.app, ["send", str(photo), *map(str, options), "--stdout", "--interval-s", "0"]
    )
    assert list(unframed([piped.stdout_bytes])) == simulated[scheme]


def test_a_folder_becomes_pictures_and_is_not_read_twice(sent: Path, tmp_path: Path) -> None:
    first = satsim("receive", "--files", sent, "-o", tmp_path / "in", "--once", "--json", "--model", "toy")
    assert first.exit_code == 0
    events = [json.loads(line) for line in first.stdout.splitlines()]
    assert [each["event"] for each in events] == ["received", "picture"] * 3
    assert [each["stages"] for each in events[1::2]] == ["1", "1-2", "1-3"]
    with Image.open(events[-1]["path"]) as picture:
        assert picture.size == (64, 64)
    again = satsim("receive", "--files", sent, "-o", tmp_path / "in", "--once", "--model", "toy")
    assert again.output == f"{tmp_path / 'in'}: packets 3 received, 0 duplicate, 0 rejected\n"


def test_the_terminal_counts_stages_from_1_as_pictures_are_called(sent: Path, tmp_path: Path) -> None:
    said = satsim(
        "receive", "--files", sent, "-o", tmp_path / "in", "--once", "--model", "toy"
    ).stdout.splitlines()
    assert [line.split()[3] for line in said[:-1:2]] == ["1", "2", "3"]
    assert said[5].endswith("/1-3.png, all there is")


def test_the_last_lines_name_what_each_image_lacks(sent: Path, tmp_path: Path) -> None:
    packets = sorted(sent.iterdir())
    packets[0].unlink()
    result = satsim("receive", "--files", sent, "-o", tmp_path / "in", "--once", "-m", "toy")
    image = next(path for path in (tmp_path / "in").iterdir() if path.is_dir())
    assert result.stdout.splitlines()[-1] == f"{image}: stages missing: 1"
    packets[2].unlink()
    result = satsim("receive", "--files", sent, "-o", tmp_path / "out", "--once", "-m", "toy")
    assert result.stdout.splitlines()[-1] == f"{tmp_path / 'out' / image.name}: stages missing: 1+3"


def test_a_large_file_that_is_no_packet_does_not_stop_the_next_start(sent: Path, tmp_path: Path) -> None:
    (tmp_path / "large").mkdir()
    (tmp_path / "large" / "clip.mp4").write_bytes(b"x" * 70_000)
    for _ in range(2):
        result = satsim(
            "receive", "--files", tmp_path / "large", "-o", tmp_path / "in", "--once", "-m", "toy"
        )
        assert result.exit_code == 0
        assert result.stdout.endswith("packets 0 received, 0 duplicate, 1 rejected\n")


def test_a_file_that_cannot_be_read_is_named_and_passed_over(sent: Path, tmp_path: Path) -> None:
    (sent / "000.packet").symlink_to("000.packet")
    result = satsim("receive", "--files", sent, "-o", tmp_path / "in", "--once", "-m", "toy")
    assert result.exit_code == 0
    assert result.stderr.startswith(f"{sent}/000.packet: cannot be read: Too many levels of symbolic links")
    assert result.stdout.endswith("packets 3 received, 0 duplicate, 0 rejected\n")


def test_what_is_received_does_not_go_where_packets_come_from(sent: Path) -> None:
    result = satsim("receive", "--files", sent, "-o", sent, "--once", "-m", "toy")
    assert (result.exit_code, f"found {sent}, the folder of the packets" in result.output) == (2, True)


def test_a_sender_that_starts_again_is_another_pass(toy_scenario: Path, sent: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        put = folder_outlet(tmp_path / "passes")
        for number, packet in enumerate(bytes_in(sent)):
            put(f"{name}{number}", packet)
    result = satsim("receive", "--files", tmp_path / "passes", "-o", tmp_path / "in", "--once", "-m", "toy")
    assert result.stdout.splitlines()[-1].endswith("packets 3 received, 3 duplicate, 0 rejected")


def test_a_pipe(sent: Path, tmp_path: Path) -> None:
    stream = b"\xff" + b"".join(map(framed, bytes_in(sent)[::-1]))
    result = satsim("receive", "--stdin", "-o", tmp_path / "in", "-m", "toy", data=stream)
    assert result.stdout.splitlines()[0].endswith(
        " rejected  from stdin, 1 bytes (ShortPacket: 1 bytes; allowed: at least the 20 of a header)"
    )
    assert result.stdout.splitlines()[-1] == f"{tmp_path / 'in'}: packets 3 received, 0 duplicate, 1 rejected"
    assert {path.name for path in (tmp_path / "in").rglob("*.png")} == {
        "3.png",
        "2-3.png",
        "1-3.png",
        "latest.png",
    }


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        return int(udp.getsockname()[1])


@pytest.mark.enable_socket
def test_udp_out(toy_scenario: Path, sent: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.settimeout(60)
        options = ("--scenario", toy_scenario, "--interval-s", "0.001", *CAPTURED)
        address = f"127.0.0.1:{udp.getsockname()[1]}"
        result = satsim("send", toy_scenario.parent / "photo.png", *options, "--udp", address)
        assert result.exit_code == 0
        assert [udp.recv(1000) for _ in range(3)] == bytes_in(sent)


@pytest.mark.enable_socket
def test_udp_in(sent: Path, tmp_path: Path) -> None:
    port = free_port()

    def send() -> None:
        while not (tmp_path / "in" / "status.json").exists():  # it listens by then
            time.sleep(0.01)
        with udp_outlet("127.0.0.1", port) as put:
            for packet in bytes_in(sent):
                put("", packet)

    sender = threading.Thread(target=send)
    sender.start()
    result = satsim("receive", "--udp", port, "-o", tmp_path / "in", "--once", "-m", "toy", "--json")
    sender.join()
    assert (result.exit_code, result.stderr) == (0, f"listening on 127.0.0.1:{port}\n")
    last = json.loads(result.stdout.splitlines()[-1])
    assert (last["event"], last["stages"], last["complete"]) == ("picture", "1-3", True)


@pytest.mark.enable_socket
def test_a_port_in_use_is_named(tmp_path: Path, toy_scenario: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        result = satsim("receive", "--udp", port, "-o", tmp_path / "in")
    assert (result.exit_code, result.output) == (
        2,
        f"satsim: --udp 127.0.0.1:{port}: found a port that another program uses; allowed: a free port"
        " (0 takes any) on an address of this machine\n",
    )
    assert not (tmp_path / "in").exists()


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no pseudo-terminals here")
def test_a_serial_line_by_a_pseudo_terminal(sent: Path) -> None:
    far, near = os.openpty()
    packets = bytes_in(sent)
    name = os.ttyname(near)
    with pytest.raises(SatsimError, match=f"^{name}: "), serial_port(name, 19200) as port:
        os.write(far, b"".join(map(framed, packets)))
        frames = unframed(serial_parts(port))
        assert [next(frames) for _ in packets] == packets
        port.write(framed(packets[0]))
        assert os.read(far, 100) == framed(packets[0])
        os.close(far)
        os.close(near)
        next(frames)


KILLED = """
import sys, time
from pathlib import Path
from satsim import gallery, journal
from satsim.cli import app
from PIL import Image
gallery.Gallery.draw = lambda self, image, stages: Image.effect_noise((256, 256), 50)  # slow to write
app(["receive", "--files", sys.argv[1], "-o", sys.argv[2], "--once"])
"""


def test_a_real_kill_loses_nothing(sent: Path, tmp_path: Path) -> None:
    packets = bytes_in(sent)
    air, into = tmp_path / "many", tmp_path / "in"
    put = folder_outlet(air)
    for number in range(300):
        put(f"{number:03}", packets[number % 3])
    child = subprocess.Popen([sys.executable, "-c", KILLED, air, into], stdout=subprocess.DEVNULL)
    log = into / "packets.csv"
    while not log.exists() or log.read_bytes().count(b"\n") < 20:
        assert child.poll() is None
        time.sleep(0.005)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert log.read_bytes().count(b"\n") < 300
    result = satsim("receive", "--files", air, "-o", into, "--once", "-m", "toy")
    assert result.stdout.splitlines()[-1] == f"{into}: packets 3 received, 297 duplicate, 0 rejected"
    rows = [line.split(",") for line in log.read_text().splitlines()[1:]]
    assert [(row[0], row[2]) for row in rows] == [
        (f"{number + 1}", f"{number:03}.packet") for number in range(300)
    ]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["receive"], "found no way; allowed: one of --files, --udp, --serial, --stdin"),
        (["receive", "--stdin", "--udp", "1"], "found --udp and --stdin; allowed: one of"),
        (["receive", "--udp", "host:x"], "--udp: found host:x; allowed: PORT or HOST:PORT"),
        (["receive", "--files", "nowhere"], "nowhere: found no folder"),
        (["receive", "--serial", "/dev/nowhere"], "/dev/nowhere: cannot be opened"),
        (["send", "nowhere.png", "--files", "air"], "nowhere.png: no such file"),
        (["send", "photo.png", "--udp", "5005"], "--udp: found 5005; allowed: HOST:PORT"),
        (["send", "photo.png", "--files", "air", "--scheme", "best"], "--scheme: found best; allowed: progr"),
        (
            ["send", "photo.png", "--files", "air", "--payload-bytes", "30"],
            "link.payload_bytes: found 30, but",
        ),
        (["send", "photo.png", "--files", "air", "--size", "big"], "--size: found 'big', allowed WIDTH"),
        (["send", "photo.png", "--stdout", "--json"], "--json: found --stdout with it"),
    ],
)
def test_bad_input_ends_with_two(
    toy_scenario: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], complaint: str
) -> None:
    monkeypatch.chdir(toy_scenario.parent)
    before = sorted(toy_scenario.parent.rglob("*"))
    result = satsim(*arguments)
    assert result.exit_code == 2
    assert complaint in result.stderr
    assert sorted(toy_scenario.parent.rglob("*")) == before
