"""Both command lines: Ctrl-C while they import what they need, terminals that lack a sign, output lost."""

import io
import subprocess
import sys
from importlib import import_module

import pytest
import torch
import typer
from typer.testing import CliRunner

from progic.ending import print_anything


@pytest.mark.parametrize("name", ["progic", "satsim"])
def test_ctrl_c_ends_with_a_line_and_130(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(import_module(f"{name}.cli"), "main", stopped)
    with pytest.raises(SystemExit) as caught:
        import_module(f"{name}.__main__").main()
    assert (caught.value.code, capsys.readouterr().err) == (130, f"{name}: stopped\n")


@pytest.mark.parametrize("name", ["progic", "satsim"])
@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: 9\nat"),
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB\nmore"),
    ],
)
def test_memory_that_ends_is_told_in_a_line(
    name: str, error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    def command() -> None:
        raise error

    with pytest.raises(typer.Exit) as caught:
        import_module(f"{name}.ending").ends_well(command)()
    first = str(error).partition("\n")[0]
    assert (caught.value.exit_code, capsys.readouterr().err) == (1, f"{name}: out of memory: {first}\n")


@pytest.mark.parametrize("name", ["progic", "satsim"])
def test_a_fault_of_the_program_is_not_hidden(name: str) -> None:
    def command() -> None:
        raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes do not fit"):
        import_module(f"{name}.ending").ends_well(command)()


def test_what_a_terminal_lacks_is_a_question_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    print_anything()
    sys.stdout.write("5 – 7 …")
    sys.stdout.flush()
    assert written.getvalue() == b"5 ? 7 ?"


@pytest.mark.parametrize("name", ["progic", "satsim"])
def test_output_that_nobody_takes_ends_without_a_traceback(name: str) -> None:
    full = f"{name}: [Errno 28] No space left on device\n"
    for where, code, said in ((">&-", 0, ""), ("> /dev/full", 1, full)):
        line = f'exec "$0" -m {name} --help {where}'
        ended = subprocess.run(
            ["sh", "-c", line, sys.executable], capture_output=True, text=True, check=False
        )
        assert (ended.returncode, ended.stderr) == (code, said)


@pytest.mark.parametrize(
    ("line", "after"),
    [
        (["progic", "encode", "a.png", "a.progic", "--size", ""], "--size"),
        (["progic", "train", "photos", "--start="], "--start"),
        (["progic", "evaluate", ""], "evaluate"),
        (["satsim", "send", "a.png", "--files", ""], "--files"),
        (["satsim", "weights", "fetch", "--from", ""], "--from"),
    ],
)
def test_an_empty_argument_is_refused(line: list[str], after: str) -> None:
    """As a variable that is not set leaves it; pathlib would take it for the folder one is in."""
    ended = CliRunner().invoke(import_module(f"{line[0]}.cli").app, line[1:])
    assert (ended.exit_code, f"after {after}: found nothing; allowed: no empty" in ended.stderr) == (2, True)


@pytest.mark.parametrize(
    ("program", "unwanted"),
    [
        ("progic", {"torch._dynamo", "matplotlib", "scipy.interpolate"}),
        ("satsim", {"torch", "matplotlib"}),
    ],
)
def test_a_command_waits_for_no_library_of_another(program: str, unwanted: set[str]) -> None:
    code = f"import sys, {program}.cli; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not unwanted & set(loaded.split())


def help_of(program: str, command: str, columns: int) -> str:
    app = import_module(f"{program}.cli").app
    return CliRunner(env={"COLUMNS": str(columns)}).invoke(app, [command, "--help"]).stdout


@pytest.mark.parametrize(
    ("program", "command", "words"),
    [
        ("progic", "analyse", "findings.md too, and goes on where it was stopped"),
        ("satsim", "tune", "against the photo at the size at which it is shown"),
        ("satsim", "receive", "packets.csv in the folder, with what became of it (stages counted from 0,"),
    ],
)
def test_help_is_folded_where_the_terminal_ends(program: str, command: str, words: str) -> None:
    """Typer breaks all paragraphs but the first where the source does."""
    assert words in help_of(program, command, 200)


@pytest.mark.parametrize("program", ["progic", "satsim"])
def test_completion_can_be_installed(program: str) -> None:
    assert "--install-completion" in help_of(program, "--help", 80)


@pytest.mark.parametrize("program", ["progic", "satsim"])
def test_help_is_whole_on_a_terminal_of_80_columns(program: str) -> None:
    """A list without spaces is cut there, with an ellipsis, and cannot be copied."""
    commands = typer.main.get_group(import_module(f"{program}.cli").app).commands
    assert [name for name in commands if "…" in help_of(program, name, 80)] == []
