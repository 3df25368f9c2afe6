"""When a link is there: the windows in which its slots can lie."""

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from satsim.errors import InputError
from satsim.units import logged_time_s
from satsim.window_settings import Passes, Schedule, Windows

DAY_S = 86_400
MOST_DAYS_OFF = 366  # from a TLE's epoch; by then it is some thousand kilometres off (AIAA 2006-6753)
CULMINATION = 1  # skyfield's events; 0 is a rise, 2 a set


class NoSkyfield(InputError):
    """Passes cannot be computed without the extra `tle`."""


class Span(NamedTuple):
    """From one moment to another, simulated seconds."""

    from_s: float
    to_s: float


class Visibility:
    """Says when the next slot can begin: a slot lies whole in one window."""

    def __init__(self, spans: Sequence[Span], repeat_s: float = math.inf) -> None:
        """`spans` in order and without overlap; after `repeat_s`, at least the last end, they come again."""
        self._spans, self._repeat_s = tuple(spans), repeat_s
        self._ends_s = [span.to_s for span in spans]
        self.longest_s = max((to_s - from_s for from_s, to_s in spans), default=0.0)

    def next_start_s(self, now_s: float, slot_s: float) -> float | None:
        """Return from when on, at `now_s` or later, a slot of `slot_s` has room; None: never again."""
        if logged_time_s(self.longest_s) < logged_time_s(slot_s):
            return None
        for from_s, to_s in self.after(now_s):
            start_s = max(from_s, now_s)
            if logged_time_s(start_s + slot_s) <= logged_time_s(to_s):
                return start_s
        return None

    def after(self, now_s: float) -> Iterator[Span]:
        """Yield the windows that end after `now_s`, in order; without end where they repeat."""
        turn = int(now_s // self._repeat_s) if math.isfinite(self._repeat_s) else 0
        offset_s = turn * self._repeat_s if turn else 0.0
        for from_s, to_s in self._spans[bisect_right(self._ends_s, now_s - offset_s) :]:
            yield Span(offset_s + from_s, offset_s + to_s)
        while math.isfinite(self._repeat_s):
            offset_s += self._repeat_s
            yield from (Span(offset_s + from_s, offset_s + to_s) for from_s, to_s in self._spans)


@lru_cache(maxsize=8)  # asked for anew by each of ten thousand runs
def visibility_of(windows: Windows) -> Visibility:
    """Return when the link is there; raises NoSkyfield where a TLE finds none."""
    match windows:
        case Schedule():
            spans = [Span(window.from_s, window.to_s) for window in windows.open]
            return Visibility(spans, math.inf if windows.repeat_s is None else windows.repeat_s)
        case Passes():
            return Visibility(_passes(windows))


def _passes(passes: Passes) -> list[Span]:
    """Return when the satellite stands at or above the least elevation, from rise to set."""
    try:
        from skyfield.api import EarthSatellite, load, wgs84
    except ImportError:
        raise NoSkyfield("a TLE needs skyfield: pip install 'progic-satsim[tle]'") from None
    timescale = load.timescale(builtin=True)  # the file in the package: no download
    satellite = EarthSatellite(*passes.lines, ts=timescale)
    begin = satellite.epoch if passes.start is None else timescale.from_datetime(passes.start)
    if abs(begin.tt - satellite.epoch.tt) > MOST_DAYS_OFF:
        found, epoch = begin.utc_strftime("%Y-%m-%d"), satellite.epoch.utc_strftime("%Y-%m-%d")
        allowed = f"at most {MOST_DAYS_OFF} days from the epoch of the TLE, {epoch}"
        raise InputError(f"link.windows.start: found {found}; allowed: {allowed}")
    end = timescale.tt_jd(begin.tt + passes.days)
    site = wgs84.latlon(passes.site.latitude_deg, passes.site.longitude_deg, elevation_m=passes.site.height_m)
    times, events = satellite.find_events(site, begin, end, altitude_degrees=passes.min_elevation_deg)
    elevation, _, _ = (satellite - site).at(begin).altaz()
    edges_s = [0.0] if elevation.degrees >= passes.min_elevation_deg else []  # rise, set, rise, ...
    edges_s += [
        (moment.tt - begin.tt) * DAY_S
        for moment, event in zip(times, events, strict=True)
        if event != CULMINATION
    ]
    edges_s += [passes.days * DAY_S] if len(edges_s) % 2 else []
    return [Span(*edges) for edges in zip(edges_s[::2], edges_s[1::2], strict=True)]
