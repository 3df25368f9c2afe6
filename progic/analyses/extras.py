"""Packages that only some analyses need, brought in when they are wanted."""

import importlib
from types import ModuleType

from progic.errors import InputError


class MissingExtra(InputError):
    """A package that this installation lacks; the message has the command that brings it."""


def wanted(module: str, why: str, install: str = "'progic-satsim[analyse]'") -> ModuleType:
    """Import a module by name. Raises MissingExtra naming what needs it and the command that brings it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = error.name or module.partition(".")[0]
        raise MissingExtra(
            f"{why} needs the package {package.partition('.')[0]}: pip install {install}"
        ) from None
