"""Who is compared with whom, over which photos: scenarios that can be compared, and their schemes by name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from satsim.complaints import nearest, shown
from satsim.errors import InputError, ScenarioError
from satsim.intake import check_scenario, legible, load_parts, name_in, open_album, open_for, photo_seed
from satsim.kept import Job, key_of
from satsim.manifest import SkippedPhoto
from satsim.scenario import load_scenario, naming_sources
from satsim.settings import Metric, Scenario
from satsim.wording import scheme_label, shown_metric

MUST_AGREE: dict[str, Callable[[Scenario], Any]] = {  # else a DISTS or a mark would mean two things
    "image.path": lambda scenario: str(scenario.image.path.resolve()),
    "image.shown": lambda scenario: list(scenario.image.original_size),  # sent at any size
    "image.fit": lambda scenario: scenario.image.fit,
    "metrics": lambda scenario: sorted(scenario.metrics),
    "usable": lambda scenario: scenario.usable.model_dump(exclude_none=True),
    "detail": lambda scenario: scenario.detail.model_dump(exclude_none=True),
    "runs": lambda scenario: scenario.runs,
    "seed": lambda scenario: scenario.seed,  # all meet the same losses
}


class Competitor(NamedTuple):
    """A scheme of a scenario; `name` is `scenario/scheme`, or as much of it as tells it from the others."""

    name: str
    scenario: str
    scheme: str

    @property
    def label(self) -> str:
        """What people call it."""
        scenario, slash, scheme = self.name.rpartition("/")
        return f"{scenario} / {scheme_label(scheme)}" if slash else scheme_label(self.name)


@dataclass(frozen=True)
class Contest:
    """Scenarios with the schemes that are compared alone, and these as competitors in the same order."""

    scenarios: tuple[Scenario, ...]
    competitors: tuple[Competitor, ...]
    anchor: int  # the place of the competitor that the others are measured against

    @property
    def metric(self) -> Metric:
        """By which pictures are compared: DISTS, or the first metric where it is not measured."""
        return shown_metric(self.scenarios[0].metrics)


class Photos(NamedTuple):
    """A job for each photo, labelled with its name, and the files of the folder that are none."""

    jobs: list[Job[tuple[Scenario, ...]]]
    skipped: tuple[SkippedPhoto, ...]


def load_contest(
    files: Sequence[Path], overrides: Sequence[str], schemes: Sequence[str], anchor: str | None
) -> Contest:
    """Load and check the scenarios, each with `overrides`; of their schemes those named, all if none is.

    The anchor is the first competitor if it is not named. Raises InputErrors: for what `load_scenario`
    refuses, scenarios that cannot be compared, and unknown names.
    """
    scenarios = [load_scenario(file, overrides) for file in files]
    for scenario, file in zip(scenarios, files, strict=True):
        with naming_sources(file, overrides):
            check_scenario(scenario, str(file))
            _check_one_handset(scenario, str(file))
            _check_comparable(scenario, str(file), scenarios[0], str(files[0]))
    names = [scenario.name for scenario in scenarios]
    twice = next((place for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        raise ScenarioError(
            str(files[twice]), "name", shown(names[twice]), "a name of its own for each scenario"
        )
    chosen = [_with_schemes(scenario, schemes) for scenario in scenarios] if schemes else scenarios
    _check_named(scenarios, schemes)
    kept = tuple(scenario for scenario in chosen if scenario.schemes)
    competitors = _competitors(kept)
    return Contest(kept, competitors, _place_of(anchor, competitors))


def open_photos(contest: Contest) -> Photos:
    """Read the photo, or each photo of the folder, and the models; raises progic's InputErrors.

    Of a folder each photo meets losses of its own: its seed comes from the scenario's and the photo's name.
    """
    for scenario in contest.scenarios:
        load_parts(scenario)  # what is wrong with a model is said before anything is sent
    first = contest.scenarios[0]
    path = first.image.path
    if not path.is_dir():
        open_for(first, path)
        return Photos([_job(contest, path)], ())
    album = open_album(first, path)
    jobs = [_job(contest, photo.path, path) for photo in album.photos.values()]
    return Photos(jobs, album.skipped)


def _job(contest: Contest, photo: Path, folder: Path | None = None) -> Job[tuple[Scenario, ...]]:
    name = photo.name if folder is None else name_in(folder, photo)
    own = tuple(
        scenario.model_copy(
            update={
                "seed": scenario.seed if folder is None else photo_seed(scenario.seed, name),
                "image": scenario.image.model_copy(update={"path": photo}),
            }
        )
        for scenario in contest.scenarios
    )
    return Job(legible(name), key_of(*own), own)


def _check_one_handset(scenario: Scenario, file: str) -> None:
    if scenario.fleet.handsets > 1:  # of whom the first would be compared, who may have the first slot
        allowed = "1 where schemes are compared; satsim run and sweep take fleets"
        raise ScenarioError(file, "fleet.handsets", str(scenario.fleet.handsets), allowed)


def _check_comparable(scenario: Scenario, file: str, first: Scenario, first_file: str) -> None:
    for key, value in MUST_AGREE.items():
        found, wanted = value(scenario), value(first)
        if found != wanted:
            one_for_all = "--image PATH" if key == "image.path" else f"-s {key}=VALUE"
            allowed = f"{_text(wanted)} as in {first_file}, or one for all by {one_for_all}"
            raise ScenarioError(file, key, _text(found), allowed)


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {each}" for key, each in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _with_schemes(scenario: Scenario, names: Sequence[str]) -> Scenario:
    kept = tuple(scheme for scheme in scenario.schemes if scheme.name in names)
    return scenario.model_copy(update={"schemes": kept})


def _check_named(scenarios: Sequence[Scenario], names: Sequence[str]) -> None:
    there = list(dict.fromkeys(scheme.name for scenario in scenarios for scheme in scenario.schemes))
    unknown = [name for name in names if name not in there]
    if unknown:
        raise InputError(
            f"--schemes: found {', '.join(unknown)}; allowed: {', '.join(there)}{nearest(unknown[0], there)}"
        )


def _competitors(scenarios: Sequence[Scenario]) -> tuple[Competitor, ...]:
    is_one_each = all(len(scenario.schemes) == 1 for scenario in scenarios)
    found = []
    for scenario in scenarios:
        for scheme in scenario.schemes:
            name = scenario.name if is_one_each else f"{scenario.name}/{scheme.name}"
            found.append(Competitor(scheme.name if len(scenarios) == 1 else name, scenario.name, scheme.name))
    return tuple(found)


def _place_of(anchor: str | None, competitors: Sequence[Competitor]) -> int:
    names = [competitor.name for competitor in competitors]
    if anchor is not None and anchor not in names:
        raise InputError(f"--anchor: found {anchor}; allowed: {', '.join(names)}{nearest(anchor, names)}")
    return 0 if anchor is None else names.index(anchor)
