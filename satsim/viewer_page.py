"""The viewer's one page: as `satsim serve` gives it, or alone in a file that asks for nothing."""

from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from satsim.inlined import inlined
from satsim.playback import playback_of
from satsim.rundir import Run, picture_files

FOLDER = files("satsim") / "viewer"
SCRIPTS = ("moments.js", "drawing.js", "player.js")  # those that play; sending.js talks to a server


def served_page(given: dict[str, Any]) -> str:
    """Return the page that loads its scripts, and each run, from the server."""
    return _page(given=given, is_alone=False, title="satsim", style="", scripts=[])


def lone_page(run: Run) -> str:
    """Return the page with all that a run needs in it; raises RunFolderError for the mean of many photos."""
    sources = inlined(picture_files(run))
    given = {"run": playback_of(run, lambda file: sources[file])}
    return _page(
        given=given,
        is_alone=True,
        title=f"{run.scenario.name} - satsim",
        style=_text("viewer.css"),
        scripts=[_text(name) for name in SCRIPTS],
    )


def _page(**values: Any) -> str:
    environment = Environment(
        loader=PackageLoader("satsim"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("viewer.html.jinja").render(**values)


def _text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
