"""What `satsim tune` writes: tables, its answers, and each answer as a scenario that runs as it is."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any

from satsim.csv_file import json_text, write_csv
from satsim.scenario import dump_scenario
from satsim.tune import Tuning, scenario_of
from satsim.tune_answers import TITLES, Answer, FrontPoint, name_of
from satsim.tune_space import Candidate, LeftOut, stages_a_message
from satsim.wording import repair_text

CANDIDATES, FRONT, ANSWERS = "candidates.csv", "front.csv", "tune.json"
PLAN = ("model", "width", "height", "stages", "stage_bytes", "stages_a_message", "repair")
MEASURED = (
    *("share_shown", "share_usable", "t_first_s", "t_usable_s", "dists_usable", "dists_deadline"),
    *("messages", "bytes_on_air", "units", "price_usd"),
)
COMMENT_WIDTH = 108


def write_tuning(
    target: Path, tuning: Tuning, answers: Sequence[Answer], front: Sequence[FrontPoint]
) -> None:
    """Write candidates.csv, front.csv, tune.json, and usable.yaml, deadline.yaml and cheapest.yaml."""
    write_csv(target / CANDIDATES, [*PLAN, *MEASURED, "on_front", "left_out"], _lines(tuning, front))
    points = [[point.time_s, point.dists, *_plan(tuning, point.candidate)] for point in front]
    write_csv(target / FRONT, ["time_s", "dists", *PLAN], points)
    content = json_text(record_of(tuning, answers, front))
    (target / ANSWERS).write_text(content + "\n", encoding="utf-8")
    for answer in answers:
        if answer.candidate is not None:
            text = _scenario_text(tuning, answer, answer.candidate)
            (target / f"{answer.goal}.yaml").write_text(text, encoding="utf-8")


def remove_former(target: Path, answers: Sequence[Answer]) -> None:
    """Remove what an earlier tune in the same folder found and this one does not."""
    for answer in answers:
        if answer.candidate is None:
            (target / f"{answer.goal}.yaml").unlink(missing_ok=True)


def record_of(tuning: Tuning, answers: Sequence[Answer], front: Sequence[FrontPoint]) -> dict[str, Any]:
    """Return what tune.json holds: the question, the answers and the front."""
    scenario, limits, space = tuning.scenario, tuning.limits, tuning.space
    some = next(iter(tuning.rows.values()))
    return {
        "scenario": scenario.name,
        "photos": tuning.photo_names,
        "shown": list(scenario.image.original_size),
        "seed": scenario.seed,
        "runs": scenario.runs,
        **limits._asdict(),
        "usable_dists": some["usable_dists"],
        "detail_dists": some["detail_dists"],
        "tried": len(space.candidates),
        "left_out": len(space.left_out),
        "answers": {answer.goal: _answer_record(tuning, answer) for answer in answers},
        "front": [
            {"time_s": point.time_s, "dists": point.dists, **_plan_record(tuning, point.candidate)}
            for point in front
        ],
    }


def _answer_record(tuning: Tuning, answer: Answer) -> dict[str, Any]:
    words = {"measured": answer.measured, "why": answer.why, "next_best": answer.next_best}
    if answer.candidate is None:
        return {"candidate": None, **words}
    row = tuning.rows[answer.candidate]
    figures = {name: row[name] for name in MEASURED}
    return {"candidate": _plan_record(tuning, answer.candidate), **figures, **words}


def _scenario_text(tuning: Tuning, answer: Answer, candidate: Candidate) -> str:
    name = f"{tuning.scenario.name[:50]}_{answer.goal}"
    scenario = scenario_of(tuning, candidate).model_copy(update={"name": name})
    why = f"{TITLES[answer.goal]}: {name_of(candidate)}. {answer.measured}. Why: {answer.why}."
    comment = "".join(f"# {line}\n" for line in wrap(why, COMMENT_WIDTH))
    return comment + dump_scenario(scenario)


def _lines(tuning: Tuning, front: Sequence[FrontPoint]) -> Iterator[list[Any]]:
    on_front = {point.candidate for point in front}
    for candidate, row in tuning.rows.items():
        figures = [row[name] for name in MEASURED]
        yield [*_plan(tuning, candidate), *figures, candidate in on_front, None]
    for each in tuning.space.left_out:
        yield [*_plan(tuning, each), *(None for _ in MEASURED), None, each.reason]


def _plan(tuning: Tuning, each: Candidate | LeftOut) -> list[Any]:
    one = Candidate(each.model, each.size, 1, tuning.scenario.repair).stage_bytes
    per_message = stages_a_message(one, tuning.scenario.link.payload_bytes)
    repair = None if each.repair is None else repair_text(each.repair)
    return [each.model.name, *each.size, each.n_stages, one, per_message, repair]


def _plan_record(tuning: Tuning, candidate: Candidate) -> dict[str, Any]:
    return dict(zip(PLAN, _plan(tuning, candidate), strict=True))
