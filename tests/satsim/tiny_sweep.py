"""A sweep of a tiny scenario, whose points take a fraction of a second."""

import csv
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from typer.testing import CliRunner

from satsim.cli import app

SCENARIO = """
name: tiny
image: {path: photo.png, size: [32, 32]}
sender: {encode_s: 0}
link: {payload_bytes: 600, interval_s: 60, loss: {rate: 0.3}}
repair: {kind: carousel, rounds: 2}
schemes:
  - {name: raw, codec: identity, delivery: progressive, budget_bytes: 4000}
  - {name: webp, codec: webp, delivery: high, budget_bytes: 300}
metrics: [psnr_db]
seed: 3
"""


def tiny_in(folder: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "photo.png")
    path = folder / "tiny.yaml"
    path.write_text(SCENARIO, encoding="utf-8")
    return path


def swept(scenario: Path, *arguments: str, out: str = "out") -> Path:
    target = scenario.parent / out
    command = ["sweep", str(scenario), "-o", str(target), *arguments]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    return target


def rows_of(target: Path) -> list[dict[str, str]]:
    with (target / "sweep.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def command_of(tiny: Path, *arguments: str) -> list[str]:
    start = [sys.executable, "-c", "from satsim.cli import main; main()", "sweep", str(tiny)]
    return [*start, "-o", str(tiny.parent / "out"), "-q", *arguments]
