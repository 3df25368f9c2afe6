"""A disk that is full, made by the limit that the system sets on the size of a file; and a command killed."""

import multiprocessing
import os
import resource
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
import typer
from PIL import Image
from safetensors.torch import save_file
from typer.testing import CliRunner

from progic import weights
from progic.cli import app
from progic.codec import Codec
from progic.ending import ends_well
from progic.errors import InputError, ProgicError
from progic.replacing import ABANDONED_S, make_folder, replacing


@contextmanager
def full_after_100_bytes() -> Iterator[None]:
    """No longer than the write that is tested: pytest's own output may be a file of more than 100 bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def model(tmp_path: Path, toy_codec: Codec) -> Path:
    path = tmp_path / "toy.safetensors"
    weights.save(path, toy_codec.net, {})
    return path


def test_what_was_there_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "kept.bin"
    path.write_bytes(b"old")
    with (
        pytest.raises(ProgicError, match=r"kept\.bin: cannot be written: File too large; the file that was"),
        replacing(path) as partial,
        full_after_100_bytes(),
    ):
        partial.write_bytes(bytes(1000))
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [b"old"]


def test_the_bytes_are_on_the_disk_before_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, seen = tmp_path / "new.bin", []
    monkeypatch.setattr(os, "fsync", lambda file: seen.append((os.fstat(file).st_size, path.exists())))
    _write(path, b"whole")
    assert seen == [(5, False)] and path.read_bytes() == b"whole"


def test_two_threads_that_write_one_file_do_not_meet(tmp_path: Path) -> None:
    with replacing(tmp_path / "shared.bin") as partial, ThreadPoolExecutor(1) as pool:
        partial.write_bytes(b"ours")
        pool.submit(_write, tmp_path / "shared.bin", b"theirs").result()
        assert (tmp_path / "shared.bin").read_bytes() == b"theirs"
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [b"ours"]


def test_two_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "shared.bin"
    with replacing(path) as partial:
        partial.write_bytes(b"ours, half")
        with multiprocessing.get_context("fork").Pool(1) as other:
            other.apply(_write, (path, b"theirs"))
        assert path.read_bytes() == b"theirs"
        partial.write_bytes(b"ours, whole")
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [b"ours, whole"]


def _write(path: Path, content: bytes) -> None:
    with replacing(path) as partial:
        partial.write_bytes(content)


def test_what_a_killed_process_left_goes_with_the_next_writing(tmp_path: Path) -> None:
    kept = [".partial-1-a [b].bin", ".partial-2-other.bin", "a [b].bin"]
    for name in (*kept, ".partial-3-a [b].bin", ".partial-4-a [b].bin"):
        (tmp_path / name).write_bytes(b"half")
    long_ago = time.time() - 1.01 * ABANDONED_S
    for name in (*kept[1:], ".partial-3-a [b].bin", ".partial-4-a [b].bin"):
        os.utime(tmp_path / name, (long_ago, long_ago))
    _write(tmp_path / "a [b].bin", b"whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == kept


def test_another_error_passes_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown"), replacing(tmp_path / "new.bin") as partial:
        partial.write_bytes(b"half")
        raise ValueError("unknown")
    assert not list(tmp_path.iterdir())


def test_an_error_of_another_file_is_not_blamed_on_this_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="photo"), replacing(tmp_path / "new.bin"):
        (tmp_path / "photo.png").read_bytes()


@pytest.mark.parametrize("name", [".", ".."])
def test_a_folder_is_no_file_to_write(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="is a folder, allowed is the name of a file"), replacing(Path(name)):
        pass


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "link.bin").symlink_to(tmp_path / "disk" / "there.bin")
    for content in (b"first", b"second"):
        with replacing(tmp_path / "link.bin") as partial:
            partial.write_bytes(content)
        assert (tmp_path / "disk" / "there.bin").read_bytes() == content
    assert (tmp_path / "link.bin").is_symlink()


def test_a_pipe_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="is a device or a pipe"), replacing(tmp_path / "pipe"):
        pytest.fail("the block must not begin")
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize("name", ["n" * 255, "é" * 127])  # bytes are what a file system counts
def test_a_name_as_long_as_they_come_can_be_written(tmp_path: Path, name: str) -> None:
    with replacing(tmp_path / name) as partial:
        partial.write_bytes(b"whole")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_weights_on_a_full_disk(model: Path, toy_codec: Codec) -> None:
    before = model.read_bytes()
    with pytest.raises(ProgicError, match=r"toy\.safetensors: cannot be written"), full_after_100_bytes():
        weights.save(model, toy_codec.net, {})
    assert model.read_bytes() == before


def test_tensors_saved_to_a_full_disk_are_named_too(tmp_path: Path) -> None:
    with (
        pytest.raises(ProgicError, match=r"checkpoint: cannot be written: .*File too large"),
        replacing(tmp_path / "checkpoint") as partial,
        full_after_100_bytes(),
    ):
        save_file({"w": torch.zeros(1000)}, partial)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["encode", "decode"])
def test_a_command_on_a_full_disk_ends_with_one_line(
    command: str, model: Path, photo: Image.Image, tmp_path: Path
) -> None:
    photo.save(tmp_path / "photo.png")
    given, wanted = tmp_path / "photo.png", tmp_path / "coded.progic"
    runner = CliRunner()
    if command == "decode":
        assert not runner.invoke(app, ["encode", str(given), str(wanted), "-m", str(model)]).exit_code
        given, wanted = wanted, tmp_path / "decoded.png"
    else:
        photo.resize((750, 500)).save(given)  # a file of more than 100 bytes
    before = sorted(tmp_path.iterdir())
    with full_after_100_bytes():
        result = runner.invoke(app, [command, str(given), str(wanted), "-m", str(model)])
    assert result.exit_code == 1
    assert result.output == f"progic: {wanted}: cannot be written: File too large\n"
    assert sorted(tmp_path.iterdir()) == before


def test_a_missing_folder_and_a_file_in_a_folders_place_are_named(tmp_path: Path) -> None:
    missing = tmp_path / "none" / "out.bin"
    with (
        pytest.raises(InputError, match=rf"{missing}: there is no folder {missing.parent}; "),
        replacing(missing),
    ):
        pass
    (tmp_path / "file").write_bytes(b"kept")
    for folder, why in ((tmp_path / "file", "File exists"), (tmp_path / "file" / "below", "Not a directory")):
        with pytest.raises(InputError, match=f"{folder}: {why}; allowed: a folder, new or not"):
            make_folder(folder)
    assert (tmp_path / "file").read_bytes() == b"kept"


def test_a_folder_is_made_where_a_link_leads_to(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "not" / "yet")
    make_folder(tmp_path / "link")
    assert (tmp_path / "not" / "yet").is_dir()


@pytest.mark.usefixtures("open_terminal")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_sigterm_and_a_closed_terminal_end_a_command_and_leave_nothing_half_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], number: signal.Signals
) -> None:
    before = signal.getsignal(number)

    @ends_well
    def command() -> None:
        with replacing(tmp_path / "out") as partial:
            partial.write_bytes(b"half")
            signal.raise_signal(number)

    with pytest.raises(typer.Exit) as caught:
        command()
    assert (caught.value.exit_code, capsys.readouterr().err) == (130, "progic: stopped\n")
    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(number) == before


def test_what_nohup_has_started_outlives_its_terminal() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        ends_well(lambda: signal.raise_signal(signal.SIGHUP))()
    finally:
        signal.signal(signal.SIGHUP, before)
