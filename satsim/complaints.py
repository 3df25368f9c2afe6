"""pydantic's findings, turned into lines that a user can act on."""

import difflib
import re
from collections.abc import Callable, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from satsim.errors import ScenarioError

SHOWN_CHARS = 60

KeyPath = tuple[int | str, ...]
SourceOf = Callable[[KeyPath], str]


def complain(error: ValidationError, model: type[BaseModel], source_of: SourceOf) -> ScenarioError:
    """Return one error with a line for each of pydantic's findings; `source_of` names the file of a key."""
    details = error.errors(include_url=False)
    faults = [_fault(each, model, source_of) for each in details if not _follows_from_another(each, details)]
    first, *others = faults
    return ScenarioError(first.file, first.key, first.found, first.allowed, tuple(others))


def shown(value: object) -> str:
    """Return a value as it would stand in YAML, cut to a readable length."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, dict):
        return f"{{{cut(', '.join(_text(key) for key in value))}}}"
    if isinstance(value, list | tuple):
        return f"[{cut(', '.join(_text(part) for part in value))}]"
    if isinstance(value, str):
        return f'"{cut(value)}"'
    return cut(_text(value))


def dotted(path: KeyPath) -> str:
    """Return `("schemes", 2, "name")` as `schemes[2].name`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def cut(text: str) -> str:
    """Return `text`, shortened to a readable length."""
    return text if len(text) <= SHOWN_CHARS else text[: SHOWN_CHARS - 1] + "…"


def _text(value: object) -> str:
    if isinstance(value, list | tuple | dict | set):
        return "…"  # aliases can make a small file's values endless
    try:
        return str(value)
    except ValueError:  # Python refuses to write an int of more than 4300 digits
        return "a number of thousands of digits"


def _follows_from_another(detail: ErrorDetails, details: list[ErrorDetails]) -> bool:
    """Tell whether a list is called too short only because one of its items is wrong."""
    path = detail["loc"]
    deeper = (each["loc"] for each in details if len(each["loc"]) > len(path))
    return detail["type"] == "too_short" and any(each[: len(path)] == path for each in deeper)


def _fault(detail: ErrorDetails, model: type[BaseModel], source_of: SourceOf) -> ScenarioError:
    path, kind = detail["loc"], detail["type"]
    if kind in ("extra_forbidden", "invalid_key"):
        unknown = cut(_text(path[-1]))
        known = list(_described(path[:-1], model)[0].model_fields)
        allowed = ", ".join(known) + _nearest(unknown, known)
        return ScenarioError(source_of(path), dotted((*path[:-1], unknown)), "an unknown key", allowed)
    key = dotted(path)
    if kind == "missing":
        return ScenarioError(source_of(path), key, "nothing", _described(path, model)[1])
    allowed = str(detail["ctx"]["allowed"]) if kind == "not_allowed" else _described(path, model)[1]
    if kind in ("literal_error", "not_allowed"):
        allowed += _nearest(detail["input"], re.findall(r"\w+", allowed))
    return ScenarioError(source_of(path), key, shown(detail["input"]), allowed)


def _nearest(found: object, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(found, known, n=1) if isinstance(found, str) else []
    return f" (did you mean {near[0]}?)" if near else ""


def _described(path: KeyPath, model: type[BaseModel]) -> tuple[type[BaseModel], str]:
    """Walk down `path`: the innermost model on it, and the description of the innermost described field."""
    allowed = "a mapping with " + ", ".join(model.model_fields)
    for part in path:
        field = model.model_fields.get(str(part))
        if field is None:
            continue  # an index into a list: the list's own description stands
        allowed = field.description or allowed
        model = _model_in(field.annotation) or model
    return model, allowed


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)
