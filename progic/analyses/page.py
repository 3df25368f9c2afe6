"""One self-contained page of all analyses in a folder, and the table of ours beside the paper's as Markdown.

Both are drawn from the files of the folder and nothing else.
"""

import base64
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

from progic.analyses.published import PAPER
from progic.replacing import replacing

PAGE, FINDINGS = "paper.html", "findings.md"
SVG_BYTES = 400_000  # a larger figure, or one with photos in it, goes on the page as WebP
WEBP_QUALITY = 88
MOST_ROWS = 150  # of a table on the page; the CSV has all
HEADS = ("", "ours", "paper", "difference", "analysis", "source of the paper's value")


class Part(NamedTuple):
    """One analysis on the page."""

    content: Mapping[str, Any]  # its JSON
    figure: str  # a data address
    is_drawing: bool  # lines alone, which may be inverted for a dark page


def write_page(folder: Path, names: Sequence[str], complaints: Mapping[str, str]) -> Path:
    """Write paper.html and findings.md from the analyses in the folder; return the page's path.

    One with a complaint is not shown: what is there of it is of another time, model or folder.
    """
    made = [name for name in names if name not in complaints]
    parts = [part for name in made if (part := _part(folder, name)) is not None]
    environment = Environment(
        loader=PackageLoader("progic"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cell"] = cell_text
    shown = {part.content["name"] for part in parts}
    page = environment.get_template("paper.html.jinja").render(
        parts=parts,
        paper=PAPER,
        heads=HEADS,
        most_rows=MOST_ROWS,
        missing={name: complaints.get(name, "not made yet") for name in names if name not in shown},
    )
    for name, text in ((PAGE, page), (FINDINGS, findings([part.content for part in parts]))):
        with replacing(folder / name) as partial:
            partial.write_text(text, encoding="utf-8", newline="\n")
    return folder / PAGE


def findings(contents: Sequence[Mapping[str, Any]]) -> str:
    """All of ours beside the paper's, as a Markdown table."""
    lines = [f"| {' | '.join(HEADS)} |", "|" + " --- |" * len(HEADS)]
    for content in contents:
        for each in content["beside"]:
            photos = f"`{content['name']}`, {content['model']}, {content['photos']} photos"
            cells = (each["what"], each["ours"], each["paper"], each["difference"], photos, each["source"])
            lines.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
    return "\n".join(lines) + "\n"


def cell_text(value: object) -> str:
    """A table's cell: numbers short, an en dash for nothing."""
    if value is None or value == "":
        return "–"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _part(folder: Path, name: str) -> Part | None:
    try:
        content = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        svg = (folder / f"{name}.svg").read_bytes()
        if len(svg) <= SVG_BYTES and b"<image" not in svg:
            return Part(content, _address("image/svg+xml", svg), True)
        return Part(content, _address("image/webp", _webp(folder / f"{name}.png")), False)
    except (OSError, ValueError):
        return None


def _webp(path: Path) -> bytes:
    data = io.BytesIO()
    with Image.open(path) as image:
        image.convert("RGB").save(data, "WEBP", quality=WEBP_QUALITY, method=4)
    return data.getvalue()


def _address(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
