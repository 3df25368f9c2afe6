"""A scenario file: read with its `extends` and overrides, checked, and written out resolved."""

import io
import itertools
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError
from ruamel.yaml import YAML

from satsim.complaints import KeyPath, complain, cut, shown
from satsim.errors import ScenarioError
from satsim.loss_settings import INDEPENDENT
from satsim.presets import UnknownPreset, load_preset
from satsim.section import names_a_file
from satsim.settings import Scenario
from satsim.window_settings import SCHEDULE
from satsim.yaml_text import parsed

MAX_FILE_BYTES = 65_536
MAX_EXTENDS = 8
WEIGHTS = ".safetensors"
CHOICES = ("sender", "repair", "usable", "detail")  # their keys exclude each other: replaced whole


class _Layer(NamedTuple):
    """One source of keys; a later layer's keys win."""

    source: str
    keys: dict[str, Any]


def load_scenario(path: Path | str, overrides: Sequence[str] = ()) -> Scenario:
    """Read a scenario, over the file that it `extends`, with overrides such as `link.loss.rate=0.1` on top.

    A mapping is merged key by key, except for the choices sender, repair, usable and detail, which an overlay
    replaces whole, as it does loss or windows of another `kind` and a link where it names a preset; all else
    is replaced. A relative path of an image, trace or model is relative to the file that has it, in an
    override to `path`. What an override sets to null, a later one begins anew. Raises ScenarioError.
    """
    path = Path(path)
    files, asked = _layers(path, overrides)
    try:
        return Scenario.model_validate(_with_preset(_all_merged(files, asked)))
    except UnknownPreset as error:
        source = _source_of(("link", "preset"), files, asked)
        raise ScenarioError(source, "link.preset", shown(error.found), error.allowed) from None
    except ValidationError as error:
        raise complain(error, Scenario, lambda key: _source_of(key, files, asked)) from None


@contextmanager
def naming_sources(path: Path | str, overrides: Sequence[str] = ()) -> Iterator[None]:
    """Let an error that names a scenario's file name the override, or the extended file, that has the key."""
    try:
        yield
    except ScenarioError as error:
        if error.file != str(path) or not error.key:
            raise
        files, asked = _layers(Path(path), overrides)
        key = tuple(error.key.split("."))
        source = _source_of(key if key[0] in Scenario.model_fields else ("schemes",), files, asked)
        raise ScenarioError(source, error.key, error.found, error.allowed, error.others) from None


def _layers(path: Path, overrides: Sequence[str]) -> tuple[list[_Layer], list[_Layer]]:
    """Return the files' layers and the overrides'; without what an override sets to null in any file."""
    files, asked = _file_layers(path, ()), [_override(text, path.parent) for text in overrides]
    for layer in asked:
        files = [_Layer(file.source, _without_nulls_of(layer.keys, file.keys)) for file in files]
    return files, asked


def _without_nulls_of(overlay: dict[str, Any], keys: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in keys.items() if key not in overlay or overlay[key] is not None}
    inner = {
        key: _without_nulls_of(overlay[key], value)
        for key, value in kept.items()
        if isinstance(value, dict) and isinstance(overlay.get(key), dict)
    }
    return {**kept, **inner}


def _all_merged(files: Sequence[_Layer], asked: Sequence[_Layer]) -> dict[str, Any]:
    """Return the keys of all files, each over the one it extends, and of what was asked on top."""
    keys: dict[str, Any] = {}
    for layer in files:
        keys = _overlaid(keys, layer.keys)
    on_top: dict[str, Any] = {}
    for layer in asked:  # first merged with each other, so that two of them can make up one choice
        on_top = _merged(on_top, layer.keys)
    return _overlaid(keys, on_top)


def dump_scenario(scenario: Scenario) -> str:
    """Return the resolved scenario as YAML that loads to an equal one, from any folder."""
    keys = _with_nulls(scenario.model_dump(mode="json", exclude_none=True), scenario)
    text = io.StringIO()
    yaml = YAML()
    # else ruamel 0.19 leaves a next-line sign (U+0085) bare and reads back a space
    yaml.allow_unicode = False
    yaml.width = 1000
    yaml.dump(keys, text)
    return text.getvalue()


def _with_nulls(keys: dict[str, Any], scenario: Scenario) -> dict[str, Any]:
    """Return `keys` with a null for what the link's preset would settle and the scenario has not."""
    if scenario.link.preset is None:
        return keys
    settled = load_preset(scenario.link.preset).link_keys()
    return {**keys, "link": _denied(settled, keys["link"])}


def _denied(settled: dict[str, Any], keys: dict[str, Any]) -> dict[str, Any]:
    nulls: dict[str, Any] = {key: None for key in settled if key not in keys}
    inner = {
        key: _denied(value, keys[key])
        for key, value in settled.items()
        if isinstance(value, dict) and isinstance(keys.get(key), dict)
    }
    return {**keys, **nulls, **inner}


def _file_layers(path: Path, extended_by: tuple[Path, ...]) -> list[_Layer]:
    keys = _read(path)
    layer = _Layer(str(path), _paths_from(keys, path.parent))
    base = layer.keys.pop("extends", None)
    if base is None:
        return [layer]
    chain = (*extended_by, Path(os.path.realpath(path)))
    if not isinstance(base, str) or not names_a_file(base) or not _is_there(path.parent / base):
        raise ScenarioError(str(path), "extends", shown(base), "the path of another scenario file")
    if Path(os.path.realpath(path.parent / base)) in chain or len(chain) >= MAX_EXTENDS:
        allowed = f"a file that does not lead back here, at most {MAX_EXTENDS} deep"
        raise ScenarioError(str(path), "extends", shown(base), allowed)
    return [*_file_layers(path.parent / base, chain), layer]


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name too long
        return False


def _override(override: str, folder: Path) -> _Layer:
    key, equals, text = override.partition("=")
    if not equals or not all(key.split(".")):
        raise ScenarioError("override", "", shown(override), "key=value, such as link.loss.rate=0.1")
    source = f"override {cut(override)}"
    keys = parsed(text, source)
    for part in reversed(key.split(".")):
        keys = {part: keys}
    return _Layer(source, _paths_from(keys, folder))


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        inside = min(path.glob("*.yaml"), default=None) if path.is_dir() else None  # as a run folder has one
        allowed = "a scenario in YAML" + (f", such as {inside}" if inside else "")
        raise ScenarioError(str(path), "", f"no readable file ({reason})", allowed) from None
    if len(raw) > MAX_FILE_BYTES:
        allowed = f"a scenario in YAML, at most {MAX_FILE_BYTES} bytes"
        raise ScenarioError(str(path), "", "a larger file", allowed)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        found = f"byte 0x{raw[error.start]:02x} at {error.start}"
        raise ScenarioError(str(path), "", found, "YAML in UTF-8") from None
    keys = parsed(text, str(path))
    if not isinstance(keys, dict):
        found = "nothing" if keys is None else shown(keys)
        raise ScenarioError(str(path), "", found, "a mapping with " + ", ".join(Scenario.model_fields))
    return keys


def _paths_from(keys: Any, folder: Path) -> Any:
    """Return `keys` with bare texts as what they stand for, and paths absolute from `folder`.

    Those of the photo, a trace, and a model that is no bundled one.
    """
    if not isinstance(keys, dict):
        return keys
    if isinstance(keys.get("link"), str):
        keys = {**keys, "link": {"preset": keys["link"]}}
    link = keys.get("link")
    if isinstance(link, dict) and link.get("loss") == "none":  # a mapping, that other keys can change
        keys = {**keys, "link": {**link, "loss": {"kind": INDEPENDENT, "rate": 0}}}
    if isinstance(keys.get("image"), str):
        keys = {**keys, "image": {"path": keys["image"]}}
    codec = keys.get("codec")
    if isinstance(codec, dict) and str(codec.get("model")).endswith(WEIGHTS):
        keys = {**keys, "codec": {**codec, "model": str(_path_from(codec["model"], (), folder))}}
    return _path_from(_path_from(keys, ("image", "path"), folder), ("link", "loss", "path"), folder)


def _path_from(keys: Any, where: Sequence[str], folder: Path) -> Any:
    """Return `keys` with the path that stands at `where`, if one does, made absolute from `folder`."""
    if not where:
        return Path(os.path.realpath(folder / keys)) if isinstance(keys, str) and names_a_file(keys) else keys
    first, *rest = where
    if not isinstance(keys, dict) or first not in keys:
        return keys
    return {**keys, first: _path_from(keys[first], rest, folder)}


def _overlaid(base: dict[str, Any], overlay: dict[str, Any]) -> dict[str, Any]:
    """Return `base` with `overlay` merged over it, without what the overlay replaces whole."""
    kept = {key: value for key, value in base.items() if not _replaces(overlay, key)}
    for key, usual in (("loss", INDEPENDENT), ("windows", SCHEDULE)):
        before, after = _in_link(kept, key), _in_link(overlay, key)
        if before and "kind" in after and after["kind"] != before.get("kind", usual):
            kept["link"] = {**kept["link"], key: None}
    return _merged(kept, overlay)


def _with_preset(keys: dict[str, Any]) -> dict[str, Any]:
    """Return `keys` with what the link's preset settles where the scenario gives nothing."""
    link = keys.get("link")
    if not isinstance(link, dict) or not isinstance(link.get("preset"), str):
        return keys
    return {**keys, "link": _merged(load_preset(link["preset"]).link_keys(), link)}


def _in_link(keys: dict[str, Any], key: str) -> dict[str, Any]:
    link = keys.get("link")
    choice = link.get(key) if isinstance(link, dict) else None
    return choice if isinstance(choice, dict) else {}


def _merged(base: dict[str, Any], overlay: dict[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in overlay.items():
        both = isinstance(value, dict) and isinstance(base.get(key), dict)
        result[key] = _merged(base[key], value) if both else value
    return result


def _source_of(path: KeyPath, files: Sequence[_Layer], asked: Sequence[_Layer]) -> str:
    """Return the last layer that has the key or, where none has it, the nearest key above it."""
    names = list(itertools.takewhile(lambda part: isinstance(part, str), path))  # lists are replaced whole
    layers = _counting(names[0], files, asked) if names else files
    while names:
        having = [layer.source for layer in layers if _has(layer.keys, names)]
        if having:
            return having[-1]
        names.pop()
    return layers[0].source


def _counting(name: int | str, files: Sequence[_Layer], asked: Sequence[_Layer]) -> list[_Layer]:
    """Return the layers from the last on that replaces the whole of a top-level key; all if none does."""
    if any(_replaces(layer.keys, name) for layer in asked):
        return [*asked]
    first = max((number for number, layer in enumerate(files) if _replaces(layer.keys, name)), default=0)
    return [*files[first:], *asked]


def _replaces(overlay: dict[str, Any], name: int | str) -> bool:
    """Whether nothing of a top-level key before holds: another choice, or another service as the link."""
    return name in overlay if name in CHOICES else name == "link" and _has(overlay, ["link", "preset"])


def _has(keys: Any, names: Sequence[int | str]) -> bool:
    for name in names:
        if not isinstance(keys, dict) or name not in keys:
            return False
        keys = keys[name]
    return True
