"""Workers end with the command that started them."""

import os
import subprocess
import sys
import time
from concurrent.futures import CancelledError
from pathlib import Path
from unittest.mock import MagicMock

import pytest

from satsim.errors import InputError, SatsimError
from satsim.workers import dask_workers

ABANDON = """
import os
from satsim.workers import local_workers

if __name__ == "__main__":
    with local_workers(1) as executor:
        print(executor.submit(os.getpid).result(), flush=True)
        os._exit(1)  # as if killed: nothing is cleaned up
"""


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_worker_does_not_outlive_a_killed_command(tmp_path: Path) -> None:
    script = tmp_path / "abandon.py"
    script.write_text(ABANDON, encoding="utf-8")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=240, check=False)
    worker = int(done.stdout)
    until_s = time.monotonic() + 60
    while is_there(worker):
        assert time.monotonic() < until_s, "the worker still waits"
        time.sleep(0.05)


STOP = """
import time
from satsim.ending import ends_well
from satsim.workers import local_workers

@ends_well
def command():
    with local_workers(2) as executor:
        tasks = [executor.submit(WORK, given) for given in GIVEN]
        tasks[0].result()
        print("works", flush=True)
        tasks[-1].result()

if __name__ == "__main__":
    from typer import run
    run(command)
"""


@pytest.mark.parametrize(
    ("work", "given"),
    [
        ("time.sleep", "(0, 600, 600)"),
        ("time.sleep", "(0, 600)"),  # one worker waits for work
        ("bytes", "[40_000_000] * 3000"),  # nearly always half of a result is written
    ],
)
def test_sigterm_ends_command_and_workers_in_one_line(tmp_path: Path, work: str, given: str) -> None:
    script = tmp_path / "stop.py"
    script.write_text(STOP.replace("WORK", work).replace("GIVEN", given), encoding="utf-8")
    command = [sys.executable, script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "works\n"
        process.terminate()
        try:
            _, said = process.communicate(timeout=60)  # of the 600 s that the tasks would take
        finally:
            process.kill()
    assert (process.returncode, said) == (130, "satsim: stopped\n")


PROGRAM = """
import subprocess
import sys
from satsim.ending import ends_well
from satsim.workers import local_workers

def work(file):
    program = subprocess.Popen(["sleep", "600"], start_new_session=True)
    try:
        open(file, "w").write(f"{program.pid}\\n")
        program.wait()
    finally:
        program.kill()

@ends_well
def command(file):
    with local_workers(1) as executor:
        executor.submit(work, file).result()

if __name__ == "__main__":
    command(sys.argv[1])
"""


def test_programs_that_workers_have_started_end_with_them(tmp_path: Path) -> None:
    script, started = tmp_path / "program.py", tmp_path / "started"
    script.write_text(PROGRAM, encoding="utf-8")
    with subprocess.Popen([sys.executable, script, started], stderr=subprocess.PIPE, text=True) as process:
        until_s = time.monotonic() + 120
        while not (started.exists() and started.read_text().endswith("\n")):
            assert time.monotonic() < until_s
            time.sleep(0.05)
        process.terminate()
        process.wait(timeout=60)
    until_s = time.monotonic() + 30
    while is_there(int(started.read_text())):
        assert time.monotonic() < until_s, "the program goes on"
        time.sleep(0.05)


@pytest.mark.parametrize("address", ["", "nonsense", "foo://host:1", "tcp://host", "host:99999", "tcp://:1"])
def test_what_is_no_address_of_a_scheduler_is_refused_at_once(address: str) -> None:
    with (
        pytest.raises(InputError, match=f"found {address or 'nothing'}; allowed: tcp://HOST:PORT$"),
        dask_workers(address),
    ):
        pass


class KilledWorker(Exception):
    """As distributed's."""


@pytest.mark.parametrize("lost", [KilledWorker, CancelledError])
def test_a_cluster_that_is_lost_is_one_line(lost: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    distributed = MagicMock(KilledWorker=KilledWorker)
    distributed.Client.return_value.__exit__.return_value = None  # else it takes the error for dealt with
    monkeypatch.setitem(sys.modules, "distributed", distributed)
    with (
        pytest.raises(SatsimError, match="at tcp://host:1 ended; what is done so far is kept, and the same"),
        dask_workers("tcp://host:1"),
    ):
        raise lost
