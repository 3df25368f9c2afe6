"""A sweep through kills, of itself or of a worker of a cluster: each point once, and the same table."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.satsim.conftest import work_here
from tests.satsim.tiny_sweep import command_of, swept, tiny_in

LONG = ("-g", "seed=1..5", "--runs", "500")  # points long enough for a kill to come between them


@pytest.fixture(scope="module", autouse=True)
def _no_processes() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        work_here(patch)
        yield


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return tiny_in(tmp_path)


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return swept(tiny_in(tmp_path_factory.mktemp("long")), *LONG)


def wait_for_points(folder: Path, n_points: int, process: subprocess.Popen[bytes]) -> None:
    until_s = time.monotonic() + 120
    while len(list(folder.glob("*.json"))) < n_points:
        assert process.poll() is None, "the sweep ended early"
        assert time.monotonic() < until_s, "the sweep got nowhere"
        time.sleep(0.02)


def test_a_killed_sweep_goes_on_and_does_nothing_twice(tiny: Path, long: Path) -> None:
    folder = tiny.parent / "out" / "points"
    process = subprocess.Popen(command_of(tiny, *LONG, "-j2"), start_new_session=True)
    wait_for_points(folder, 2, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    before = {path: path.stat().st_mtime_ns for path in folder.glob("*.json")}
    assert 2 <= len(before) < 5, "killed too late to tell anything"
    swept(tiny, *LONG)
    after = {path: path.stat().st_mtime_ns for path in folder.glob("*.json")}
    assert before.items() <= after.items() and len(after) == 5
    for name in ("sweep.csv", "sweep.parquet"):
        assert (folder.parent / name).read_bytes() == (long / name).read_bytes()


CLUSTER = """
import os, signal, sys, threading, time
from pathlib import Path
from distributed import LocalCluster

if __name__ == "__main__":
    from satsim.cli import app
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, memory_limit=0) as cluster:
        def kill_one():
            while not list(Path(sys.argv[1]).glob("points/*.json")):
                time.sleep(0.02)
            os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)
            print("killed one", flush=True)
        threading.Thread(target=kill_one, daemon=True).start()
        app([*sys.argv[2:], "-o", sys.argv[1], "--dask", cluster.scheduler_address], standalone_mode=False)
"""


def test_a_dask_cluster_gives_the_same_table_though_a_worker_is_killed(tiny: Path, long: Path) -> None:
    script = tiny.parent / "cluster.py"
    script.write_text(CLUSTER, encoding="utf-8")
    target = tiny.parent / "by_dask"
    command = [sys.executable, str(script), str(target), "sweep", str(tiny), *LONG, "-q"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    assert "killed one" in done.stdout
    assert (target / "sweep.csv").read_bytes() == (long / "sweep.csv").read_bytes()
    assert len(list((target / "points").glob("*.json"))) == 5
