"""The command `satsim keys`."""

import difflib
from typing import Annotated

import typer

from satsim.commands.options import AsJson
from satsim.csv_file import json_text
from satsim.ending import ends_well
from satsim.errors import InputError
from satsim.key_list import keys_below, keys_of


@ends_well
def keys(
    name: Annotated[
        str | None, typer.Argument(help="A key, such as link.windows: it and those below; else all.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the keys of a scenario, with what is allowed there and what holds where they are not given."""
    found = keys_of() if name is None else keys_below(name)
    if not found:
        near = difflib.get_close_matches(name or "", {key.name for key in keys_of()}, 3)
        raise InputError(f"keys: found {name}; allowed: {', '.join(near) or 'a key of a scenario'}")
    if as_json:
        typer.echo(json_text([key._asdict() for key in found]))
        return
    for key in found:
        typer.echo(str(key))
