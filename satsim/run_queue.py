"""Runs computed one at a time, in the order in which they were asked for, each in a folder of its own."""

import secrets
import shutil
import tempfile
import threading
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, NamedTuple, Self

from satsim.ending import exit_code
from satsim.errors import InputError
from satsim.progress import Progress
from satsim.settings import Scenario

State = Literal["waiting", "running", "done", "failed", "cancelled"]
RunScenario = Callable[[Scenario, str, Path, Progress], object]  # writes the run into the folder

MAX_WAITING = 8
MAX_RUNS = 200  # kept at once, whatever became of them; nothing is deleted to make room
OURS = "a fault of this program; its traceback is on the server's terminal"


class QueueFullError(InputError):
    """More runs than are taken at a time."""


class Status(NamedTuple):
    """How far a run is."""

    state: State
    step: str = ""
    done: float = 0.0  # 0 to 1
    error: str = ""


class _CancelledError(Exception):
    """Raised in a run to end it."""


@dataclass
class Job:
    """One run, computed or to be computed."""

    folder: Path  # the run folder, there once it is done
    scenario: Scenario | None = None  # None: a run that was there before
    file: str = ""  # what errors name
    inbox: Path | None = None  # what was sent in, for this run alone: removed when it ends
    is_stopped: bool = False
    status: Status = Status("waiting", "waiting for the runs before it")


class RunQueue:
    """A worker thread and its jobs, by random names that nobody can guess; a context manager."""

    def __init__(self, folder: Path, run_scenario: RunScenario) -> None:
        """Runs go into `folder`, one folder each."""
        self._folder, self._run_scenario = folder, run_scenario
        self._jobs: dict[str, Job] = {}
        self._waiting: deque[Job] = deque()
        self._changed = threading.Condition()
        self._is_closed = False
        self._worker = threading.Thread(target=self._work, name="satsim-runs", daemon=True)

    def __enter__(self) -> Self:
        self._worker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._is_closed = True
            for job in self._jobs.values():
                job.is_stopped = True
            self._changed.notify()
        self._worker.join()

    def submit(self, scenario: Scenario, file: str, inbox: Path | None = None) -> str:
        """Put a run at the end of the queue and return its name; raises QueueFullError."""
        name = secrets.token_urlsafe(12)
        with self._changed:
            if len(self._waiting) >= MAX_WAITING:
                raise QueueFullError(
                    f"found {MAX_WAITING} runs that wait already; allowed: to try again later"
                )
            if len(self._jobs) >= MAX_RUNS:
                allowed = "to start the server again"
                raise QueueFullError(f"found {MAX_RUNS} runs, as many as are kept; allowed: {allowed}")
            job = Job(self._folder / name, scenario, file, inbox)
            self._jobs[name] = job
            self._waiting.append(job)
            self._changed.notify()
        return name

    def adopt(self, folder: Path) -> str:
        """Name a run that is there already."""
        name = secrets.token_urlsafe(12)
        self._jobs[name] = Job(folder, status=Status("done", done=1.0))
        return name

    def find(self, name: str) -> Job | None:
        """Return the job of that name, if there is one."""
        return self._jobs.get(name)

    def cancel(self, name: str) -> None:
        """End a run that waits or is being computed, at its next step; one that has ended stays as it is."""
        with self._changed:
            job = self._jobs[name]
            job.is_stopped = True
            if job in self._waiting:
                self._waiting.remove(job)
                _end(job, Status("cancelled", error="stopped before it began"))

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._is_closed)
                if self._is_closed:
                    return
                job = self._waiting.popleft()
            _end(job, self._outcome(job))

    def _outcome(self, job: Job) -> Status:
        assert job.scenario is not None, "a run that is there is never computed"

        def progress(step: str, done: float) -> None:
            if job.is_stopped:
                raise _CancelledError
            job.status = Status("running", step, done)

        try:
            self._run_scenario(job.scenario, job.file, job.folder, progress)
        except _CancelledError:
            return Status("cancelled", error="stopped; nothing of it is kept")
        except Exception as error:
            return Status("failed", error=_told(error, job))
        return Status("done", done=1.0)


def _end(job: Job, status: Status) -> None:
    if job.inbox is not None:
        shutil.rmtree(job.inbox, ignore_errors=True)
    job.status = status


def _told(error: Exception, job: Job) -> str:
    """Return an error as a viewer reads it: without the names of the server's own folders."""
    if exit_code(error) is None:
        traceback.print_exception(error)
        return OURS
    text = str(error)
    for folder in (job.inbox, job.folder, Path(tempfile.gettempdir())):
        text = text.replace(f"{folder}/", "") if folder else text
    return text
