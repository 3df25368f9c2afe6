"""A toy codec and a toy scenario, so that whole runs take a fraction of a second.

Hypothesis runs without its 200 ms deadline: a busy machine is no fault in the code.
"""

import math
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright
from starlette.testclient import TestClient

import progic
from progic import weights
from progic.config import CodecConfig
from satsim import workers
from satsim.pipeline import run_scenario
from satsim.progress import Progress
from satsim.report import finish
from satsim.run_queue import RunQueue
from satsim.rundir import Run
from satsim.scenario import load_scenario
from satsim.settings import Scenario
from satsim.viewer_page import lone_page
from satsim.web import Server, app_of
from tests.satsim.stub_runtime import stub_decoding

settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
browser_here = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_S = 90  # a busy machine is no fault in the page
expect.set_options(timeout=PATIENCE_S * 1000)
DROP = """files => {
  const transfer = new DataTransfer();
  for (const [name, bytes] of files) transfer.items.add(new File([new Uint8Array(bytes)], name));
  return transfer;
}"""

CELL_PX = 16
TOY_SCENARIO = """
name: toy
image: {path: photo.png, size: [64, 64]}
codec: {model: f16, stages: 3, bits_per_index: 10, downsampling_factor: 16}
sender: {encode_s: 0.5}
link: {payload_bytes: 40, interval_s: 60}
schemes:
  - progressive
  - low_bpp
  - high_bpp
  - {name: webp, codec: webp, delivery: high, budget_bytes: 400}
  - avif_low
metrics: [psnr_db]
"""


class ToyCodec:
    """Each stage is one channel's mean in every 16x16 cell: red, green, blue; what is not held is grey."""

    config = CodecConfig(name="toy", n_stages=3)
    fingerprint = "70f0" * 16

    def __init__(self) -> None:
        self.n_encoded = self.n_decoded = 0

    def encode(self, photo: Image.Image) -> list[bytes]:
        self.n_encoded += 1
        cells = photo.resize((photo.width // CELL_PX, photo.height // CELL_PX), Image.Resampling.BOX)
        levels = np.asarray(cells).reshape(-1, 3)
        n_bytes = math.ceil(len(levels) * 10 / 8)  # as ten bits a cell
        return [levels[:, channel].tobytes().ljust(n_bytes, b"\0") for channel in range(3)]

    def decode(self, stages: Mapping[int, bytes], size: tuple[int, int]) -> Image.Image:
        self.n_decoded += 1
        width, height = size[0] // CELL_PX, size[1] // CELL_PX
        levels = np.full((height, width, 3), 128, dtype=np.uint8)
        for channel, stage in stages.items():
            levels[..., channel] = np.frombuffer(stage[: width * height], np.uint8).reshape(height, width)
        return Image.fromarray(levels).resize(size, Image.Resampling.NEAREST)


def smooth_photo(seed: int, size: tuple[int, int] = (96, 96)) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)


@pytest.fixture
def toy_codec(monkeypatch: pytest.MonkeyPatch) -> ToyCodec:
    """What `progic.load` gives in a test that asks for this."""
    codec = ToyCodec()
    monkeypatch.setattr(progic, "load", lambda model: codec)
    monkeypatch.setattr(weights, "config_of", lambda model: codec.config)
    return codec


@pytest.fixture
def toy_scenario(tmp_path: Path, toy_codec: ToyCodec) -> Path:
    """A scenario file beside its photo; runs of it meet the toy codec."""
    smooth_photo(5).save(tmp_path / "photo.png")
    (tmp_path / "toy.yaml").write_text(TOY_SCENARIO, encoding="utf-8")
    return tmp_path / "toy.yaml"


@pytest.fixture
def run_toy(toy_scenario: Path) -> Callable[..., Run]:
    """Run the toy scenario with overrides into a folder beside it; the figure and the report if `drawn`."""

    def run(*overrides: str, name: str = "run", drawn: bool = False, overwrite: bool = False) -> Run:
        scenario = load_scenario(toy_scenario, overrides)
        draw = finish if drawn else lambda folder: None
        target = toy_scenario.parent / name
        return run_scenario(scenario, str(toy_scenario), target, overwrite, draw, lambda step, done: None)

    return run


def work_here(patch: pytest.MonkeyPatch) -> None:
    """Do a command's jobs in this process: another takes seconds to start."""
    patch.setattr(workers, "local_workers", lambda jobs: ThreadPoolExecutor(1))


EXTRAS = {"jxl": "pillow_jxl", "heic": "pillow_heif"}  # of formats, what they need


def needs_extra(codec: str) -> None:
    """Skip the test where the codec's extra is not installed."""
    if codec in EXTRAS:
        pytest.importorskip(EXTRAS[codec])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a server has its inboxes and its runs."""
    (tmp_path / "inboxes").mkdir()
    return tmp_path


@pytest.fixture
def client(folder: Path, toy_codec: object) -> Iterator[TestClient]:
    """Asks a server whose runs meet the toy codec."""

    def compute(scenario: Scenario, file: str, target: Path, progress: Progress) -> None:
        run_scenario(scenario, file, target, False, finish, progress)

    with RunQueue(folder / "runs", compute) as queue:
        app = app_of(Server(queue, folder / "inboxes", ("psnr_db",), None), ["127.0.0.1", "localhost"])
        with TestClient(app, base_url="http://127.0.0.1") as client:
            yield client


@contextmanager
def serving(*what: str) -> Iterator[str]:
    """A server of its own, `satsim serve`, and its address."""
    command = [sys.executable, "-m", "satsim", "serve", *what, "--port", "0", "--metrics", "psnr"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as server:
        assert server.stdout is not None and server.stderr is not None
        yield server.stdout.readline().decode().split()[1]
        server.send_signal(signal.SIGTERM)
        assert server.wait(PATIENCE_S) == 130
        assert server.stderr.read().decode() == "satsim: stopped\n"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser in which every request is to this machine and no script fails."""
    context = browser.new_context(reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_S * 1000)
    asked: list[str] = []
    faults: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    context.on("weberror", lambda error: faults.append(str(error.error)))
    yield context
    context.close()
    assert faults == []
    assert [url for url in asked if not re.match(r"http://127\.0\.0\.1:|file://|data:|blob:", url)] == []


@pytest.fixture(scope="module")
def stub_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page that decodes with what stands for ONNX Runtime, and two models."""
    path = tmp_path_factory.mktemp("page") / "decoder.html"
    path.write_text(lone_page(None, stub_decoding()), encoding="utf-8")
    return path
