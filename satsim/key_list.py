"""Every key that a scenario can have, as its settings tell it."""

from collections.abc import Iterator
from typing import NamedTuple, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from satsim.complaints import models_in, shown
from satsim.section import Else, Section
from satsim.settings import Scenario


class Key(NamedTuple):
    """One key, with what is allowed there."""

    name: str  # dotted; [] after a list, for each of its items
    kind: str  # of its section, where it is of one kind alone
    allowed: str
    default: str  # as in YAML or in words; "" where nothing stands for it, or its own keys say it
    required: bool = False  # where its section is given

    def __str__(self) -> str:
        """Return it as a line."""
        of = f" (kind: {self.kind})" if self.kind else ""
        default = f"; else {self.default}" if self.default else ""
        return f"{self.name}{of}: {self.allowed}{default}{'; required' if self.required else ''}"


EXTENDS = Key("extends", "", "the path of another scenario file, whose keys hold where this one has none", "")


def keys_of() -> list[Key]:
    """Return the keys in the order of the settings; those of a section that stands in two places once."""
    return [EXTENDS, *_keys(Scenario, "", "", set())]


def keys_below(name: str) -> list[Key]:
    """Return a key and those below it, wherever it stands; empty for a name that is no key."""
    return [key for key in [EXTENDS, *_keys(Scenario, "", "", None)] if f"{key.name}.".startswith(f"{name}.")]


def _keys(
    section: type[BaseModel], prefix: str, kind: str, known: set[type[BaseModel]] | None
) -> Iterator[Key]:
    for name, field in section.model_fields.items():
        if name == "kind" and known is not None:  # which stands beside the keys that it brings
            continue
        inner = [each for each in models_in(field.annotation) if known is None or each not in known]
        if known is not None:
            known.update(inner)
        yield Key(f"{prefix}{name}", kind, field.description or "", _default_of(field), field.is_required())
        items = "[]" if str(field.annotation).startswith("tuple") else ""
        for each in inner:
            yield from _keys(each, f"{prefix}{name}{items}.", _kind_of(each), known)


def _kind_of(section: type[BaseModel]) -> str:
    kind = section.model_fields.get("kind")
    return "" if kind is None else str(get_args(kind.annotation)[0])


def _default_of(field: FieldInfo) -> str:
    default = field.default
    for told in field.metadata:
        if isinstance(told, Else):
            return told.words
    if field.is_required() or default is None:
        return ""
    if isinstance(default, Section):
        return _section_text(default)
    if isinstance(default, tuple) and isinstance(default[0], Section):
        return f"[{', '.join(each.name for each in default)}]"
    return shown(default)


def _section_text(default: Section) -> str:
    """Return a section as in YAML, without what its own keys say; of several kinds always with its kind."""
    chosen = default.model_dump(exclude_defaults=True, exclude_none=True)
    kind = _kind_of(type(default))
    keys = {"kind": kind, **chosen} if kind else chosen
    return f"{{{', '.join(f'{key}: {value}' for key, value in keys.items())}}}" if keys else ""
