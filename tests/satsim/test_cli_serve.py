"""`satsim serve` and `satsim page`: what cannot be shown is named before anything starts."""

import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

import satsim as satsim_package
from satsim import cli
from satsim.commands import serve as serve_command
from satsim.commands.serve import _checked
from satsim.playback import playback_of
from satsim.progress import Progress
from satsim.rundir import Run

LIMIT_BYTES = 3_000_000
FOREST_FIRE = Path(__file__).parents[2] / "scenarios" / "forest_fire.yaml"


def satsim(*arguments: object) -> Result:
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments])


@pytest.mark.enable_socket
def test_a_port_in_use_is_named(run_toy: Callable[..., Run]) -> None:
    run = run_toy()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = satsim("serve", run.folder, "--port", port)
    allowed = f"another, such as --port {port + 1}, or --port 0 for any free one"
    assert result.exit_code == 2
    assert result.stderr == f"satsim: --port: found {port}, which is in use; allowed: {allowed}\n"


@pytest.mark.enable_socket
def test_an_address_of_another_machine_is_named() -> None:
    result = satsim("serve", "--host", "192.0.2.1", "--port", 0)  # RFC 5737: nobody's
    assert result.exit_code == 2
    assert result.stderr.startswith("satsim: --host: found 192.0.2.1 (")


def test_a_terminal_shows_that_the_server_is_on_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    @contextmanager
    def bar(quiet: bool) -> Iterator[Progress]:
        yield lambda step, done: told.append(step)

    monkeypatch.setattr(serve_command, "progress_bar", bar)
    assert satsim("serve", "nothing.yaml").exit_code == 2
    assert told == ["loading"]


def test_what_cannot_be_shown_is_named(toy_scenario: Path, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    many = tmp_path / "many.yaml"
    many.write_text("extends: toy.yaml\nimage: {path: photos}\n", encoding="utf-8")
    small = tmp_path / "small.yaml"
    small.write_text("extends: toy.yaml\nlink: {payload_bytes: 30}\n", encoding="utf-8")
    for what, said in (
        (tmp_path / "nothing.yaml", "found no readable file"),
        (tmp_path / "photos", "has no manifest.json"),
        (many, "image.path: found a folder"),
        (small, "link.payload_bytes: found 30"),
    ):
        result = satsim("serve", what)
        assert result.exit_code == 2
        assert said in result.stderr


def test_the_mean_of_many_photos_is_not_played(toy_scenario: Path, run_toy: Callable[..., Run]) -> None:
    photos = toy_scenario.parent / "photos"
    photos.mkdir()
    (toy_scenario.parent / "photo.png").rename(photos / "only.png")
    run = run_toy(f"image.path={photos}")
    result = satsim("page", run.folder, toy_scenario.parent / "page.html")
    assert result.exit_code == 2
    assert result.stderr == (
        f"satsim: {run.folder}: found many photos; allowed: one, such as {run.folder}/photos/only\n"
    )
    assert not (toy_scenario.parent / "page.html").exists()


@pytest.mark.parametrize(
    ("repair", "needs_all"),
    [
        ("{kind: none}", True),
        ("{kind: erasure, parity_stages: 2}", False),
        ("{kind: repeat, times: 2}", True),
    ],
)
def test_what_any_packets_give_does_not_wait_for_all(
    run_toy: Callable[..., Run], repair: str, needs_all: bool
) -> None:
    schemes = playback_of(run_toy(f"repair={repair}", "schemes=[high_bpp, progressive]"), str)["schemes"]
    assert [each["needs_all"] for each in schemes] == [needs_all, False]


def test_a_page_replaces_no_file_of_a_run(run_toy: Callable[..., Run]) -> None:
    run = run_toy()
    (run.folder / "report.html").write_text("a report")
    before = {each: each.read_bytes() for each in run.folder.rglob("*") if each.is_file()}
    for name, found in (
        ("summary.json", "found suffix '.json'; allowed: .html"),
        ("report.html", "found the run's"),
    ):
        result = satsim("page", run.folder, run.folder / name)
        assert (result.exit_code, found in result.stderr) == (2, True)
    assert {each: each.read_bytes() for each in run.folder.rglob("*") if each.is_file()} == before


def test_the_page_is_one_file_that_names_no_other(run_toy: Callable[..., Run], tmp_path: Path) -> None:
    result = satsim("page", run_toy().folder, tmp_path / "page.html")
    assert (result.exit_code, result.stdout) == (0, f"{tmp_path / 'page.html'}\n")
    html = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert len(html) < LIMIT_BYTES
    assert 'src="' not in html.replace('src="data:', "")
    assert '<link rel="stylesheet"' not in html
    assert "default-src 'none'" in html


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_named_and_leaves_the_page_as_it_was(
    run_toy: Callable[..., Run], tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    page.write_text("before", encoding="utf-8")
    partial = tmp_path / f".partial-{os.getpid()}-page.html"
    partial.symlink_to("/dev/full")
    result = satsim("page", run_toy().folder, page)
    assert result.exit_code == 1
    kept = "; the file that was there is as it was"
    assert result.stderr == f"satsim: {page}: cannot be written: {os.strerror(28)}{kept}\n"
    assert page.read_text(encoding="utf-8") == "before"
    assert not partial.is_symlink()


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(satsim_package, "web", raising=False)
    monkeypatch.delitem(sys.modules, "satsim.web", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    result = satsim("serve")
    assert result.exit_code == 2
    allowed = "satsim serve after pip install 'progic-satsim[serve]'"
    assert result.stderr == f"satsim: satsim serve: found no uvicorn; allowed: {allowed}\n"


@pytest.mark.enable_socket
def test_a_file_as_the_folder_of_runs_is_named(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("mine")
    result = satsim("serve", "-o", tmp_path / "runs", "--port", 0)
    told = f"satsim: {tmp_path / 'runs'}: File exists; allowed: a folder, new or not\n"
    assert (result.exit_code, result.stderr) == (2, told)


def test_the_scenario_that_is_served_is_scored_as_asked() -> None:
    scenario = _checked(FOREST_FIRE, ["metrics=[psnr_db]"])
    assert scenario is not None
    assert scenario.metrics == ("psnr_db",)
