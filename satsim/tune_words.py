"""A tune's result as text: what is printed at the end of `satsim tune`."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from satsim.tune import Tuning
from satsim.tune_answers import TITLES, Answer, name_of
from satsim.tune_folder import CANDIDATES
from satsim.tune_plot import PNG
from satsim.wording import minutes_text


def lines_of(tuning: Tuning, answers: Sequence[Answer], target: Path) -> list[str]:
    """Return the answers in words, what was tried, and where to look."""
    limits, space = tuning.limits, tuning.space
    width, height = tuning.scenario.image.original_size
    groups = Counter(candidate.group for candidate in space.candidates)
    lines = [
        f"{len(space.candidates)} candidates of {len(groups)} models and sizes,"
        f" {len(space.left_out)} left out; scored at {width}x{height},"
        f" deadline {minutes_text(limits.deadline_s)}.",
    ]
    for answer in answers:
        lines.append("")
        if answer.candidate is None:
            lines.append(f"{TITLES[answer.goal]}: {answer.measured}.")
            continue
        first = next(each.goal for each in answers if each.candidate == answer.candidate)
        same = "" if first == answer.goal else f"the same as {TITLES[first].lower()}, "
        lines.append(f"{TITLES[answer.goal]}: {same}{name_of(answer.candidate)}. {answer.measured}.")
        lines.append(f"  Why: {answer.why}.")
        lines.append(f"  Next best: {answer.next_best}.")
        lines.append(f"  satsim run {target / answer.goal}.yaml")
    return [*lines, "", f"All candidates: {target / CANDIDATES}; the figure is {PNG} beside it."]
