"""Workers end with the command that started them."""

import os
import subprocess
import sys
import time
from pathlib import Path

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
        tasks = [executor.submit(time.sleep, seconds) for seconds in (0, 600, 600)]
        tasks[0].result()
        print("works", flush=True)
        tasks[1].result()

if __name__ == "__main__":
    from typer import run
    run(command)
"""


def test_sigterm_ends_command_and_workers_in_one_line(tmp_path: Path) -> None:
    script = tmp_path / "stop.py"
    script.write_text(STOP, encoding="utf-8")
    command = [sys.executable, script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "works\n"
        process.terminate()
        _, said = process.communicate(timeout=60)  # of the 600 s that the tasks would take
    assert (process.returncode, said) == (130, "satsim: stopped\n")
