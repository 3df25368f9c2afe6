"""What a training run tells of itself: a CSV row a step, and a progress bar or lines."""

import csv
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor

from progic.errors import ProgicError
from progic.locking import training_alone
from progic.replacing import replacing

LINE_EVERY_STEPS = 10


class Terms(NamedTuple):
    """Values of one step."""

    loss: Tensor
    l1: Tensor
    lpips: Tensor
    dists: Tensor
    commitment: Tensor
    codes_used: float  # distinct codes in the batch, mean over stages
    adversarial: Tensor | float = 0.0  # what the discriminator makes of the pictures
    discriminator: Tensor | float = 0.0  # its own loss
    imitation: Tensor | float = 0.0  # how far a taught decoder's maps are from its teacher's
    blockiness: Tensor | float = 0.0  # of the pictures
    checkerboard: Tensor | float = 0.0

    def values(self) -> tuple[float, ...]:
        """Plain numbers, in the log's order."""
        return tuple(float(torch.as_tensor(term).detach()) for term in self)

    def __str__(self) -> str:
        _, l1, lpips, dists, _, used, _, _, maps, *_ = self.values()
        seen = f"maps {maps:.3f}" if maps else f"LPIPS' {lpips:.3f}  DISTS {dists:.3f}"
        return f"L1 {l1:.4f}  {seen}  codes {used:.0f}"


COLUMNS = ("step", "elapsed_s", "learning_rate", *Terms._fields)


@contextmanager
def csv_log(path: Path, done: int = 0) -> Iterator[Callable[[int, float, float, Terms], None]]:
    """Yield what appends a row of `COLUMNS`: step, seconds, learning rate, terms; `done` steps stay.

    Seconds are of this run; those of the steps that stay are added to them.

    Raises ProgicError naming the file where it is of something else, or a row cannot be written, and where
    another training writes into the folder.
    """
    try:
        with training_alone(path.parent):
            columns, before_s = _kept(path, done)
            with path.open("a", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, columns, extrasaction="ignore")
                if not file.tell():
                    writer.writeheader()

                def write(step: int, elapsed_s: float, learning_rate: float, terms: Terms) -> None:
                    values = [f"{value:.5g}" for value in (learning_rate, *terms.values())]
                    row = (str(step), f"{before_s + elapsed_s:.1f}", *values)
                    writer.writerow(dict(zip(COLUMNS, row, strict=True)))
                    file.flush()

                yield write
    except OSError as error:
        if error.filename not in {None, str(path), path}:
            raise  # of another file
        raise ProgicError(f"{path}: cannot be written: {error.strerror or error}") from None


def _kept(path: Path, done: int) -> tuple[list[str], float]:
    """Leave in a log the first `done` steps: a run that was killed wrote more, and they are taken again.

    Return its columns, which are fewer where an earlier version began it, and the seconds that they took.
    """
    if not path.exists() or not path.stat().st_size:
        return list(COLUMNS), 0.0
    try:
        with path.open(newline="", encoding="utf-8", errors="replace") as file:
            reader = csv.DictReader(file)
            columns, rows = list(reader.fieldnames or ()), list(reader)
    except csv.Error as error:
        raise ProgicError(f"{path}: {error}, which no training wrote; allowed: another -o DIR") from None
    if "step" not in columns or not set(columns) <= set(COLUMNS):
        found = f"found columns {','.join(columns)[:80]}"
        raise ProgicError(f"{path}: {found}, which no training wrote; allowed: another -o DIR")
    whole = [row for row in rows if None not in row.values()]  # a full disk may cut the last in its step
    kept = [row for row in whole if row["step"].isdecimal() and int(row["step"]) <= done]
    if len(kept) < len(rows):
        with replacing(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(kept)
    return columns, _seconds(kept[-1]) if kept else 0.0


def _seconds(row: dict[str, str]) -> float:
    with suppress(KeyError, TypeError, ValueError):  # a row that someone else wrote
        return float(row["elapsed_s"])
    return 0.0


class Display:
    """A progress bar with the time left where the console is a terminal; elsewhere lines."""

    def __init__(self, console: Console, done: int, total: int) -> None:
        """`done` and `total` are steps."""
        self._console, self._first, self._total = console, done, total
        self._began = time.monotonic()
        columns = (MofNCompleteColumn(), BarColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
        self._bar = Progress(*columns, console=console, disable=not console.is_terminal)
        self._task = self._bar.add_task("", completed=done, total=total)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def step(self, step: int, terms: Terms) -> None:
        """Show that `step` steps are done."""
        if self._console.is_terminal:
            self._bar.update(self._task, completed=step, description=str(terms))
        elif step % LINE_EVERY_STEPS == 0:
            left_s = (time.monotonic() - self._began) / (step - self._first) * (self._total - step)
            self.say(f"step {step}/{self._total}  {terms}  {left_s / 60:.0f} min left")

    def say(self, line: str) -> None:
        """Print a line that stays."""
        self._console.print(line, highlight=False, soft_wrap=True)
