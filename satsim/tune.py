"""`satsim tune`: every candidate for every photo, on any executor, and the means over the photos."""

import math
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import fmean

from progic.images import open_photo
from progic.weights import bundled_models, config_of, teacher_of
from satsim.codec_settings import CodecSettings
from satsim.dominance import undominated
from satsim.errors import InputError, ScenarioError
from satsim.intake import check_model_exists, check_scenario, check_windows, legible, name_in, open_album
from satsim.kept import Job, Place, Row, key_of, run_jobs
from satsim.progress import Progress
from satsim.repair_settings import NoRepair
from satsim.scenario import load_scenario
from satsim.settings import Scenario
from satsim.tune_point import TUNED, Group, run_candidates
from satsim.tune_space import (
    Candidate,
    LeftOut,
    Limits,
    Model,
    Size,
    Space,
    cost_usd,
    lateness_s,
    slot_ends_s,
    slots_within,
    space_of,
)
from satsim.units import (
    DOWNSAMPLING_FACTORS,
    HEADER_BYTES,
    USD_DIGITS,
    logged_time_s,
    rounded_up,
    stage_bytes,
)

SIDES_PX = (128, 192, 256, 384, 512)  # of the longer side; below 128 little is left of a photo
LARGEST_SHOWN_PX = 512  # where the scenario does not say how large the photo is shown
POINTS = "points"  # folder of the results kept
DEADLINE_SLOTS = 10  # where no deadline is given
LOSSY_RUNS = 200  # where the scenario does not say how many


@dataclass(frozen=True)
class Asked:
    """What a tune was asked for."""

    deadline_s: float | None = None
    budget_bytes: int | None = None
    max_cost_usd: float | None = None
    models: tuple[str, ...] = ()  # all that are bundled, and the scenario's own, if none
    sides_px: tuple[int, ...] = SIDES_PX


@dataclass(frozen=True)
class Tuning:
    """All that a search found."""

    scenario: Scenario  # at the size at which the photo is shown
    limits: Limits
    space: Space
    rows: dict[Candidate, Row]  # means over the photos
    photos: tuple[Path, ...]

    @property
    def photo_names(self) -> list[str]:
        """What each photo is called, in its folder, if there is one."""
        path = self.scenario.image.path
        folder = path if path.is_dir() else path.parent
        return [legible(name_in(folder, photo)) for photo in self.photos]


def prepare(file: Path, overrides: Sequence[str], asked: Asked) -> Tuning:
    """Read the scenario and say what there is to try, nothing of it tried yet.

    Its schemes play no part: all candidates have the scenario's sender and `codec.refine_steps`. Encoding
    that is measured is milliseconds, and counts as no time.
    Raises InputError where nothing can be sent, with what would fit.
    """
    scenario = load_scenario(file, overrides)
    if scenario.sender.encode_s is None and scenario.codec.refine_steps:
        allowed = "{encode_s: S}, the seconds that a search takes there: a tune measures none"
        raise ScenarioError(str(file), "sender", "measured", f"{allowed}; or codec.refine_steps: 0")
    photos = _photos(scenario)
    shown = scenario.image.shown or _shown(scenario, photos)
    image = scenario.image.model_copy(update={"size": shown, "shown": shown})
    sender = scenario.sender.model_copy(update={"encode_s": scenario.sender.encode_s or 0.0, "encode": None})
    runs = scenario.runs if "runs" in scenario.model_fields_set else LOSSY_RUNS
    runs = runs if scenario.seed_decides else 1
    update = {"image": image, "sender": sender, "schemes": (TUNED,), "runs": runs}
    scenario = scenario.model_copy(update=update)
    check_windows(scenario, str(file))
    limits = _limits(scenario, asked)
    if not asked.models:
        check_model_exists(scenario, str(file))
    models = _models(scenario, asked)
    space = space_of(scenario, models, _sizes(shown, asked.sides_px), limits)
    space = undominated(space, scenario, limits)
    if not space.candidates:
        raise _nothing_fits(scenario, str(file), space, limits)
    tuning = Tuning(scenario, limits, space, {}, photos)
    check_scenario(scenario_of(tuning, space.candidates[0]), str(file))
    return tuning


def search(tuning: Tuning, target: Path, executor: Executor, progress: Progress) -> Tuning:
    """Try all candidates on all photos; each result is kept in `target` as it comes, and not run again."""
    tasks = []
    groups = _groups(tuning.space.candidates)
    for photo, name in zip(tuning.photos, tuning.photo_names, strict=True):
        for group in groups:
            tasks.append(_task(tuning, photo, name, group))
    found = run_jobs(tasks, run_candidates, Place(target, POINTS, "a tune's"), executor, progress)
    by_candidate: dict[Candidate, list[Row]] = {each: [] for each in tuning.space.candidates}
    for number, rows in enumerate(found):
        for candidate, row in zip(groups[number % len(groups)], rows, strict=True):
            by_candidate[candidate].append(row)
    means = {candidate: mean_row(rows) for candidate, rows in by_candidate.items()}
    space, within = _within_limits(tuning, means)
    if not within:
        raise InputError(f"no candidate is left: {space.left_out[-1].reason}; allowed: a larger limit")
    return Tuning(tuning.scenario, tuning.limits, space, within, tuning.photos)


def scenario_of(tuning: Tuning, candidate: Candidate) -> Scenario:
    """Return the scenario that sends the photo as a candidate does, and nothing else."""
    model, size = candidate.model, candidate.size
    codec = CodecSettings(
        model=model.name,
        stages=candidate.n_stages,
        bits_per_index=model.bits_per_index,
        downsampling_factor=model.downsampling_factor,
        refine_steps=tuning.scenario.codec.refine_steps,
        refine_stagewise=tuning.scenario.codec.refine_stagewise,
    )
    image = tuning.scenario.image.model_copy(update={"size": size})
    return tuning.scenario.model_copy(update={"image": image, "codec": codec, "repair": candidate.repair})


def mean_row(rows: Sequence[Row]) -> Row:
    """Return the mean over photos of each figure, over those that have it, and of the curves."""
    means: Row = {}
    for name in rows[0]:
        if name == "curve":
            times = [time_s for time_s, _ in rows[0]["curve"]]  # the same for all: bytes decide them
            curves = zip(*([dists for _, dists in row["curve"]] for row in rows), strict=True)
            means[name] = [[time_s, fmean(each)] for time_s, each in zip(times, curves, strict=True)]
        else:
            there = [row[name] for row in rows if row[name] is not None]
            means[name] = fmean(there) if there else None
    return means


def _photos(scenario: Scenario) -> tuple[Path, ...]:
    path = scenario.image.path
    if not path.is_dir():
        return (path,)
    return tuple(photo.path for photo in open_album(scenario, path).photos.values())


def _shown(scenario: Scenario, photos: Sequence[Path]) -> Size:
    """Return the scenario's shape, as large as all photos are, up to `LARGEST_SHOWN_PX`."""
    width, height = scenario.image.size
    scale = LARGEST_SHOWN_PX / max(width, height)
    for path in photos:
        with open_photo(path) as photo:
            scale = min(scale, photo.width / width, photo.height / height)
    return round(width * scale), round(height * scale)


def _sizes(shown: Size, sides_px: Sequence[int]) -> list[Size]:
    longer = max(shown)
    sides = sorted({side for side in sides_px if side < longer} | {longer})
    return [
        (max(1, round(shown[0] * side / longer)), max(1, round(shown[1] * side / longer))) for side in sides
    ]


def _models(scenario: Scenario, asked: Asked) -> list[Model]:
    names = asked.models or tuple(dict.fromkeys([*bundled_models(), scenario.codec.model]))
    return [_model(name) for name in names]


def _model(name: str) -> Model:
    config, teacher = config_of(name), teacher_of(name)
    f, trunk = config.downsampling_factor, config.trunk
    net = trunk if trunk and config_of(trunk).downsampling_factor == f else teacher or name
    return Model(name, config.n_stages, config.bits_per_index, f, net, bool(teacher))


def _limits(scenario: Scenario, asked: Asked) -> Limits:
    link = scenario.link
    latency_s = link.latency.total_s
    late = lateness_s(scenario, range(DEADLINE_SLOTS))  # ten of a stage each
    ends_s = list(islice(slot_ends_s(scenario, late), DEADLINE_SLOTS))
    if not ends_s:
        allowed = "a window later, or a shorter sender.encode_s"
        raise InputError(f"link.windows: found none open once the photo is encoded; allowed: {allowed}")
    last_s = ends_s[-1] + latency_s + link.latency.jitter_s
    deadline_s = logged_time_s(asked.deadline_s or last_s)  # as arrivals are
    limits = Limits(deadline_s, asked.budget_bytes, asked.max_cost_usd)
    if slots_within(scenario, limits.deadline_s) < 1:
        first_s = rounded_up(logged_time_s(ends_s[0] + latency_s))
        allowed = f"at least {first_s} s, when the first message has arrived"
        raise InputError(f"--deadline: found {limits.deadline_s:.15g} s; allowed: {allowed}")
    if asked.max_cost_usd is not None and not math.isfinite(asked.max_cost_usd):
        raise InputError(f"--max-cost: found {asked.max_cost_usd:g}; allowed: US dollars, a number from 0 on")
    if asked.max_cost_usd is not None and (link.billing is None or link.billing.price_usd is None):
        raise InputError("--max-cost: found a link without a price; allowed: one with link.billing.price_usd")
    return limits


def _groups(candidates: Sequence[Candidate]) -> list[list[Candidate]]:
    groups: dict[tuple[Model, Size], list[Candidate]] = {}
    for candidate in candidates:
        groups.setdefault(candidate.group, []).append(candidate)
    return list(groups.values())


def _task(tuning: Tuning, photo: Path, name: str, group: Sequence[Candidate]) -> Job[Group]:
    most = max(group, key=lambda candidate: candidate.n_stages)
    scenario = scenario_of(tuning, most)
    scenario = scenario.model_copy(update={"image": scenario.image.model_copy(update={"path": photo})})
    plans = [f"{each.n_stages} {each.repair!r}" for each in group]
    deadline_s = tuning.limits.deadline_s
    label = f"{name}, {most.model.title} at {most.size[0]}x{most.size[1]}"
    key = key_of(scenario, more=[f"{deadline_s}", *plans])
    return Job(label, key, Group(scenario, tuple(group), deadline_s))


def _within_limits(tuning: Tuning, rows: dict[Candidate, Row]) -> tuple[Space, dict[Candidate, Row]]:
    """Leave out what breaks a limit once ARQ's repeats are counted: means over the runs."""
    budget, most_usd = tuning.limits.budget_bytes, tuning.limits.max_cost_usd
    left_out = list(tuning.space.left_out)
    within = {}
    for candidate, row in rows.items():
        reason = ""
        if budget is not None and row["bytes_on_air"] > budget:
            reason = f"{row['bytes_on_air']:.0f} bytes on the air with repeats, over the budget of {budget}"
        elif most_usd is not None and round(row["price_usd"], USD_DIGITS) > most_usd:
            reason = f"{row['price_usd']:.2f} USD with repeats, over {most_usd:.2f}"
        if reason:
            left_out.append(LeftOut(*candidate, reason))
        else:
            within[candidate] = row
    return Space(list(within), left_out), within


def _nothing_fits(scenario: Scenario, file: str, space: Space, limits: Limits) -> InputError:
    """Return what to say where not one candidate is there: the smallest one, and what would help."""
    smallest = min(
        (Candidate(each.model, each.size, 1, NoRepair(kind="none")) for each in space.left_out),
        key=lambda candidate: candidate.stage_bytes,
    )
    width, height = smallest.size
    needed = smallest.stage_bytes + HEADER_BYTES
    what = (
        f"the smallest stage there is, {smallest.model.title} at {width}x{height}, takes {needed} bytes with"
    )
    what = f"{what} its header of {HEADER_BYTES}"
    if needed > scenario.link.payload_bytes:
        allowed = ", or ".join([f"at least {needed}", *_what_would_fit(scenario, smallest)])
        return ScenarioError(
            file, "link.payload_bytes", f"{scenario.link.payload_bytes}, but {what}", allowed
        )
    if limits.budget_bytes is not None and needed > limits.budget_bytes:
        return InputError(
            f"--budget-bytes: found {limits.budget_bytes}, but {what}; allowed: at least {needed}"
        )
    least_usd = cost_usd([needed], scenario.link)
    if limits.max_cost_usd is not None and least_usd is not None and least_usd > limits.max_cost_usd:
        found = f"found {limits.max_cost_usd:g}, but a message of {needed} bytes costs {least_usd:g} USD"
        return InputError(f"--max-cost: {found}; allowed: at least {least_usd:g}")
    return InputError(f"nothing can be sent: {space.left_out[-1].reason}; allowed: larger limits")


def _what_would_fit(scenario: Scenario, smallest: Candidate) -> list[str]:
    """Return the models that would do at that size, none of which there is."""
    room = scenario.link.payload_bytes - HEADER_BYTES
    (_, size, _, _), bits = smallest, smallest.model.bits_per_index
    factors = [f for f in DOWNSAMPLING_FACTORS if stage_bytes(size, bits, f) <= room]
    widths = [n for n in range(1, bits) if stage_bytes(size, n, smallest.model.downsampling_factor) <= room]
    fits = [f"a model of L at most {widths[-1]}"] if widths else []
    return fits + ([f"a model of f at least {factors[0]}"] if factors else [])
