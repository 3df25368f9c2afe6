"""One photo of a comparison, sent by all its scenarios, as a worker does it."""

from collections.abc import Sequence
from functools import lru_cache

import torch

import progic
from satsim.intake import Parts, load_model, load_perceptual, open_for
from satsim.kept import Row
from satsim.monte_carlo import run_seeds
from satsim.sending import send_photo
from satsim.settings import CodecSettings, Metric, Scenario
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
    studios: dict[CodecSettings | None, Studio] = {}  # None: no scheme sends with a model
    rows = []
    for scenario in scenarios:
        model = None
        if any(each.codec == "progic" for each in scenario.schemes):
            model = CodecSettings(model=scenario.codec.model, refine_steps=scenario.codec.refine_steps)
        if model not in studios:
            parts = Parts(None if model is None else _model(model), _perceptual(scenario.metrics))
            studios[model] = Studio(scenario, photo, parts)
        rows += _rows(scenario, studios[model])
    return rows


@lru_cache(maxsize=4)
def _model(settings: CodecSettings) -> TrainedCodec:
    return load_model(settings)


@lru_cache(maxsize=1)
def _perceptual(metrics: tuple[Metric, ...]) -> progic.metrics.PerceptualMetrics | None:
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
