"""The command `satsim links`."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from satsim.commands.options import AsJson
from satsim.csv_file import json_text
from satsim.ending import ends_well
from satsim.errors import InputError, TraceError
from satsim.fit import fit_bursts
from satsim.presets import load_preset, preset_names
from satsim.terminal import preset_lines, presets_table
from satsim.trace import read_trace


@ends_well
def links(
    name: Annotated[
        str | None, typer.Argument(help="A preset to show, or `fit`; else all are listed.")
    ] = None,
    trace: Annotated[Path | None, typer.Argument(help="With `fit`: a CSV of time_s and outcome.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the services that a scenario can name as its link, or show one with the sources of its values.

    `satsim links fit trace.csv` gives the Gilbert-Elliott loss of a recorded trace, with 95 % intervals.
    """
    if name == "fit":
        _fit(trace, as_json)
        return
    if trace is not None:
        raise InputError(f"links {name}: found a trace, {trace}; allowed: one after `fit` alone")
    presets = {each: load_preset(each) for each in ([name] if name else preset_names())}
    if as_json:
        fields = {each: preset.model_dump(mode="json", exclude_none=True) for each, preset in presets.items()}
        typer.echo(json_text(fields[name] if name else fields))
    elif name:
        typer.echo("\n".join(preset_lines(presets[name])))
    else:
        Console().print(presets_table(presets))


def _fit(trace: Path | None, as_json: bool) -> None:
    if trace is None:
        raise InputError("links fit: found no trace; allowed: a CSV file, as in `satsim links fit trace.csv`")
    recorded = read_trace(trace)
    try:
        found = fit_bursts(recorded.lost)
    except TraceError as error:
        raise InputError(f"{trace}: {error}") from None
    if as_json:
        estimates = {"rate": found.rate._asdict(), "mean_burst": found.mean_burst._asdict()}
        typer.echo(json.dumps({**found._asdict(), **estimates}))
        return
    for name, (value, low, high) in (("rate", found.rate), ("mean burst", found.mean_burst)):
        typer.echo(f"{name:10} {value:.4g}, 95 % interval {low:.4g} to {high:.4g}")
    typer.echo(f"{found.losses} lost of {found.outcomes}, in {found.bursts} bursts that end in the trace")
    # all digits: rounded, the two may not go together
    loss = f"rate: {found.rate.value!r}, mean_burst: {found.mean_burst.value!r}"
    typer.echo(f"loss: {{kind: gilbert_elliott, {loss}}}")
