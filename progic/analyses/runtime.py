"""`runtime` (Table 2): time and peak memory up to 3840x2160, on the CPU and on a GPU where there is one."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from progic.analyses import gpu
from progic.analyses.drawing import OTHERS, OURS, PUBLISHED, new_figure, plain
from progic.analyses.published import CODECS, PROGIC, PROGIC_S_CPU_MS, SUPPLEMENT
from progic.analyses.result import Beside, Result, Row
from progic.analyses.study import Study
from progic.runtime import Cost, Time, costs

SIZES = ((256, 256), (768, 512), (1920, 1080), (2560, 1440), (3840, 2160))  # width, height
WAYS = {"encode": OURS, "decode": OTHERS[0]}  # and their colours
COMPARED = (768, 512)  # of the paper's GFLOP and times; its 512x768 is height x width

CALLS = 6  # timed at each size, after those to warm up: minutes, at 3840x2160

TIMED = (
    f"Median of {CALLS} calls after those to warm up and the interval that holds it with 95 % confidence, on "
    "one made picture of noise. CPU: from a photo in memory to all stages' bytes, and back; files are not in "
    "it. GPU: the nets and the search for codes, with the clock waiting for it (synchronised)."
)
MEMORY = (
    "Peak memory is of a process that does nothing else, Python and torch included; of a GPU its allocations."
)
THREADS = "CPU threads: {}. --threads 1 measures as for a handset."


class Measured(NamedTuple):
    """One size on one device."""

    device: str
    encode: Cost
    decode: Cost

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.encode.width, self.encode.height


def analyse(study: Study) -> Result:
    """Measure the model at each size; it needs no photo."""
    measured = list(_measured(study))
    gflop = {each.size: each.encode.gflop + each.decode.gflop for each in measured}
    millions = sum(weight.numel() for weight in study.codec.net.state_dict().values()) / 1e6
    name = study.codec.config.name
    rows = [_row(name, each, millions) for each in measured]
    return Result(
        name="runtime",
        title="Time and memory",
        reference=f"Table 2 of {SUPPLEMENT}",
        model=name,
        photos=0,
        rows=(*rows, *_published_rows(list(rows[0]))),
        beside=_beside(measured[0], gflop, millions),
        notes=(TIMED, MEMORY, THREADS.format(measured[0].encode.threads)),
        figure=_draw(measured, name),
    )


def _measured(study: Study) -> Iterator[Measured]:
    threads = study.settings.threads or torch.get_num_threads()
    has_gpu = torch.cuda.is_available()
    total = len(SIZES) * (2 if has_gpu else 1)
    for done, size in enumerate(SIZES):
        study.progress("sizes timed", done, total)
        encode, decode = costs(study.model, [size], threads, CALLS)
        yield Measured(f"CPU, {threads} thread{'s' if threads > 1 else ''}", encode, decode)
    for done, size in enumerate(SIZES if has_gpu else ()):
        study.progress("sizes timed", len(SIZES) + done, total)
        yield Measured(torch.cuda.get_device_name(), *gpu.costs_on(study.codec.net, size, "cuda", CALLS))
    study.progress("sizes timed", total, total)


def _row(name: str, each: Measured, millions: float) -> Row:
    peaks = [cost.peak_bytes for cost in (each.encode, each.decode) if cost.peak_bytes is not None]
    return {
        "codec": name,
        "kind": "measured",
        "device": each.device,
        "size": f"{each.size[0]}x{each.size[1]}",
        **_times("encode", each.encode.time),
        **_times("decode", each.decode.time),
        "calls": each.encode.time.calls,
        "peak_mib": round(max(peaks) / 2**20) if peaks else None,
        "gflop": round(each.encode.gflop + each.decode.gflop, 1),
        "parameters_m": round(millions, 1),
        "source": "",
    }


def _times(way: str, time: Time) -> Row:
    seconds = {"": time.median_s, "_low": time.low_s, "_high": time.high_s}
    return {f"{way}{part}_ms": round(value * 1000, 1) for part, value in seconds.items()}


def _published_rows(keys: Sequence[str]) -> list[Row]:
    """The paper's rows, with nothing where nothing is published."""
    rows = [
        {
            "codec": codec.title,
            "device": "A100" if codec.encode_ms else "",
            "size": "768x512",
            "encode_ms": codec.encode_ms,
            "decode_ms": codec.decode_ms,
            "gflop": codec.gflop,
            "parameters_m": codec.parameters_m,
            "source": codec.source,
        }
        for codec in CODECS
    ]
    encode_ms, decode_ms = PROGIC_S_CPU_MS
    on_cpu = {"device": "CPU, Ryzen 7840HS", "size": "256x256", "gflop": None}
    rows.append({**rows[-1], **on_cpu, "encode_ms": encode_ms, "decode_ms": decode_ms})
    return [{key: {"kind": "published", **row}.get(key) for key in keys} for row in rows]


def _beside(small: Measured, gflop: dict[tuple[int, int], float], millions: float) -> tuple[Beside, ...]:
    ours = (small.encode.time.median_s * 1000, small.decode.time.median_s * 1000)
    ratio = sum(ours) / sum(PROGIC_S_CPU_MS)
    return (
        Beside(
            "GFLOP at 768x512",
            f"{gflop[COMPARED]:.0f}",
            f"{PROGIC.gflop:.0f} (ProGIC)",
            f"{gflop[COMPARED] / (PROGIC.gflop or 1):.2f} times",
            PROGIC.source,
        ),
        Beside(
            "parameters with codebooks, million",
            f"{millions:.1f}",
            f"{PROGIC.parameters_m} (ProGIC)",
            f"{millions / (PROGIC.parameters_m or 1):.2f} times",
            PROGIC.source,
        ),
        Beside(
            "encode, decode at 256x256, ms",
            f"{ours[0]:.0f}, {ours[1]:.0f} ({small.device})",
            f"{PROGIC_S_CPU_MS[0]}, {PROGIC_S_CPU_MS[1]} (ProGIC-s, Ryzen 7840HS)",
            f"{ratio:.1f} times, another machine",
            f"{SUPPLEMENT}, Table 2",
        ),
    )


def _draw(measured: Sequence[Measured], name: str) -> Figure:
    figure = new_figure(10.4, 4.2)
    left, right = figure.subplots(1, 2)
    for device, mark in zip(dict.fromkeys(each.device for each in measured), "os", strict=False):
        here = [each for each in measured if each.device == device]
        for way, color in WAYS.items():
            _time_line(left, [getattr(each, way) for each in here], f"{way}, {device}", mark, color)
            _memory_line(right, [getattr(each, way) for each in here], f"{way}, {device}", mark, color)
    _mark_published(left)
    plain(left, "", "milliseconds", f"{name}: median and its 95 % interval")
    plain(right, "", "MiB", "Peak memory of the process")
    left.set_yscale("log")
    for axes in (left, right):
        axes.set_xscale("log")
        names = [f"{width}x{height}" for width, height in SIZES]
        axes.set_xticks([_megapixels(size) for size in SIZES], names, rotation=25, ha="right", fontsize=8)
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlim(right=axes.get_xlim()[1] * 6)
    right.set_ylim(bottom=0)
    return figure


def _time_line(axes: Axes, here: Sequence[Cost], text: str, mark: str, color: str) -> None:
    megapixels = [_megapixels((cost.width, cost.height)) for cost in here]
    times = np.array([cost.time[:3] for cost in here]) * 1000  # median, low, high
    spread = (times[:, 0] - times[:, 1], times[:, 2] - times[:, 0])
    axes.errorbar(megapixels, times[:, 0], spread, color=color, marker=mark, markersize=4, capsize=2)
    _name(axes, text, megapixels[-1], times[-1, 0], color)


def _memory_line(axes: Axes, here: Sequence[Cost], text: str, mark: str, color: str) -> None:
    known = [cost for cost in here if cost.peak_bytes is not None]
    if not known:
        return
    megapixels = [_megapixels((cost.width, cost.height)) for cost in known]
    peaks = [(cost.peak_bytes or 0) / 2**20 for cost in known]
    axes.plot(megapixels, peaks, color=color, marker=mark, markersize=4)
    _name(axes, f"{text}: {peaks[-1]:.0f}", megapixels[-1], peaks[-1], color)


def _mark_published(axes: Axes) -> None:
    """Open circles at the published times: on a CPU of ProGIC-s, on an A100 of ProGIC."""
    cases = (
        (SIZES[0], PROGIC_S_CPU_MS, "published, ProGIC-s, Ryzen 7840HS"),
        (COMPARED, (PROGIC.encode_ms, PROGIC.decode_ms), "published, ProGIC, A100"),
    )
    for size, times, text in cases:
        for value, color in zip(times, WAYS.values(), strict=True):
            axes.scatter(
                [_megapixels(size)], [value or 0], s=46, facecolors="none", edgecolors=color, zorder=3
            )
        _name(axes, text, _megapixels(size), (times[0] or 0) * 0.78, PUBLISHED)


def _name(axes: Axes, text: str, x: float, y: float, color: str) -> None:
    axes.annotate(
        text, (x, y), xytext=(7, 0), textcoords="offset points", color=color, va="center", fontsize=8
    )


def _megapixels(size: tuple[int, int]) -> float:
    return size[0] * size[1] / 1e6
