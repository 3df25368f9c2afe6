"""What the page's form asks for, as a scenario: numbers and listed names, and no path from outside."""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path, PurePosixPath
from typing import Any

from satsim.errors import InputError
from satsim.presets import load_preset, preset_names
from satsim.scenario import load_scenario
from satsim.section import WEEK_S
from satsim.settings import BUILT_IN_SCHEMES, Metric, Scenario
from satsim.units import logged_time_s

PHOTO, TRACE, FILE = "photo", "trace", "request.yaml"  # what uploads are named at first
SIDES_PX = (64, 96, 128, 192, 256, 384, 512)
ENCODE_S = 0.56  # published encode time of ProGIC-s on a phone, arXiv 2603.02897, supplement
STEP_S, STEP_SIDE_PX = 1.1, 256  # a step of f16-s's search, as in scenarios/refined.yaml: measured there
SEARCHES = {
    "0": "as the encoder finds them",
    "1": "searched for, 1 step a stage",
    "2": "searched for, 2 steps a stage",
    "4": "searched for, 4 steps a stage",
}
REPAIRS: dict[str, tuple[str, dict[str, Any]]] = {
    "arq_next_slot": ("sent again in the next slot", {"kind": "arq_next_slot"}),
    "none": ("nothing", {"kind": "none"}),
    "repeat": ("each packet sent twice", {"kind": "repeat", "times": 2}),
    "carousel": ("all sent in turn, twice over", {"kind": "carousel", "rounds": 2}),
}
MINUTE_S = 60
MAX_LISTED = 4000  # characters of windows typed in: as many as make a scenario's file of allowed size
MOST_OTHERS = 99  # beside the one that is watched; a thousand would keep the next run waiting

Fields = Mapping[str, str]


def scenario_of(fields: Fields, schemes: Sequence[str], metrics: Sequence[Metric], folder: Path) -> Scenario:
    """Return the scenario for a photo in `folder`, and write the scenario's file there.

    The photo then has to be renamed to the scenario's `image.path`: its own name in plain letters, which
    figures show. Raises InputError, naming the field.
    """
    side_px = _number(fields, "side_px")
    if side_px not in SIDES_PX:
        raise InputError(f"side_px: found {side_px}; allowed: {', '.join(map(str, SIDES_PX))}")
    name = _name(fields.get("name", ""))
    path = PHOTO if name == TRACE else name
    keys = {
        "name": name,
        "image": {"path": path, "size": [side_px, side_px]},
        **_codec(fields, side_px),
        "link": _link(fields),
        "repair": REPAIRS[_known(fields.get("repair", ""), "repair", REPAIRS)][1],
        **_fleet(fields),
        "schemes": [_known(scheme, "scheme", BUILT_IN_SCHEMES) for scheme in schemes],
        "metrics": list(metrics),
        "seed": _number(fields, "seed"),
    }
    (folder / FILE).write_text(json.dumps(keys), encoding="utf-8")  # JSON is YAML 1.2
    return load_scenario(folder / FILE)


def _codec(fields: Fields, side_px: float) -> dict[str, Any]:
    """Return how our codes are found, and how long that takes: a search as long as there are pixels."""
    steps = int(_known(fields.get("refine_steps", "0"), "refine_steps", SEARCHES))
    codec: dict[str, Any] = {"stages": _number(fields, "stages")}
    if not steps:
        return {"codec": codec, "sender": {"encode_s": ENCODE_S}}
    refine_s = logged_time_s(steps * STEP_S * (side_px / STEP_SIDE_PX) ** 2)
    codec |= {"refine_steps": steps, "refine_stagewise": True}
    return {"codec": codec, "sender": {"encode_s": ENCODE_S, "refine_s": refine_s}}


def _link(fields: Fields) -> dict[str, Any]:
    preset = fields.get("preset", "")
    return {
        **({"preset": _known(preset, "preset", preset_names())} if preset else {}),
        "payload_bytes": _number(fields, "payload_bytes"),
        "interval_s": _number(fields, "interval_s"),
        "loss": _loss(fields),
        **_windows(fields),
    }


def _loss(fields: Fields) -> dict[str, Any]:
    if _known(fields.get("loss", "drawn"), "loss", ("drawn", TRACE)) == TRACE:
        return {"kind": "trace", "path": TRACE}
    rate, burst = _number(fields, "loss_percent") / 100, _number(fields, "mean_burst")
    return {"rate": rate} | ({} if burst == 1 else {"kind": "gilbert_elliott", "mean_burst": burst})


def _fleet(fields: Fields) -> dict[str, Any]:
    """Return a fleet, whose first handset is watched, where the form asks for other senders."""
    others = _number(fields, "others") if fields.get("others") else 0
    if others not in range(MOST_OTHERS + 1):
        raise InputError(f"others: found {others}; allowed: a whole number from 0 to {MOST_OTHERS}")
    return {"fleet": {"handsets": others + 1, "access": fields.get("access", "")}} if others else {}


def _windows(fields: Fields) -> dict[str, Any]:
    """Return windows of the kind that the form asks for, if it asks for any."""
    window = fields.get("window", "")
    kinds = {"repeating": _repeating, "listed": _listed, "tle": _passes}
    return {"windows": kinds[_known(window, "window", kinds)](fields)} if window else {}


def _repeating(fields: Fields) -> dict[str, Any]:
    """Return windows open for the first minutes of every so many."""
    every_min = _minutes(fields, "every_min", WEEK_S / MINUTE_S)
    open_min = _minutes(fields, "open_min", every_min)
    to_s, repeat_s = (logged_time_s(each * MINUTE_S) for each in (open_min, every_min))
    return {"open": [{"from_s": 0, "to_s": to_s}], "repeat_s": repeat_s}


def _listed(fields: Fields) -> dict[str, Any]:
    """Return windows as they were typed in, a line each: minutes from the photo to opening and to closing."""
    text, windows = fields.get("listed", ""), []
    if len(text) > MAX_LISTED:
        raise InputError(f"listed: found {len(text)} characters; allowed: at most {MAX_LISTED}")
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            where, ends = f"listed, line {number}", re.split(r"\s*[\s,;–-]\s*", line.strip())
            if len(ends) != 2:
                allowed = "two numbers, minutes from the photo to opening and to closing"
                raise InputError(f"{where}: found {line[:32]!r}; allowed: {allowed}")
            from_s, to_s = (logged_time_s(_as_number(end, where) * MINUTE_S) for end in ends)
            windows.append({"from_s": from_s, "to_s": to_s})
    return {"open": windows}


def _passes(fields: Fields) -> dict[str, Any]:
    """Return the passes of a satellite over a site, from a moment on or from the epoch of its TLE."""
    return {
        "kind": "tle",
        "tle": fields.get("tle", ""),
        "site": {key: _number(fields, key) for key in ("latitude_deg", "longitude_deg")},
        "min_elevation_deg": _number(fields, "min_elevation_deg"),
        **({"start": fields["start"]} if fields.get("start") else {}),
    }


def _minutes(fields: Fields, key: str, most_min: float) -> float:
    found_min = _number(fields, key)
    if not 0 < found_min <= most_min:
        allowed = f"a number above 0, up to {most_min:g} (minutes)"
        raise InputError(f"{key}: found {found_min:g}; allowed: {allowed}")
    return found_min


def preset_choices() -> dict[str, dict[str, Any]]:
    """Return what the form shows of each preset: title, bytes, interval (None: not published), note."""
    presets = {name: load_preset(name) for name in preset_names()}
    return {
        name: {
            "title": preset.title,
            "payload_bytes": preset.payload_up_bytes.value,
            "interval_s": preset.link_keys().get("interval_s"),
            "note": preset.note,
        }
        for name, preset in presets.items()
    }


def _name(given: str) -> str:
    """Return a photo's name as a scenario's: letters without their accents, digits and _."""
    plain = re.sub("[\u0300-\u036f]", "", unicodedata.normalize("NFKD", PurePosixPath(given).stem))
    return re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_")[:64] or PHOTO


def _number(fields: Fields, key: str) -> int | float:
    return _as_number(fields.get(key, ""), key)


def _as_number(text: str, key: str) -> int | float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value) or len(text) > 32:
        raise InputError(f"{key}: found {text[:32]!r}; allowed: a number")
    return int(value) if value.is_integer() else value


def _known(found: str, key: str, known: Mapping[str, object] | Sequence[str]) -> str:
    if found not in known:
        raise InputError(f"{key}: found {found[:64]!r}; allowed: {', '.join(known)}")
    return found
