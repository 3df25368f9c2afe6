"""What every mapping in a scenario is, and how its validators say what is allowed."""

import os
from typing import NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator
from pydantic_core import PydanticCustomError

WEEK_S = 604_800
WEEK_TEXT = f"a number from 0 to {WEEK_S} (seconds)"
PRESET_TEXT = "the name of a preset that `satsim links` lists"


def not_allowed(allowed: str) -> PydanticCustomError:
    """Return an error for a validator to raise; `allowed` completes the line in the message."""
    return PydanticCustomError("not_allowed", "{allowed}", {"allowed": allowed})


def names_a_file(value: object) -> bool:
    """Tell whether a path is one that a file can have."""
    text = str(value)
    try:
        os.fsencode(text)
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return bool(text.strip()) and "\0" not in text


def of_a_file(allowed: str) -> BeforeValidator:
    """Return what refuses a path that no file can have; `allowed` completes the line in the message."""

    def checked(path: object) -> object:
        if not names_a_file(path):
            raise not_allowed(allowed)
        return path

    return BeforeValidator(checked)


def listed(value: object) -> object:
    """Return a list of YAML as the tuple that a frozen model holds."""
    return tuple(value) if isinstance(value, list) else value


def by_kind(default: str) -> Discriminator:
    """Return what tells sections apart by their `kind`, `default` where none is said."""

    def kind_of(value: object) -> str | None:
        if isinstance(value, Section):
            return str(getattr(value, "kind", None))
        if not isinstance(value, dict):
            return None
        kind = value.get("kind", default)
        return kind if isinstance(kind, str) else "no text"

    return Discriminator(kind_of)


class Else(NamedTuple):
    """What holds where a key is not given, in words: metadata of a field whose default does not say it."""

    words: str


class Section(BaseModel):
    """A mapping in a scenario: no unknown keys, no conversions (`"60"` and `true` are no numbers), frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
