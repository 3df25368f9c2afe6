"""How schemes, times and scores are called and coloured wherever people see them."""

import re
from collections.abc import Iterable
from decimal import Decimal
from math import isinf
from typing import NamedTuple

from satsim.codec_settings import Search
from satsim.fleet_settings import FleetSettings
from satsim.loss_settings import BlockageLoss, GilbertElliottLoss, IndependentLoss, Loss, TraceLoss
from satsim.repair_settings import (
    ArqNextSlot,
    ArqRound,
    Carousel,
    Erasure,
    NoRepair,
    Repair,
    Repeat,
    Ulp,
    Unequal,
)
from satsim.sender_settings import SenderSettings
from satsim.settings import LatencySettings, Metric, Scenario
from satsim.window_settings import Passes, Windows

SCHEME_LABELS = {
    "progressive": "ProGIC progressive",
    "low_bpp": "ProGIC low BPP",
    "high_bpp": "ProGIC high BPP",
    "refined": "ProGIC refined",  # of scenarios/refined.yaml
    "refined_more": "ProGIC refined more",  # of it, too
    "webp_low": "WebP low",
    "webp_high": "WebP high",
    "avif_low": "AVIF low",
    "avif_high": "AVIF high",
    "jpeg_high": "JPEG high",
    "jpeg_progressive": "Progressive JPEG",
    "jp2_progressive": "JPEG 2000",
    "jxl_high": "JPEG XL high",
    "heic_high": "HEIC high",
    "ssdv": "SSDV-style JPEG",
    "thumbhash": "ThumbHash",
}
METRIC_LABELS: dict[Metric, str] = {
    "dists": "DISTS",
    "lpips": "LPIPS",
    "psnr_db": "PSNR (dB)",
    "ms_ssim": "MS-SSIM",
}
LABEL_CHARS = 19  # beside a curve of a run
LEAST_ON_AXIS = 5  # hours, or days, that are easier to read than the smaller unit
WHOLE_FROM_PERCENT = 100  # tenths of so much say nothing
LOWER_IS_NEARER: frozenset[Metric] = frozenset({"dists", "lpips"})
COLOURS = (  # Okabe and Ito, "Color Universal Design" (2008), without the yellow, which is lost on white
    "#0072b2",
    "#56b4e9",
    "#009e73",
    "#e69f00",
    "#d55e00",
    "#cc79a7",
    "#444444",
    "#882255",  # wine, of Tol's "muted" scheme
)


def scheme_label(name: str) -> str:
    """Return what people call a scheme; one of the user's own keeps its name."""
    return SCHEME_LABELS.get(name, name.replace("_", " "))


def short_label(label: str) -> str:
    """Return a label no longer than there is room for beside a curve."""
    return label if len(label) <= LABEL_CHARS else label[: LABEL_CHARS - 2].rstrip() + "…"


def scheme_colour(number: int) -> str:
    """Return the colour of a run's scheme by its place, from 0; from the ninth on colours repeat."""
    return COLOURS[number % len(COLOURS)]


def stages_text(stages: Iterable[int]) -> str:
    """Return sorted 0-based stages for people, from 1: (0, 1, 3) is "1-2+4"."""
    runs: list[list[int]] = []
    for stage in stages:
        if runs and runs[-1][-1] == stage - 1:
            runs[-1].append(stage)
        else:
            runs.append([stage])
    return "+".join(f"{run[0] + 1}" if len(run) == 1 else f"{run[0] + 1}-{run[-1] + 1}" for run in runs)


def from_1(stage: str) -> str:
    """Return a log's stages counted from 1, as people do: "0-4 piece 0" is "1-5 piece 1"."""
    return re.sub(r"\d+", lambda number: str(int(number[0]) + 1), stage)


class TimeUnit(NamedTuple):
    """What an axis of time counts."""

    name: str
    minutes: int


def time_unit(end_s: float) -> TimeUnit:
    """Return the unit for an axis to `end_s`: minutes, from five hours on hours, from five days on days."""
    longer = TimeUnit("days", 24 * 60), TimeUnit("hours", 60)
    enough = (unit for unit in longer if end_s >= LEAST_ON_AXIS * 60 * unit.minutes)
    return next(enough, TimeUnit("minutes", 1))


def minutes_text(time_s: float | None) -> str:
    """Return 60.56 as "1:01", hours as "1:00:00", and None as an en dash."""
    if time_s is None:
        return "–"
    minutes, seconds = divmod(round(time_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def loss_text(loss: Loss) -> str:
    """Return what is lost on a link, for the head of a figure."""
    match loss:
        case IndependentLoss(rate=0) | GilbertElliottLoss(rate=0):
            return "no loss"
        case IndependentLoss():
            return f"{loss.rate * 100:g}% loss"
        case GilbertElliottLoss():
            return f"{loss.rate * 100:g}% loss in bursts of {loss.mean_burst:g}"
        case BlockageLoss():
            return f"open {loss.open_s:g} s, blocked {loss.blocked_s:g} s in turn"
        case TraceLoss():
            return "loss as recorded"


def windows_text(windows: Windows) -> str:
    """Return when a link is there, for the head of a figure."""
    if isinstance(windows, Passes):
        return f"there above {windows.min_elevation_deg:g}° of elevation"
    return "there in windows" + (f", again every {windows.repeat_s:g} s" if windows.repeat_s else "")


def repair_text(repair: Repair) -> str:
    """Return what is done about loss, for the head of a figure."""
    match repair:
        case NoRepair():
            return "no repair"
        case ArqNextSlot():
            return "ARQ at the next slot"
        case ArqRound():
            return "ARQ at the end of the round"
        case Repeat():
            return f"each packet sent {repair.times} times"
        case Carousel():
            return f"carousel of {repair.rounds} rounds"
        case Unequal():
            return f"copies {', '.join(map(str, repair.copies))}"
        case Erasure():
            return f"erasure code, {repair.parity_stages} parity stages"
        case Ulp():
            return f"any {', '.join(map(str, repair.needed))} of {repair.packets} packets"


def runs_text(scenario: Scenario, photos: int = 1) -> str:
    """Return over what results spread: "10000 runs", "100 runs of 20 handsets", "100 runs of 24 photos"."""
    handsets = scenario.fleet.handsets
    runs = [f"{scenario.runs} runs"] if scenario.runs > 1 or handsets == 1 else []
    fleet = [f"{handsets} handsets"] if handsets > 1 else []
    return " of ".join(runs + fleet + ([f"{photos} photos"] if photos > 1 else []))


def equal_runs_text(scenario: Scenario) -> str | None:
    """Return that to repeat is of no use, where so; None for a single run, or for one left to chance."""
    if scenario.runs == 1 or scenario.seed_decides:
        return None
    return f"all {scenario.runs} runs are the same: nothing in this scenario is left to chance"


def fleet_text(fleet: FleetSettings) -> str | None:
    """Return how several handsets share the channel, for the head of a figure; None for one alone."""
    access = {"turns": "in turns", "fcfs": "first come, first served", "aloha": "slotted ALOHA"}[fleet.access]
    who = f"the first of {fleet.handsets} handsets" if fleet.handsets > 1 else "one handset"
    when = f", photos within {minutes_text(fleet.within_s)}" if fleet.within_s else ""
    return None if fleet.is_alone else f"{who}, {access}{when}"


def latency_text(latency: LatencySettings) -> list[str]:
    """Return a link's latency, for the head of a figure; nothing where there is none."""
    least_s, most_s = latency.total_s, latency.total_s + latency.jitter_s
    if not most_s:
        return []
    return [f"latency {least_s:g} s" if least_s == most_s else f"latency {least_s:g} to {most_s:g} s"]


def repairs_text(scenario: Scenario) -> str:
    """Return what is done about loss by all schemes, where they do the same."""
    texts = {repair_text(scenario.repair_of(scheme)) for scheme in scenario.schemes}
    return texts.pop() if len(texts) == 1 else "repair as in each row"


def encode_text(sender: SenderSettings) -> str:
    """Return how long it takes to encode."""
    if sender.encode_s is None:
        return "encoding measured"
    searched = "" if sender.refine_s is None else f", {sender.refine_s:g} s to search"
    return f"{sender.encode_s:g} s to encode{searched}"


def search_text(search: Search) -> str:
    """Return how long codes are searched for."""
    steps = f"{search.steps} step{'s' if search.steps != 1 else ''} of search"
    return f"{steps} a stage" if search.stagewise else steps


def own_texts(scenario: Scenario, scheme: str) -> list[str]:
    """Return what one scheme does otherwise than the scenario says: about loss, its search, its time."""
    own = next((each for each in scenario.schemes if each.name == scheme), None)
    if own is None:
        return []
    texts = [repair_text(own.repair)] if own.repair is not None else []
    if own.refine_steps is not None or own.refine_stagewise is not None:
        texts.append(search_text(scenario.search_of(own)))
    return texts + ([encode_text(own.sender)] if own.sender is not None else [])


def facts_text(scenario: Scenario, seed: int) -> str:
    """Return what a run's link does, and what is done about it, as the line under its title."""
    link, fleet = scenario.link, fleet_text(scenario.fleet)
    facts = [f"{link.payload_bytes}-byte packets, one every {link.interval_s:g} s"]
    facts += [windows_text(link.windows)] if link.windows is not None else []
    facts += [loss_text(link.loss), repairs_text(scenario)]
    facts += [fleet] if fleet else []
    facts += latency_text(link.latency)
    return ", ".join(facts + ([f"seed {seed}"] if scenario.seed_decides else []))


def cost_text(units: float | None, price_usd: float | None, energy_j: float | None) -> str:
    """Return what a usable picture costs; "" where there is none or the link does not say."""
    parts = [] if units is None else [f"{number_text(units)} billed unit{'' if units == 1 else 's'}"]
    parts += [] if price_usd is None else [usd_text(price_usd)]
    parts += [] if energy_j is None else [f"{number_text(energy_j)} J to transmit"]
    return ", ".join(parts)


def usd_text(price_usd: float) -> str:
    """Return a price in whole cents, a small one with two digits."""
    return f"{price_usd:.2f} USD" if price_usd >= 0.1 else f"{Decimal(f'{price_usd:.2g}'):f} USD"


def number_text(value: float) -> str:
    """Return a count or a mean of counts: four digits, and never a power of ten."""
    return f"{Decimal(f'{value:.4g}'):f}" if value < 1000 else f"{value:.0f}"


def score_text(metric: Metric, value: float | None) -> str:
    """Return a score as people read it: PSNR with one decimal, the others with three."""
    if value is None:
        return "–"
    if isinf(value):
        return "exact"  # the PSNR of equal pictures
    return f"{value:.1f}" if metric == "psnr_db" else f"{value:.3f}"


def percent_text(value: float, ci95: float | None) -> str:
    """Return a difference in percent with its sign, and half of its 95 % interval where there is one."""
    form = ".1f" if max(abs(value), ci95 or 0) < WHOLE_FROM_PERCENT else ".0f"
    interval = "" if ci95 is None else f" ± {ci95:{form}}"
    return f"{value:+{form}}{interval} %".replace("-", "−")


def rate_text(bpp: float) -> str:
    """Return bits per pixel as people read them."""
    return f"{bpp:.3f} bpp" if bpp < 1 else f"{bpp:.1f} bpp"


def shown_metric(metrics: tuple[Metric, ...]) -> Metric:
    """Return the metric that figures show: DISTS if measured, else the first that is."""
    return "dists" if "dists" in metrics else metrics[0]
