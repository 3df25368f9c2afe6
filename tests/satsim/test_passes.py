"""Passes are where SGP4 puts a satellite, of whatever orbit, and elements of none are named."""

import json
import math
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from pydantic import ValidationError
from sgp4.api import Satrec, jday

from satsim.errors import InputError, ScenarioError
from satsim.intake import check_windows
from satsim.rundir import Run
from satsim.scenario import load_scenario
from satsim.window_settings import Passes, Site
from satsim.windows import PASS_STEP_S, Span, visibility_of

ISS = """ISS (ZARYA)
1 25544U 98067A   08264.51782528 -.00002182  00000-0 -11606-4 0  2927
2 25544  51.6416 247.4627 0006703 130.5360 325.0288 15.72125391563537"""
TUNDRA = """1 12345U 26001A   26041.50000000  .00000000  00000-0  00000+0 0    15
2 12345  63.4000   0.0000 2700000 270.0000   0.0000  1.00270000    19"""
DECAYING = """1 12345U 26001A   26041.50000000  .00000000  00000-0  10000-2 0    19
2 12345  51.6000   0.0000 0005000  10.0000   0.0000 16.30000000    16"""
SITE = Site(latitude_deg=37.7, longitude_deg=-122.4, height_m=50)
START = datetime(2008, 9, 21, tzinfo=UTC)


def elevation_deg(at_s: float, site: Site, tle: str = ISS, begin: datetime = START) -> float:
    """Second implementation: SGP4 by itself, Earth turned by GMST (Vallado, 2013, eq. 3-47), WGS 84."""
    when = begin + timedelta(seconds=at_s)
    whole, part = jday(
        when.year, when.month, when.day, when.hour, when.minute, when.second + when.microsecond / 1e6
    )
    error, position_km, _ = Satrec.twoline2rv(*tle.split("\n")[-2:]).sgp4(whole, part)
    assert error == 0
    centuries = (whole - 2451545.0 + part) / 36525
    sidereal_s = 67310.54841 + (876600 * 3600 + 8640184.812866) * centuries + 0.093104 * centuries**2
    turn = math.radians(sidereal_s / 240)
    x, y, z = position_km
    satellite = np.array(
        [x * math.cos(turn) + y * math.sin(turn), y * math.cos(turn) - x * math.sin(turn), z]
    )
    latitude, longitude = math.radians(site.latitude_deg), math.radians(site.longitude_deg)
    up = np.array(
        [
            math.cos(latitude) * math.cos(longitude),
            math.cos(latitude) * math.sin(longitude),
            math.sin(latitude),
        ]
    )
    e2, height_km = 0.00669437999014, site.height_m / 1000
    normal_km = 6378.137 / math.sqrt(1 - e2 * math.sin(latitude) ** 2)
    ground = up * (normal_km + height_km) - np.array([0, 0, e2 * normal_km * math.sin(latitude)])
    line = satellite - ground
    return math.degrees(math.asin(line @ up / np.linalg.norm(line)))


@pytest.mark.parametrize("least_deg", [0, 10, 40])
def test_passes_are_when_sgp4_puts_the_satellite_above_the_least_elevation(least_deg: float) -> None:
    passes = Passes(kind="tle", tle=ISS, site=SITE, min_elevation_deg=least_deg, start=START, days=2)
    spans = list(visibility_of(passes).after(0))
    assert spans
    for edge_s in (edge for span in spans for edge in span):
        assert elevation_deg(edge_s, SITE) == pytest.approx(least_deg, abs=0.3)  # half a second of way
    grid_s = np.arange(0, 2 * 86_400, 20.0)
    above = sum(elevation_deg(at_s, SITE) >= least_deg for at_s in grid_s) * 20
    assert above == pytest.approx(sum(to_s - from_s for from_s, to_s in spans), abs=20 * len(spans))


def test_passes_shorter_than_a_step_are_found_at_their_peaks() -> None:
    """Of 30 days: those that a look at each quarter of a second of the passes above 60 degrees finds."""
    low = Passes(kind="tle", tle=ISS, site=SITE, min_elevation_deg=60, start=START, days=30)
    times_s = [np.arange(from_s, to_s, 0.25) for from_s, to_s in visibility_of(low).after(0)]
    above = [each[[elevation_deg(at_s, SITE) >= 84 for at_s in each]] for each in times_s]
    expected = [Span(each[0], each[-1]) for each in above if len(each)]
    lengths_s = [to_s - from_s for from_s, to_s in expected]
    assert len(lengths_s) >= 3 and max(lengths_s) < PASS_STEP_S
    high = low.model_copy(update={"min_elevation_deg": 84})
    found = list(visibility_of(high).after(0))
    assert np.array(found) == pytest.approx(np.array(expected), abs=1.5)


@pytest.mark.parametrize(("tle", "n_passes"), [(TUNDRA, 11), (DECAYING, 5)])
def test_passes_of_any_orbit_are_where_sgp4_puts_it_until_it_decays(tle: str, n_passes: int) -> None:
    """An eccentric one need not be down midway between its peaks; the other ends on its fourth day."""
    site, begin = Site(latitude_deg=0, longitude_deg=0), datetime(2026, 2, 10, 12, tzinfo=UTC)
    passes = Passes(kind="tle", tle=tle, site=site, min_elevation_deg=10, start=begin, days=5)
    spans = list(visibility_of(passes).after(0))
    grid_s = np.arange(0, 5 * 86_400, 60.0)

    def is_up(at_s: float) -> bool:
        with suppress(AssertionError):  # SGP4's error, after the decay
            return elevation_deg(at_s, site, tle, begin) >= 10
        return False

    held = [any(span.from_s <= at_s < span.to_s for span in spans) for at_s in grid_s]
    assert (len(spans), held) == (n_passes, [is_up(at_s) for at_s in grid_s])


def sealed(line: str) -> str:
    """A line of a TLE with the checksum that fits."""
    total = sum(int(char) for char in line[:-1] if char.isdigit()) + line[:-1].count("-")
    return f"{line[:-1]}{total % 10}"


@pytest.mark.parametrize(
    ("number", "at", "text", "said"),
    [
        (1, 20, "400.50000000", "1 to 367 as the epoch's day of the year, columns 21 to 32 of line 1, not"),
        (2, 26, "ABCDEFG", "as digits of the eccentricity, columns 27 to 33 of line 2, not ABCDEFG"),
        (2, 8, "  -3.400", "0 to 180 as inclination, columns 9 to 16 of line 2, not -3.400"),
    ],
)
def test_what_is_no_element_is_named(number: int, at: int, text: str, said: str) -> None:
    lines = TUNDRA.split("\n")
    line = lines[number - 1]
    lines[number - 1] = sealed(line[:at] + text + line[at + len(text) :])
    with pytest.raises(ValidationError) as caught:
        Passes(kind="tle", tle="\n".join(lines), site=SITE, min_elevation_deg=10)
    assert said in str(caught.value.errors()[0]["ctx"]["allowed"])


def test_elements_of_no_orbit_are_refused() -> None:
    first, second = TUNDRA.split("\n")
    still = sealed(f"{second[:52]} 0.00000000{second[63:]}")
    passes = Passes(kind="tle", tle=f"{first}\n{still}", site=SITE, min_elevation_deg=10)
    with pytest.raises(
        InputError, match=r"link.windows.tle: found no orbit \(nm is less than zero\); allowed: "
    ):
        visibility_of(passes)


def test_a_start_far_from_the_epoch_is_refused() -> None:
    allowed = "at most 366 days from the epoch of the TLE, 2008-09-20"
    for start in ("1999-01-01", "2028-01-01"):
        passes = Passes(kind="tle", tle=ISS, site=SITE, min_elevation_deg=10, start=start, days=1)
        with pytest.raises(InputError, match=f"link.windows.start: found {start}; allowed: {allowed}"):
            visibility_of(passes)
    scenario = load_scenario("scenarios/forest_fire.yaml")
    link = scenario.link.model_copy(update={"windows": passes})
    with pytest.raises(InputError, match=r"^mine\.yaml: link\.windows\.start: found 2028-01-01"):
        check_windows(scenario.model_copy(update={"link": link}), "mine.yaml")


@pytest.mark.parametrize("start", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_start_beyond_the_calendar_is_refused(start: str) -> None:
    with pytest.raises(ValidationError, match="start"):
        Passes(kind="tle", tle=ISS, site=SITE, min_elevation_deg=10, start=start)


def test_a_pass_under_way_at_the_start_or_at_the_end_counts_from_0_or_to_the_end() -> None:
    passes = Passes(kind="tle", tle=ISS, site=SITE, min_elevation_deg=10, start=START, days=1)
    first = next(visibility_of(passes).after(0))
    middle = START + timedelta(seconds=(first.from_s + first.to_s) / 2)
    half_s = (first.to_s - first.from_s) / 2
    cut = visibility_of(passes.model_copy(update={"start": middle}))
    assert next(cut.after(0)) == pytest.approx((0, half_s), abs=0.5)
    *_, last = visibility_of(passes.model_copy(update={"start": middle - timedelta(days=1)})).after(0)
    assert last == pytest.approx((86_400 - half_s, 86_400), abs=0.5)


def over_the_pole(min_elevation_deg: int) -> str:
    site = "{latitude_deg: 89, longitude_deg: 0}"
    return f"{{kind: tle, tle: {json.dumps(ISS)}, site: {site}, min_elevation_deg: {min_elevation_deg}}}"


@pytest.mark.parametrize(
    ("windows", "found"),
    [
        ("{open: [{from_s: 0, to_s: 59}]}", "no window longer than 59 s"),
        (over_the_pole(30), "no window"),
    ],
)
def test_windows_that_hold_no_slot_are_refused(run_toy: Callable[..., Run], windows: str, found: str) -> None:
    allowed = "one of at least link.interval_s, 60 s"
    with pytest.raises(ScenarioError, match=re.escape(f"link.windows: found {found}; allowed: {allowed}")):
        run_toy(f"link.windows={windows}")


def test_a_tle_without_skyfield_says_what_to_install(
    run_toy: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "skyfield.api", None)
    what = r"a TLE but no skyfield; allowed: a schedule, or a TLE after pip install 'progic-satsim\[tle\]'"
    with pytest.raises(ScenarioError, match=what):
        run_toy(f"link.windows={over_the_pole(29)}")
