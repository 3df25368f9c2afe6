"""One run at a time, in order; what is stopped or fails is named and leaves nothing behind."""

import errno
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from satsim.errors import InputError
from satsim.progress import Progress
from satsim.run_queue import MAX_WAITING, OURS, QueueFullError, RunQueue, State, Status
from satsim.scenario import load_scenario
from satsim.settings import Scenario

Work = Callable[[Progress], None]


class Bench:
    """A queue whose runs do what the test tells them, in order."""

    def __init__(self, folder: Path, scenario: Scenario) -> None:
        self.folder, self.scenario = folder, scenario
        self.works: list[Work] = []
        self.done: list[str] = []
        self.gate = threading.Event()  # a run that waits goes on
        self.is_there = threading.Event()  # a run waits
        self.queue = RunQueue(folder / "runs", self._run)

    def _run(self, scenario: Scenario, file: str, target: Path, progress: Progress) -> None:
        progress("begins", 0.0)
        self.works.pop(0)(progress)
        self.done.append(target.name)

    def wait(self, progress: Progress) -> None:
        self.is_there.set()
        assert self.gate.wait(10)
        progress("goes on", 0.5)

    def submit(self, work: Work, inbox: Path | None = None) -> str:
        self.works.append(work)
        return self.queue.submit(self.scenario, "file", inbox)

    def ended(self, name: str) -> Status:
        job = self.queue.find(name)
        assert job is not None
        for _ in range(1000):
            if job.status.state not in ("waiting", "running"):
                break
            threading.Event().wait(0.01)
        return job.status

    def state(self, name: str) -> State:
        job = self.queue.find(name)
        assert job is not None
        return job.status.state


@pytest.fixture
def bench(tmp_path: Path, toy_scenario: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path, load_scenario(toy_scenario))
    with bench.queue:
        yield bench
        bench.gate.set()


def nothing(progress: Progress) -> None:
    pass


def fails(error: Exception) -> Work:
    def work(progress: Progress) -> None:
        raise error

    return work


def test_runs_wait_for_each_other_and_keep_their_order(bench: Bench) -> None:
    names = [bench.submit(work) for work in (bench.wait, nothing, nothing)]
    assert bench.is_there.wait(10)
    assert [bench.state(name) for name in names] == ["running", "waiting", "waiting"]
    bench.gate.set()
    assert [bench.ended(name) for name in names] == [Status("done", done=1.0)] * 3
    assert bench.done == names


def test_a_run_is_stopped_at_its_next_step_and_one_that_waits_at_once(bench: Bench, tmp_path: Path) -> None:
    inboxes = [tmp_path / "first", tmp_path / "second"]
    for inbox in inboxes:
        inbox.mkdir()
        (inbox / "photo").write_bytes(b"x")
    first, second = (bench.submit(bench.wait, inbox) for inbox in inboxes)
    assert bench.is_there.wait(10)
    bench.queue.cancel(second)
    assert bench.state(second) == "cancelled"
    bench.queue.cancel(first)
    bench.gate.set()
    assert bench.ended(first).state == "cancelled"
    assert bench.done == []
    assert not any(inbox.exists() for inbox in inboxes)


def test_a_full_disk_is_named_and_the_next_run_goes_on(bench: Bench) -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    first, second = bench.submit(fails(full)), bench.submit(nothing)
    assert bench.ended(first) == Status("failed", error="[Errno 28] No space left on device")
    assert bench.ended(second).state == "done"


def test_errors_do_not_show_where_the_server_keeps_things(bench: Bench, tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    name = bench.submit(fails(InputError(f"{inbox}/photo: found a cut file")), inbox)
    assert bench.ended(name).error == "photo: found a cut file"


def test_a_fault_of_ours_goes_to_the_terminal(bench: Bench, capfd: pytest.CaptureFixture[str]) -> None:
    assert bench.ended(bench.submit(fails(ZeroDivisionError("secret")))).error == OURS
    assert "ZeroDivisionError: secret" in capfd.readouterr().err


def test_a_full_queue_takes_no_more(bench: Bench) -> None:
    bench.submit(bench.wait)
    assert bench.is_there.wait(10)
    for _ in range(MAX_WAITING):
        bench.submit(nothing)
    with pytest.raises(QueueFullError, match="found 8 runs that wait"):
        bench.submit(nothing)


def test_more_runs_than_are_kept_are_not_taken(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("satsim.run_queue.MAX_RUNS", 2)
    names = [bench.submit(nothing) for _ in range(2)]
    assert [bench.ended(name).state for name in names] == ["done", "done"]
    with pytest.raises(QueueFullError, match="found 2 runs, as many as are kept"):
        bench.submit(nothing)


def test_closing_ends_the_run_at_its_next_step_and_begins_no_other(bench: Bench) -> None:
    first, second = bench.submit(bench.wait), bench.submit(nothing)
    assert bench.is_there.wait(10)
    closing = threading.Thread(target=bench.queue.__exit__, args=(None, None, None))
    closing.start()
    job = bench.queue.find(second)
    assert job is not None
    while not job.is_stopped and closing.is_alive():
        threading.Event().wait(0.01)
    bench.gate.set()
    closing.join(10)
    assert (bench.state(first), bench.state(second)) == ("cancelled", "waiting")
    assert bench.done == []


def test_names_cannot_be_guessed(bench: Bench, tmp_path: Path) -> None:
    names = {bench.queue.adopt(tmp_path) for _ in range(100)}
    assert len(names) == 100
    assert all(len(name) == 16 for name in names)  # 96 random bits
