"""The templates of satsim's pages: escaped, and with an error for a name that a page is not given."""

from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template


def template_of(name: str, filters: Mapping[str, Callable[..., Any]] | None = None) -> Template:
    """Return a template of the package, with filters of its own."""
    environment = Environment(
        loader=PackageLoader("satsim"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= filters or {}
    return environment.get_template(name)
