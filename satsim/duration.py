"""Durations as people write them: 90s, 5m, 1h30m."""

import re

from satsim.errors import InputError

SECONDS = {"h": 3600, "m": 60, "s": 1}
MOST_S = 366 * 86_400
ALLOWED = "hours, minutes and seconds above nothing, up to a year, such as 1h30m, 5m or 90s"
PATTERN = re.compile("".join(rf"(?:(\d+(?:\.\d+)?){unit})?" for unit in SECONDS))


def seconds_of(text: str, option: str) -> float:
    """Return a duration in seconds; raises InputError, naming `option`, for what is none or nothing."""
    found = PATTERN.fullmatch(text.strip())
    parts = found.groups() if found else ()
    total_s = sum(float(part) * size for part, size in zip(parts, SECONDS.values(), strict=False) if part)
    if not 0 < total_s <= MOST_S:
        raise InputError(f"{option}: found {text}; allowed: {ALLOWED}")
    return total_s
