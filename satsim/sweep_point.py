"""One point of a sweep, as a worker runs it: alone in its process, or on another machine."""

from dataclasses import asdict
from functools import lru_cache

import torch

from satsim.csv_file import rounded
from satsim.fleet_settings import FleetSettings
from satsim.intake import load_parts, name_in, open_album, open_for, photo_seed
from satsim.kept import Row
from satsim.means import mean_summary
from satsim.repair_settings import NoRepair
from satsim.sender_settings import SenderSettings
from satsim.sending import Sent, send_photo
from satsim.settings import LinkSettings, Scenario
from satsim.spread import statistics_of
from satsim.studio import Studio
from satsim.tally import pooled


def run_point(scenario: Scenario) -> list[Row]:
    """Return a row for each scheme: its name, its summary, and how its runs spread where there are many.

    Of a folder of photos the rows are means over the photos. One thread, so that the figures do not depend on
    how many workers there are.
    """
    torch.set_num_threads(1)
    studios = _studios(unsent(scenario))
    is_album = scenario.image.path.is_dir()
    sent = []
    for studio in studios:
        own = scenario
        if is_album:
            name = name_in(scenario.image.path, studio.photo.path)
            own = scenario.model_copy(update={"seed": photo_seed(scenario.seed, name)})
        sent.append(send_photo(own, studio, lambda step, done: None))
    cluster = scenario.fleet.handsets * (scenario.runs if is_album else 1)
    return [
        _row(
            scheme.name, [each[scheme.name] for each in sent], is_album, cluster, "dists" in scenario.metrics
        )
        for scheme in scenario.schemes
    ]


def _row(scheme: str, sent: list[Sent], is_album: bool, cluster: int, has_dists: bool) -> Row:
    summary = (
        mean_summary([each.view.summary for each in sent], has_dists) if is_album else sent[0].view.summary
    )
    row: Row = {"scheme": scheme, **asdict(summary)}
    shown = pooled([each.tally for each in sent])
    if shown is not None:
        for name, spread in asdict(statistics_of(scheme, shown, cluster, has_dists).spread).items():
            row |= {f"{name}_{part}": value for part, value in (spread or {}).items()}
    found: Row = rounded(row)
    return found


def unsent(scenario: Scenario) -> Scenario:
    """Return the scenario without its link: equal for all points with one photo and codec."""
    return scenario.model_copy(
        update={
            "name": "studio",
            "sender": SenderSettings(encode_s=0),
            "link": LinkSettings(payload_bytes=21, interval_s=1),
            "repair": NoRepair(kind="none"),
            "fleet": FleetSettings(),
            "seed": 0,
            "runs": 1,
        }
    )


@lru_cache(maxsize=2)
def _studios(scenario: Scenario) -> list[Studio]:
    path = scenario.image.path
    photos = list(open_album(scenario, path).photos.values()) if path.is_dir() else [open_for(scenario, path)]
    parts = load_parts(scenario)
    return [Studio(scenario, photo, parts) for photo in photos]
