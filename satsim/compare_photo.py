"""One photo of a comparison, sent by all its scenarios, as a worker does it."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

import torch

from progic.metrics import PerceptualMetrics
from satsim.codec_settings import Search
from satsim.intake import Parts, load_models, load_perceptual, open_for
from satsim.kept import Row
from satsim.monte_carlo import run_seeds
from satsim.sending import send_photo
from satsim.settings import Metric, Scenario
from satsim.studio import Studio
from satsim.trained_codec import TrainedCodec
from satsim.trial import Picture, Trial
from satsim.viewing import SchemeView
from satsim.wording import shown_metric

TRIALS = "trials"


def send_photo_by_all(scenarios: Sequence[Scenario]) -> list[Row]:
    """Return a row for each scheme of each scenario, in their order: its trials, one a run.

    The scenarios have one photo. Those with one model share its pictures and their scores, so that nothing is
    decoded twice. One thread, so that the figures do not depend on how many workers there are.
    """
    torch.set_num_threads(1)
    first = scenarios[0]
    photo = open_for(first, first.image.path)
    searches: dict[str, frozenset[Search]] = {}  # with a model, in any scenario
    for scenario in scenarios:
        name = scenario.codec.model
        searches[name] = searches.get(name, frozenset()) | scenario.searches
    perceptual = _perceptual(first.metrics)
    studios = {
        name: Studio(first, photo, Parts(_models(name, each), perceptual)) for name, each in searches.items()
    }
    return [row for scenario in scenarios for row in _rows(scenario, studios[scenario.codec.model])]


@lru_cache(maxsize=4)
def _models(name: str, searches: frozenset[Search]) -> Mapping[Search, TrainedCodec]:
    return load_models(name, searches)


@lru_cache(maxsize=1)
def _perceptual(metrics: tuple[Metric, ...]) -> PerceptualMetrics | None:
    return load_perceptual(metrics)


def _rows(scenario: Scenario, studio: Studio) -> list[Row]:
    varies = scenario.seed_decides
    seeds = run_seeds(scenario.seed, scenario.runs)
    metric = shown_metric(scenario.metrics)
    trials: dict[str, list[Trial]] = {scheme.name: [] for scheme in scenario.schemes}
    for seed in seeds if varies else seeds[:1]:  # else all are equal
        run = scenario.model_copy(update={"seed": seed, "runs": 1})
        for name, sent in send_photo(run, studio, lambda step, done: None).items():
            trials[name].append(_trial(sent.view, metric))
    repeated = 1 if varies else len(seeds)
    return [{TRIALS: [trial.as_json() for trial in each] * repeated} for each in trials.values()]


def _trial(seen: SchemeView, metric: Metric) -> Trial:
    rows = [view.row for view in seen.views]
    return Trial(seen.summary, tuple(Picture(row.time_s, row.bytes, getattr(row, metric)) for row in rows))
