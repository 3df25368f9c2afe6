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
