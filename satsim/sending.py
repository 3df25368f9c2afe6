"""A photo over a scenario's link by every scheme, and what comes of it; nothing is written.

Photo > codecs > packetize > simulate > viewing (decode and score what was held).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from satsim.codec import CodecFailed, NothingFits, PhotoCodec
from satsim.codecs import unfit_text
from satsim.cost import NOTHING_KNOWN, costs_of
from satsim.monte_carlo import Replicator, Runs
from satsim.parcel import parcel_of
from satsim.progress import Progress
from satsim.settings import LinkSettings, Scenario, Scheme
from satsim.simulate import simulate_fleet
from satsim.studio import Studio
from satsim.tally import Tally, Worth, tally
from satsim.viewing import SchemeView, Showing, nothing_sent, shown, view_scheme, worth_of

UNKNOWN_TIME = 0  # the packet's capture time: results must not depend on a photo's clock


class Sent(NamedTuple):
    """A scheme's run, and what all its runs show where there are more than one."""

    view: SchemeView
    tally: Tally | None


def send_photo(scenario: Scenario, studio: Studio, progress: Progress) -> dict[str, Sent]:
    """Send the studio's photo by every scheme, in the scenario's order; all meet the same losses."""
    many = Replicator(scenario.link, scenario.seed, scenario.runs, scenario.fleet)
    sent = {}
    for number, scheme in enumerate(scenario.schemes):
        progress(scheme.name, number / len(scenario.schemes))
        sent[scheme.name] = _send(scenario, studio, scheme, many)
    return sent


def _send(scenario: Scenario, studio: Studio, scheme: Scheme, many: Replicator) -> Sent:
    codec = studio.codec(scenario, scheme)
    try:
        return _sent(scenario, studio, scheme, codec, many)
    except NothingFits as refusal:
        note = unfit_text(codec, scheme, scenario, refusal)
    except CodecFailed as failure:
        note = str(failure)
    return Sent(nothing_sent(note), None)


def _sent(scenario: Scenario, studio: Studio, scheme: Scheme, codec: PhotoCodec, many: Replicator) -> Sent:
    encoded = studio.encoded(codec)
    repair, encoding = scenario.repair_of(scheme), studio.encoding(scenario, scheme)
    payload_bytes, size = scenario.link.payload_bytes, scenario.size_of(scheme)
    stages, packets = parcel_of(encoded, studio.photo, size, repair, payload_bytes, UNKNOWN_TIME)
    run, *_ = simulate_fleet(
        scheme.name, packets, scenario.link, repair, encoding, scenario.seed, scenario.fleet
    )
    showing = Showing(scheme.shown, len(stages), min(encoded.first_stages, len(stages)))
    view = view_scheme(run, stages, showing, codec, studio.scorer, studio.marks, size)
    view = _with_cost(view, scenario.link)
    gflop = studio.gflop(scenario, scheme) if view.views else None  # not what other schemes have drawn
    view = replace(view, summary=replace(view.summary, gflop=gflop))
    if scenario.runs * scenario.fleet.handsets == 1:
        return Sent(view, None)
    return Sent(view, _tally(many.runs(packets, repair, encoding), showing, studio, stages, codec))


def _with_cost(view: SchemeView, link: LinkSettings) -> SchemeView:
    """Return the view with what was spent on its first usable picture."""
    costs = costs_of(view.events, link)
    spent = (costs[each.row.packets - 1] for each in view.views if each.row.usable)
    units, usd, joules = next(spent, NOTHING_KNOWN)
    summary = replace(view.summary, units_usable=units, price_usable_usd=usd, energy_usable_j=joules)
    return replace(view, summary=summary)


def _tally(runs: Runs, showing: Showing, studio: Studio, stages: Sequence[bytes], codec: PhotoCodec) -> Tally:
    def worth(held: tuple[int, ...]) -> Worth:
        picture = codec.decode({stage: stages[stage] for stage in held}, studio.photo.image.size)
        return worth_of(studio.scorer.scores(picture).dists, studio.marks)

    return tally([shown(run, showing) for run in runs.holdings], worth, runs.costs)
