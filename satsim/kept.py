"""Results that are kept as they come: jobs in any number of processes, stopped and gone on with.

A job's result stands in a folder under a digest of all that decides it, so what is done is never done again.
"""

import hashlib
import json
import os
import shlex
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Executor, as_completed
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from progic.weights import bundled_models, expected_sha256
from satsim.ending import exit_code
from satsim.errors import InputError, RunFolderError, SatsimError
from satsim.loss_settings import TraceLoss
from satsim.manifest import installed_versions
from satsim.progress import Progress
from satsim.scenario import dump_scenario
from satsim.settings import Scenario

KEY_DIGITS = 32

Row = dict[str, Any]  # plain data, as JSON has it
Input = TypeVar("Input")


class Failure(NamedTuple):
    """Why a job could not be done: errors themselves do not travel between processes."""

    message: str
    exit_code: int


class Job(NamedTuple, Generic[Input]):
    """What a worker is given; `key` names its result's file, `label` says in a message which job it is."""

    label: str
    key: str
    given: Input


class Place(NamedTuple):
    """Where results are kept: `target`/`name`, in a folder that is `owner`, such as "a sweep's"."""

    target: Path
    name: str
    owner: str


def run_jobs(
    jobs: Sequence[Job[Input]],
    work: Callable[[Input], list[Row]],
    place: Place,
    executor: Executor,
    progress: Progress,
) -> list[list[Row]]:
    """Do what `place` does not hold yet and return each job's rows.

    Each result is written as it comes, whole or not at all. Raises the first job's error; those done stay.
    """
    folder = place.target / place.name
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    _make(folder, place)
    known = {key: rows for key in {job.key for job in jobs} if (rows := _kept(folder, key)) is not None}
    todo = {job.key: job for job in jobs if job.key not in known}
    progress(place.name, len(known) / (len(known) + len(todo)))
    futures = {executor.submit(attempt, work, job.given): job for job in todo.values()}
    try:
        for future in as_completed(futures):
            job = futures[future]
            known[job.key] = _result(job, future.result())
            _keep(folder, job.key, known[job.key])
            progress(place.name, len(known) / (len(known) + len(todo)))
    except BrokenExecutor as error:
        go_on = f"the {place.name} done so far are kept, and the same command goes on from there"
        raise SatsimError(f"a worker process has died, perhaps for want of memory; {go_on}") from error
    finally:  # what is not begun yet is the executor's to cancel, or ended workers would be failed twice
        with suppress(OSError):  # unless something is in there
            for each in made:
                each.rmdir()
    return [known[job.key] for job in jobs]


def attempt(work: Callable[[Input], list[Row]], given: Input) -> list[Row] | Failure:
    """Do one job, in a worker; an expected error becomes a Failure."""
    try:
        return work(given)
    except Exception as error:
        code = exit_code(error)
        if code is None:
            raise
        return Failure(str(error), code)


def key_of(*scenarios: Scenario, more: Sequence[str] = ()) -> str:
    """Return a digest of the scenarios, of the files that they name, of `more`, and of the program."""
    parts = [part for scenario in scenarios for part in _parts(scenario)]
    return hashlib.sha256(json.dumps([*parts, installed_versions(), *more]).encode()).hexdigest()[:KEY_DIGITS]


def _parts(scenario: Scenario) -> list[str | None]:
    model = scenario.codec.model
    weights = _sha256(Path(model)) if Path(model).is_file() else _bundled_sha256(model)
    files = [scenario.image.path]
    files += [scenario.link.loss.path] if isinstance(scenario.link.loss, TraceLoss) else []
    return [dump_scenario(scenario), weights, *map(_sha256, files), *_programs(scenario)]


def _programs(scenario: Scenario) -> list[str | None]:
    """Return the words of all commands as they are run, and the digests of those that are files."""
    commands = [scheme.command for scheme in scenario.schemes if scheme.command is not None]
    lines = [line for command in commands for line in (command.encode, command.decode)]
    words = [os.path.expandvars(word) for line in lines for word in shlex.split(line)]
    paths = [Path(shutil.which(word) or word) for word in words]
    return [*words, *(_sha256(path) if path.is_file() else None for path in paths)]


def _bundled_sha256(model: str) -> str | None:
    return expected_sha256(model) if model in bundled_models() else None


@lru_cache(maxsize=1024)
def _sha256(path: Path) -> str | None:
    """Return the digest of a file, or of all files in a folder and below; None of what cannot be read."""
    if path.is_dir():
        files = [each for each in sorted(path.rglob("*")) if each.is_file()]
        digests = {each.relative_to(path).as_posix(): _sha256(each) for each in files}
        return hashlib.sha256(json.dumps(digests).encode()).hexdigest()
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _result(job: Job[Input], result: list[Row] | Failure) -> list[Row]:
    if isinstance(result, Failure):
        message = f"{job.label}: {result.message}"
        raise InputError(message) if result.exit_code == InputError.exit_code else SatsimError(message)
    return result


def _make(folder: Path, place: Place) -> None:
    target = place.target
    if target.exists() and not folder.is_dir() and (not target.is_dir() or any(target.iterdir())):
        allowed = f"a new or empty folder, or {place.owner}"
        raise RunFolderError(f"{target}: found something else; allowed: {allowed}")
    try:
        Path(os.path.realpath(folder)).mkdir(parents=True, exist_ok=True)  # what a link leads to
    except OSError as error:
        raise RunFolderError(f"{target}: cannot be written: {error.strerror}") from None


def _kept(folder: Path, key: str) -> list[Row] | None:
    """Return the rows of a file as `_keep` wrote it; None of any other, whose rows could be of anything."""
    try:
        kept = json.loads((folder / f"{key}.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    rows: list[Row] | None = kept.get("rows") if isinstance(kept, dict) else None
    return rows if kept == _sealed(key, rows) else None


def _sealed(key: str, rows: Sequence[Row] | None) -> dict[str, Any]:
    """Return rows and the digest that tells whether they are still those of the job."""
    return {"sha256": hashlib.sha256(json.dumps([key, rows]).encode()).hexdigest(), "rows": rows}


def _keep(folder: Path, key: str, rows: Sequence[Row]) -> None:
    draft = folder / f".{key}.{os.getpid()}"  # another process may be at the same
    try:
        draft.write_text(json.dumps(_sealed(key, rows)), encoding="utf-8")
        draft.replace(folder / f"{key}.json")
    except OSError as error:
        raise SatsimError(f"{folder}: cannot be written: {error.strerror}") from None
    finally:
        draft.unlink(missing_ok=True)
