"""Every point of a grid, each a scenario of its own, on any executor; what is done is kept as it comes.

A point's result stands in `points/` under a digest of all that decides it, so a sweep goes on where it was
stopped, and a larger grid in the same folder runs what is new alone.
"""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Executor, as_completed
from contextlib import suppress
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

from progic.weights import bundled_models, expected_sha256
from satsim.errors import InputError, RunFolderError, SatsimError
from satsim.grid import Point
from satsim.intake import check_scenario
from satsim.loss_settings import TraceLoss
from satsim.manifest import installed_versions
from satsim.scenario import Scenario, dump_scenario, load_scenario
from satsim.sweep_point import Failure, Row, run_point

POINTS = "points"
KEY_DIGITS = 32
GO_ON = "the points done so far are kept, and the same command goes on from there"

Progress = Callable[[str, float], None]


class Task(NamedTuple):
    """Work on one scenario, done alone in a process of its own; `key` names its result's file."""

    label: str  # what an error is told with
    scenario: Scenario
    work: Callable[[], list[Row] | Failure]
    key: str


def tasks_of(file: Path, overrides: Sequence[str], points: Sequence[Point]) -> list[Task]:
    """Load and check every point's scenario, before any is run; raises as `load_scenario` does."""
    tasks = []
    for point in points:
        scenario = load_scenario(file, [*overrides, *point.overrides])
        check_scenario(scenario, ", ".join([str(file), *point.overrides]))
        tasks.append(
            Task(", ".join(point.overrides), scenario, partial(run_point, scenario), key_of(scenario))
        )
    return tasks


def run_tasks(tasks: Sequence[Task], target: Path, executor: Executor, progress: Progress) -> list[list[Row]]:
    """Run what `target` does not hold yet and return each task's rows, one a scheme.

    Each result is written as it comes, whole or not at all. Raises the first point's error; those done stay.
    """
    folder = _points_folder(target)
    known = {key: rows for key in {task.key for task in tasks} if (rows := _kept(folder, key)) is not None}
    todo = {task.key: task for task in tasks if task.key not in known}
    progress("points", len(known) / (len(known) + len(todo)))
    futures = {executor.submit(task.work): task for task in todo.values()}
    try:
        for future in as_completed(futures):
            task = futures[future]
            known[task.key] = _result(task, future.result())
            _keep(folder, task.key, known[task.key])
            progress("points", len(known) / (len(known) + len(todo)))
    except BrokenExecutor as error:
        raise SatsimError(f"a worker process has died, perhaps for want of memory; {GO_ON}") from error
    finally:
        for future in futures:
            future.cancel()
        with suppress(OSError):  # unless something is in there
            folder.rmdir()
            target.rmdir()
    return [known[task.key] for task in tasks]


def _result(task: Task, result: list[Row] | Failure) -> list[Row]:
    if isinstance(result, Failure):
        message = f"{task.label}: {result.message}"
        raise InputError(message) if result.exit_code == InputError.exit_code else SatsimError(message)
    return result


def _points_folder(target: Path) -> Path:
    folder = target / POINTS
    if target.exists() and not folder.is_dir() and (not target.is_dir() or any(target.iterdir())):
        raise RunFolderError(
            f"{target}: found something else; allowed: a new or empty folder, or one with points"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunFolderError(f"{target}: cannot be written: {error.strerror}") from None
    return folder


def _kept(folder: Path, key: str) -> list[Row] | None:
    try:
        rows = json.loads((folder / f"{key}.json").read_bytes())
    except (OSError, ValueError):
        return None
    return rows if isinstance(rows, list) and all(isinstance(row, dict) for row in rows) else None


def _keep(folder: Path, key: str, rows: Sequence[Row]) -> None:
    draft = folder / f".{key}.{os.getpid()}"
    draft.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    draft.replace(folder / f"{key}.json")


def key_of(scenario: Scenario, *more: str) -> str:
    """Return a digest of the scenario, of the files that it names, of `more`, and of the program."""
    model = scenario.codec.model
    weights = _sha256(Path(model)) if Path(model).is_file() else _bundled_sha256(model)
    files = [scenario.image.path]
    files += [scenario.link.loss.path] if isinstance(scenario.link.loss, TraceLoss) else []
    parts = [dump_scenario(scenario), weights, *map(_sha256, files), installed_versions(), *more]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:KEY_DIGITS]


def _bundled_sha256(model: str) -> str | None:
    return expected_sha256(model) if model in bundled_models() else None


@lru_cache(maxsize=1024)
def _sha256(path: Path) -> str | None:
    """Return the digest of a file, or of all files of a folder; None of what cannot be read."""
    if path.is_dir():
        digests = {each.name: _sha256(each) for each in sorted(path.iterdir()) if each.is_file()}
        return hashlib.sha256(json.dumps(digests).encode()).hexdigest()
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
