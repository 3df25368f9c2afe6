"""When a link is there: the windows in which its slots can lie."""

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from satsim.errors import InputError
from satsim.units import logged_time_s
from satsim.window_settings import Passes, Schedule, Windows

DAY_S = 86_400
MOST_DAYS_OFF = 366  # from a TLE's epoch; by then it is some thousand kilometres off (AIAA 2006-6753)
PASS_STEP_S = 20  # from one look at the elevation to the next
PEAK_STEP_S = 60  # ... for its peaks, which lie minutes apart
PEAK_ERROR_S = 0.05


class NoSkyfield(InputError):
    """Passes cannot be computed without the extra `tle`."""


class Span(NamedTuple):
    """From one moment to another, simulated seconds."""

    from_s: float
    to_s: float


class Visibility:
    """Says when the next slot can begin: a slot lies whole in one window. Windows that touch are one."""

    def __init__(self, spans: Sequence[Span], repeat_s: float = math.inf) -> None:
        """`spans` in order and without overlap; after `repeat_s`, at least the last end, they come again."""
        self._spans = tuple(_joined(Span(*map(logged_time_s, span)) for span in spans))  # as slots are
        self._repeat_s = logged_time_s(repeat_s)
        if self._spans == (Span(0, self._repeat_s),):  # never gone
            self._spans, self._repeat_s = (Span(0, math.inf),), math.inf
        self._ends_s = [span.to_s for span in self._spans]
        two_turns = islice(self.after(0), 2 * len(self._spans))  # of two the last and the first may be one
        self.longest_s = max((to_s - from_s for from_s, to_s in two_turns), default=0.0)

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
        return _joined(self._after(now_s))

    def _after(self, now_s: float) -> Iterator[Span]:
        turn = int(now_s // self._repeat_s) if math.isfinite(self._repeat_s) else 0
        offset_s = turn * self._repeat_s if turn else 0.0
        for from_s, to_s in self._spans[bisect_right(self._ends_s, now_s - offset_s) :]:
            yield Span(offset_s + from_s, offset_s + to_s)
        while math.isfinite(self._repeat_s):
            offset_s += self._repeat_s
            yield from (Span(offset_s + from_s, offset_s + to_s) for from_s, to_s in self._spans)


def _joined(spans: Iterable[Span]) -> Iterator[Span]:
    """Yield spans in order, those that touch as one."""
    last = None
    for span in spans:
        if last is not None and logged_time_s(span.from_s) <= logged_time_s(last.to_s):
            last = Span(last.from_s, span.to_s)
        else:
            if last is not None:
                yield last
            last = span
    if last is not None:
        yield last


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
    """Return when the satellite stands at or above the least elevation, from rise to set.

    After a decay SGP4 gives no place, so no pass.
    """
    try:
        from skyfield.api import EarthSatellite, load, wgs84
    except ImportError:
        raise NoSkyfield("a TLE needs skyfield: pip install 'progic-satsim[tle]'") from None
    timescale = load.timescale(builtin=True)  # the file in the package: no download
    satellite = EarthSatellite(*passes.lines, ts=timescale)
    site = wgs84.latlon(passes.site.latitude_deg, passes.site.longitude_deg, elevation_m=passes.site.height_m)
    begin = satellite.epoch if passes.start is None else timescale.from_datetime(passes.start)
    _check_orbit(satellite, begin)

    def elevation_deg(moment: Any) -> Any:
        moment.gast = moment.tt * 0.0  # with the next line, as find_events: nutation cancels out
        moment.M = moment.MT = np.eye(3)
        elevation, _, _ = (satellite - site).at(moment).altaz()
        return elevation.degrees

    return _spans_up(elevation_deg, passes, lambda at_s: timescale.tt_jd(begin.tt + at_s / DAY_S))


def _spans_up(elevation_deg: Any, passes: Passes, at: Callable[[float], Any]) -> list[Span]:
    """Return when an elevation is at least that of `passes`; `at` gives skyfield's time at so many seconds.

    Looked for every `PASS_STEP_S`, whatever the shape of the orbit, and for what is shorter at each peak.
    """
    from skyfield.searchlib import find_discrete, find_maxima

    def is_up(moment: Any) -> Any:
        return elevation_deg(moment) >= passes.min_elevation_deg

    def changes_s(from_s: float, to_s: float) -> list[float]:
        changes, _ = find_discrete(at(from_s), at(to_s), is_up)
        return list((changes.tt - at(0).tt) * DAY_S)

    is_up.step_days = PASS_STEP_S / DAY_S  # type: ignore[attr-defined] # as find_discrete asks for it
    elevation_deg.step_days = PEAK_STEP_S / DAY_S
    end_s = passes.days * DAY_S
    edges_s = [0.0] if is_up(at(0)) else []  # rise, set, rise, ...
    edges_s += changes_s(0, end_s)
    edges_s += [end_s] if len(edges_s) % 2 else []
    peaks, highest_deg = find_maxima(at(0), at(end_s), elevation_deg, PEAK_ERROR_S / DAY_S)
    for peak_s in (peaks.tt[highest_deg >= passes.min_elevation_deg] - at(0).tt) * DAY_S:
        place = bisect_right(edges_s, peak_s)
        if place % 2:
            continue  # of a pass that is known
        rises, sets = changes_s(peak_s - PASS_STEP_S, peak_s), changes_s(peak_s, peak_s + PASS_STEP_S)
        if rises and sets:
            edges_s[place:place] = [rises[-1], sets[0]]
    return [Span(*map(float, edges)) for edges in zip(edges_s[::2], edges_s[1::2], strict=True)]


def _check_orbit(satellite: Any, begin: Any) -> None:
    """Raise InputError for a start too far from the epoch, or elements that SGP4 does not take there."""
    epoch = satellite.epoch
    if abs(begin.tt - epoch.tt) > MOST_DAYS_OFF:
        found = begin.utc_strftime("%Y-%m-%d")
        allowed = f"at most {MOST_DAYS_OFF} days from the epoch of the TLE, {epoch.utc_strftime('%Y-%m-%d')}"
        raise InputError(f"link.windows.start: found {found}; allowed: {allowed}")
    refused = satellite.at(epoch).message
    if refused:
        allowed = "elements that SGP4 takes at their own epoch"
        raise InputError(f"link.windows.tle: found no orbit ({refused}); allowed: {allowed}")
