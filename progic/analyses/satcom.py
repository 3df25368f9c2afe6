"""`satcom` (Fig. 6): the forest-fire photo on its simulated link, from a folder that `satsim run` wrote.

progic imports no simulator: it reads a run's files, or starts the command `satsim` first.
"""

import csv
import json
import subprocess
import sys
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

from progic.analyses.drawing import hide, new_figure
from progic.analyses.published import SUPPLEMENT
from progic.analyses.result import Beside, Cell, Result, Row
from progic.analyses.study import SCENARIO, Study
from progic.errors import InputError, ProgicError
from progic.runtime import last_words

RUN = "forest_fire"  # folder in OUT where a run is put
COMMAND = f"satsim run {SCENARIO} -o runs/{RUN} && progic analyse satcom --run runs/{RUN}"
SECONDS = ("t_first_s", "t_usable_s", "t_detail_s", "t_final_s")
COUNTS = ("dists_first", "dists_final", "bytes", "packets_sent", "packets_lost")


def analyse(study: Study) -> Result:
    """Read a run. Raises InputError where there is none and no scenario to run."""
    given = study.settings.run
    folder = Path(given) if given else _fresh_run(study)
    summary = _summary(folder)
    rows = tuple(_row(scheme, values) for scheme, values in summary.items())
    return Result(
        name="satcom",
        title="The forest-fire photo, minute by minute",
        reference=f"Fig. 6 and section D of {SUPPLEMENT}",
        model="as the run says" if given else study.model,
        photos=max(int(values.get("photos") or 1) for values in summary.values()),
        rows=rows,
        beside=(_beside(rows),),
        notes=(
            f"Simulated by satsim: {len(_pictures(folder))} pictures of {len(rows)} schemes on one link.",
            f"Again, or with other losses: {COMMAND}",
        ),
        figure=_draw(folder),
    )


def _fresh_run(study: Study) -> Path:
    if not SCENARIO.is_file():
        raise InputError(f"satcom: {SCENARIO} is not in this folder; give a run: {COMMAND}")
    folder = study.out / RUN
    study.progress("satsim run", 0, 1)
    command = [sys.executable, "-m", "satsim", "run", str(SCENARIO), "-o", str(folder), "--overwrite"]
    config = study.codec.config
    model = study.model
    if model.endswith(".safetensors"):  # else from the scenario's folder
        model = json.dumps(str(Path(model).absolute()))
    keys = {"model": model, "stages": config.n_stages, "refine_steps": study.settings.refine_steps}
    if study.settings.refine_stagewise:
        keys["refine_stagewise"] = "true"
    keys |= {key: getattr(config, key) for key in ("bits_per_index", "downsampling_factor")}
    command += ["--quiet", *(word for key, value in keys.items() for word in ("-s", f"codec.{key}={value}"))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ProgicError(f"satcom: satsim run ended with: {last_words(done)}")
    study.progress("satsim run", 1, 1)
    return folder


def _summary(folder: Path) -> dict[str, dict[str, float | None]]:
    try:
        content = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        (folder / "timeline.png").stat()
        entries = content.items() if isinstance(content, dict) else ()
        schemes = {scheme: values for scheme, values in entries if isinstance(values, dict)}
        if not schemes or not all(_is_number(value) for each in schemes.values() for value in _told(each)):
            raise ValueError("no summary of a run")
    except (OSError, ValueError):
        wanted = "allowed is a folder that satsim run wrote (summary.json, timeline.png)"
        raise InputError(f"--run {folder}: found no run, {wanted}: {COMMAND}") from None
    return schemes


def _told(values: dict[str, object]) -> list[object]:
    return [values.get(key) for key in (*SECONDS, *COUNTS, "photos")]


def _is_number(value: object) -> bool:
    return value is None or isinstance(value, int | float)


def _pictures(folder: Path) -> list[dict[str, str]]:
    try:
        with (folder / "timeline.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except OSError:
        return []


def _row(scheme: str, values: dict[str, float | None]) -> Row:
    minutes = {key.replace("_s", "_min"): _minutes(values.get(key)) for key in SECONDS}
    return {"scheme": scheme, **minutes, **{key: values.get(key) for key in COUNTS}}


def _minutes(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds / 60, 3)


def _beside(rows: tuple[Row, ...]) -> Beside:
    first = rows[0]
    times = ", ".join(_short(first[key]) for key in ("t_first_min", "t_usable_min", "t_final_min"))
    return Beside(
        f"{first['scheme']}: minutes to the first, usable and last picture",
        times,
        "a figure, without a number",
        "none to take",
        f"{SUPPLEMENT}, Fig. 6",
    )


def _short(minutes: Cell) -> str:
    return f"{minutes:.1f}" if isinstance(minutes, float) else "never"


def _draw(folder: Path) -> Figure:
    with Image.open(folder / "timeline.png") as image:
        picture = image.convert("RGB")
    figure = new_figure(picture.width / 150, picture.height / 150)
    axes = figure.subplots()
    axes.imshow(picture)
    hide(axes)
    return figure
