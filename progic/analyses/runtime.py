"""`runtime` (Table 2): time and peak memory at four sizes, on the CPU and on a GPU where there is one."""

from collections.abc import Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from progic import runtime
from progic.analyses.drawing import OTHERS, OURS, PUBLISHED, SOFT, new_figure, plain
from progic.analyses.published import CODECS, PROGIC_S_CPU_MS, SUPPLEMENT
from progic.analyses.result import Beside, Result, Row
from progic.analyses.study import Study
from progic.flops import gflop_of
from progic.runtime import Runtime

SIZES = ((256, 256), (768, 512), (1920, 1080), (2560, 1440), (3840, 2160))  # width, height
STEPS = {"encode": OURS, "decode": OTHERS[0]}  # and their colours
COMPARED = (768, 512)  # of the paper's GFLOP and times; its 512x768 is height x width

TIMED = (
    "Median and 5th to 95th percentile of at least 3 runs after one to warm up, on one made picture, from "
    "pixels to indices (with the search for codes) and back; reading and writing files is not in it. On a "
    "GPU the clock waits for it (synchronised)."
)
MEMORY = (
    "Peak memory is of a process that does nothing else, with Python and torch in it (about 300 MiB); on "
    "a GPU of CUDA's allocations."
)
THREADS = "CPU threads: {}. --threads 1 measures as for a handset."


def analyse(study: Study) -> Result:
    """Measure the model, each size in a process of its own; it needs no photo."""
    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    cases = [(size, device) for device in devices for size in SIZES]
    measured: list[Runtime] = []
    for done, (size, device) in enumerate(cases):
        study.progress("sizes timed", done, len(cases))
        measured.append(runtime.measure_apart(study.model, size, device, study.settings.threads))
    study.progress("sizes timed", len(cases), len(cases))
    gflop = {size: sum(gflop_of(study.codec, size)) for size in SIZES[:2]}
    millions = sum(weight.numel() for weight in study.codec.net.state_dict().values()) / 1e6
    name = study.codec.config.name
    rows = [_row(name, each, gflop, millions) for each in measured]
    return Result(
        name="runtime",
        title="Time and memory",
        reference=f"Table 2 of {SUPPLEMENT}",
        model=name,
        photos=0,
        rows=(*rows, *_published_rows(list(rows[0]))),
        beside=_beside(measured, gflop, millions),
        notes=(TIMED, MEMORY, THREADS.format(measured[0].threads)),
        figure=_draw(measured, name),
    )


def _row(name: str, each: Runtime, gflop: dict[tuple[int, int], float], millions: float) -> Row:
    return {
        "codec": name,
        "kind": "measured",
        "device": each.device if each.device != "CPU" else f"CPU, {each.threads} threads",
        "size": f"{each.size[0]}x{each.size[1]}",
        "encode_ms": round(each.encode.median_ms, 1),
        "encode_p5_ms": round(each.encode.p5_ms, 1),
        "encode_p95_ms": round(each.encode.p95_ms, 1),
        "decode_ms": round(each.decode.median_ms, 1),
        "decode_p5_ms": round(each.decode.p5_ms, 1),
        "decode_p95_ms": round(each.decode.p95_ms, 1),
        "repeats": min(each.encode.repeats, each.decode.repeats),
        "peak_mib": None if each.peak_mib is None else round(each.peak_mib),
        "gflop": round(gflop[each.size], 1) if each.size in gflop else None,
        "parameters_m": round(millions, 1),
        "source": "",
    }


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


def _beside(
    measured: Sequence[Runtime], gflop: dict[tuple[int, int], float], millions: float
) -> tuple[Beside, ...]:
    paper = {codec.title: codec for codec in CODECS}["ProGIC"]
    small = measured[0]
    ours = (small.encode.median_ms, small.decode.median_ms)
    ratio = sum(ours) / sum(PROGIC_S_CPU_MS)
    return (
        Beside(
            "GFLOP at 768x512",
            f"{gflop[COMPARED]:.0f}",
            f"{paper.gflop:.0f} (ProGIC)",
            f"{gflop[COMPARED] / (paper.gflop or 1):.2f} times",
            paper.source,
        ),
        Beside(
            "parameters with codebooks, million",
            f"{millions:.1f}",
            f"{paper.parameters_m} (ProGIC)",
            f"{millions / (paper.parameters_m or 1):.2f} times",
            paper.source,
        ),
        Beside(
            "encode, decode at 256x256 on a CPU, ms",
            f"{ours[0]:.0f}, {ours[1]:.0f} ({small.threads} threads)",
            f"{PROGIC_S_CPU_MS[0]}, {PROGIC_S_CPU_MS[1]} (ProGIC-s, Ryzen 7840HS)",
            f"{ratio:.1f} times, another machine",
            f"{SUPPLEMENT}, Table 2",
        ),
    )


def _draw(measured: Sequence[Runtime], name: str) -> Figure:
    figure = new_figure(10.4, 4.2)
    left, right = figure.subplots(1, 2)
    for device, mark in zip(dict.fromkeys(each.device for each in measured), "os", strict=False):
        here = [each for each in measured if each.device == device]
        megapixels = [_megapixels(each.size) for each in here]
        for step, color in STEPS.items():
            timings = [getattr(each, step) for each in here]
            middle = [timing.median_ms for timing in timings]
            spread = [[t.median_ms - t.p5_ms for t in timings], [t.p95_ms - t.median_ms for t in timings]]
            left.errorbar(megapixels, middle, spread, color=color, marker=mark, markersize=4, capsize=2)
            _name(left, f"{step}, {device}", megapixels[-1], middle[-1], color)
        peaks = [each.peak_mib or float("nan") for each in here]
        right.plot(megapixels, peaks, color=SOFT, marker=mark, markersize=4)
        for x, y in zip(megapixels, peaks, strict=True):
            right.annotate(
                f"{y:.0f}", (x, y), xytext=(0, 7), textcoords="offset points", ha="center", fontsize=8
            )
    _mark_published(left)
    plain(left, "", "milliseconds", f"{name}: median, 5th to 95th percentile")
    plain(right, "", "MiB", "Peak memory of the process")
    left.set_yscale("log")
    for axes in (left, right):
        axes.set_xscale("log")
        names = [f"{width}x{height}" for width, height in SIZES]
        axes.set_xticks([_megapixels(size) for size in SIZES], names, rotation=25, ha="right", fontsize=8)
        axes.xaxis.set_minor_locator(NullLocator())
    left.set_xlim(right=left.get_xlim()[1] * 3)
    right.margins(0.08, 0.12)
    right.set_ylim(bottom=0)
    return figure


def _mark_published(axes: Axes) -> None:
    """Open circles at the published times: on a CPU of ProGIC-s, on an A100 of ProGIC."""
    progic = next(codec for codec in CODECS if codec.title == "ProGIC")
    cases = (
        (SIZES[0], PROGIC_S_CPU_MS, "published, ProGIC-s, Ryzen 7840HS"),
        (COMPARED, (progic.encode_ms, progic.decode_ms), "published, ProGIC, A100"),
    )
    for size, times, text in cases:
        for value, color in zip(times, STEPS.values(), strict=True):
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
