"""The viewer's one page: as `satsim serve` gives it, or alone in a file that asks for nothing."""

from importlib.resources import files
from typing import Any

from satsim.browser_decoder import Decoding, browser_files
from satsim.inlined import inlined
from satsim.page_template import template_of
from satsim.playback import playback_of
from satsim.rundir import Run, picture_files

FOLDER = files("satsim") / "viewer"
SCRIPTS = ("moments.js", "drawing.js", "player.js")  # those that play; sending.js talks to a server
RECEIVING = ("packets.js", "parity.js", "gathering.js", "receiving.js")  # those that take packets in
WORKER = ("packets.js", "files.js", "decoding.js")  # those that draw, beside the page


def served_page(given: dict[str, Any]) -> str:
    """Return the page that loads its scripts, and each run, from the server."""
    return _page(given=given, is_alone=False, title="satsim", style="", scripts=[], decoding=None)


def lone_page(run: Run | None, decoding: Decoding | None = None) -> str:
    """Return the page with all that it needs in it: a run to play back, or what decodes packets, or both.

    Raises RunFolderError for the mean of many photos.
    """
    scripts = SCRIPTS + (RECEIVING if decoding else ())
    return _page(
        given={
            "run": _recorded(run) if run else None,
            "decoders": _decoders(decoding) if decoding else [],
            "files": [each._asdict() for each in browser_files()] if decoding else [],
        },
        is_alone=True,
        title=f"{run.scenario.name} - satsim" if run else "satsim",
        style=_text("viewer.css"),
        scripts=[_text(name) for name in scripts],
        decoding=decoding and {**decoding._asdict(), "worker": "\n".join(map(_text, WORKER))},
    )


def _recorded(run: Run) -> dict[str, Any]:
    sources = inlined(picture_files(run))
    return playback_of(run, lambda file: sources[file])


def _decoders(decoding: Decoding) -> list[dict[str, Any]]:
    """Return what the scripts need to know of the decoders; their graphs stand elsewhere on the page."""
    return [
        {
            "name": each.name,
            "fingerprint": each.fingerprint,
            "nStages": each.n_stages,
            "bitsPerIndex": each.bits_per_index,
            "factor": each.downsampling_factor,
            "nBytes": each.graph_bytes,
            "graphId": f"graph-{number}",
        }
        for number, each in enumerate(decoding.decoders)
    ]


def _page(**values: Any) -> str:
    return template_of("viewer.html.jinja").render(**values)


def _text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
