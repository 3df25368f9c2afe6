"""pydantic's findings, turned into lines that a user can act on."""

import difflib
import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from satsim.errors import ScenarioError

SHOWN_CHARS = 60
TURNING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}  # bidirectional controls

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
        return f'"{cut(value.replace(chr(10), " / "))}"'  # a message is one line
    return cut(_text(value))


def dotted(path: KeyPath) -> str:
    """Return `("schemes", 2, "name")` as `schemes[2].name`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def cut(text: str) -> str:
    """Return `text` as one line that a terminal can show, shortened to a readable length."""
    text = printable(text[: SHOWN_CHARS + 1])  # of a text of megabytes, too
    return text if len(text) <= SHOWN_CHARS else text[: SHOWN_CHARS - 1] + "…"


def printable(name: str) -> str:
    """Return a file's name as one line of text that XML can hold, and that turns no text around it."""
    return "".join(repr(each)[1:-1] if _is_no_text(each) else each for each in name)


def _is_no_text(sign: str) -> bool:
    is_control = unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") or sign in "\ufffe\uffff"
    return is_control or unicodedata.bidirectional(sign) in TURNING


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
    place, kind = _placed(detail["loc"], model), detail["type"]
    if kind == "extra_forbidden":
        above = _placed(detail["loc"][:-1], model)
        unknown = cut(_text(detail["loc"][-1]))
        known = list(above.model.model_fields)
        kinds = [str(kind) for kind, each in above.kinds.items() if unknown in each.model_fields]
        other = f" ({unknown} is of kind: {' or '.join(kinds)})" if kinds else nearest(unknown, known)
        key, allowed = dotted((*above.path, unknown)), ", ".join(known) + other
        return ScenarioError(source_of(place.path), key, "an unknown key", allowed)
    path, found, allowed = place.path, detail["input"], place.allowed
    if kind == "union_tag_invalid":
        path, found = (*path, "kind"), found["kind"]
        allowed = ", ".join(re.findall(r"\w+", str(detail["ctx"]["expected_tags"])))
    if kind == "missing":
        return ScenarioError(source_of(path), dotted(path), "nothing", allowed)
    if kind == "not_allowed":
        allowed = str(detail["ctx"]["allowed"])
    if kind in ("literal_error", "not_allowed", "union_tag_invalid"):
        allowed += nearest(found, re.findall(r"\w+", allowed))
    return ScenarioError(source_of(path), dotted(path), shown(found), allowed)


def nearest(found: object, known: Sequence[str], cutoff: float = 0.6) -> str:
    """Return what `found` was perhaps meant to be, to stand behind what is allowed, or ""."""
    near = difflib.get_close_matches(found, known, 1, cutoff) if isinstance(found, str) else []
    return f" (did you mean {near[0]}?)" if near else ""


class _Place(NamedTuple):
    """Where pydantic found a fault."""

    path: KeyPath  # as the user would write it
    model: type[BaseModel]  # the innermost on the path
    kinds: dict[object, type[BaseModel]]  # among which its `kind` chose it; else empty
    allowed: str  # the description of the innermost described field


def _placed(loc: KeyPath, model: type[BaseModel]) -> _Place:
    """Walk down `loc`, pydantic's path, in which a chosen kind's name stands before its keys."""
    path: list[int | str] = []
    allowed = "a mapping with " + ", ".join(model.model_fields)
    kinds: dict[object, type[BaseModel]] = {}
    chosen_from = kinds
    for part in loc:
        if part in kinds:
            model, chosen_from, kinds = kinds[part], kinds, {}
            continue
        path.append(part)
        field = model.model_fields.get(str(part))
        if field is None:
            continue  # an index into a list: the list's own description stands
        allowed = field.description or allowed
        inner = models_in(field.annotation)
        model = inner[0] if inner else model
        kinds = {_kind_of(each): each for each in inner} if len(inner) > 1 else {}
        chosen_from = {}
    return _Place(tuple(path), model, chosen_from, allowed)


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """Return the models that a field's annotation names, at any depth."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in models_in(part)]


def _kind_of(model: type[BaseModel]) -> object:
    """Return the one value that the `kind` of a model of several may have."""
    (kind,) = get_args(model.model_fields["kind"].annotation)
    return kind
