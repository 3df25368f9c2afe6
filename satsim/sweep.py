"""Every point of a grid, each a scenario of its own, on any executor; what is done is kept as it comes.

A larger grid in the same folder runs what is new alone (satsim.kept).
"""

from collections.abc import Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import NamedTuple

from satsim.complaints import cut
from satsim.errors import ScenarioError
from satsim.grid import Point
from satsim.intake import check_scenario, open_album
from satsim.kept import Job, Place, Row, key_of, run_jobs
from satsim.manifest import SkippedPhoto
from satsim.progress import Progress
from satsim.scenario import load_scenario, naming_sources
from satsim.settings import Scenario
from satsim.sweep_point import run_point

POINTS = "points"

Task = Job[Scenario]


class Plan(NamedTuple):
    """What of a grid is run."""

    points: tuple[Point, ...]
    tasks: tuple[Task, ...]  # one a point
    left_out: tuple[ScenarioError, ...]  # one for each point that cannot be run


def plan_of(file: Path, overrides: Sequence[str], points: Sequence[Point], *, keep_going: bool) -> Plan:
    """Load and check every point's scenario, before any is run.

    Raises as `load_scenario` does for the first point that cannot be run; with `keep_going` only if none can.
    """
    tasks, left_out = {}, []
    for point in points:
        try:
            tasks[point] = _task(file, overrides, point)
        except ScenarioError as error:
            if not keep_going:
                raise
            left_out.append(error)
    if not tasks:
        raise left_out[0]
    return Plan(tuple(tasks), tuple(tasks.values()), tuple(left_out))


def _task(file: Path, overrides: Sequence[str], point: Point) -> Task:
    label, overrides = ", ".join(point.overrides), [*overrides, *point.overrides]
    scenario = load_scenario(file, overrides)
    try:
        with naming_sources(file, overrides):
            check_scenario(scenario, str(file))
    except ScenarioError as error:
        if error.file in (f"override {cut(each)}" for each in point.overrides):
            raise
        where = f"{error.file} (at {label})"  # whose keys may be what this one does not go with
        raise ScenarioError(where, error.key, error.found, error.allowed, error.others) from None
    return Task(label, key_of(scenario), scenario)


def skipped_of(tasks: Sequence[Task]) -> list[SkippedPhoto]:
    """Return the files that cannot be used of the folders sent; raises progic's ImageError where none can."""
    scenarios = {task.given.image.path: task.given for task in tasks}
    albums = [open_album(scenario, path) for path, scenario in scenarios.items() if path.is_dir()]
    return [skipped for album in albums for skipped in album.skipped]


def run_tasks(tasks: Sequence[Task], target: Path, executor: Executor, progress: Progress) -> list[list[Row]]:
    """Run what `target` does not hold yet and return each task's rows, one a scheme; raises as `run_jobs`."""
    return run_jobs(tasks, run_point, Place(target, POINTS, "a sweep's"), executor, progress)
