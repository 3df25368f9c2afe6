"""How progic writes JSON, to files and on standard output."""

import json
import math


def json_text(value: object) -> str:
    """Return plain data as JSON; what is not finite is null."""
    return json.dumps(_finite(value), indent=2, allow_nan=False)


def _finite(value: object) -> object:
    """Return plain data with None for every number that is not finite, which JSON cannot say."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
