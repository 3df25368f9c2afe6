"""An evaluation on the terminal, and as JSON."""

import math
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from progic.bd_rate import NO_RATE
from progic.compare import Rival, RivalRow
from progic.evaluate import Evaluation, Mean, StageRow, SubsetRow
from progic.json_text import json_text

HEADS = ("DISTS", "LPIPS", "PSNR dB", "MS-SSIM")
NONE = "–"  # no such number, as MS-SSIM of few pixels


def show(result: Evaluation, rivals: Sequence[Rival], subsets: Sequence[SubsetRow]) -> None:
    """Print all tables."""
    console = Console()
    console.print(_stages(result), _usage(result))
    console.print(_grid(result), highlight=False)
    console.print(_witness(result, rivals), highlight=False)
    if rivals:
        console.print(_rivals(result, rivals), _bd_rates(result, rivals))
    if subsets:
        console.print(_subsets(result, subsets))


def as_json(result: Evaluation, rivals: Sequence[Rival], subsets: Sequence[SubsetRow]) -> str:
    """Everything as JSON; what is not finite is null."""
    content = result.as_json()
    if rivals:
        content["against"] = [rival.as_json() for rival in rivals]
    if subsets:
        content["subsets"] = [subset.as_json() for subset in subsets]
    return json_text(content)


def _stages(result: Evaluation) -> Table:
    width, height = result.size
    count = len(result.photos)
    photos = f"mean of {count} photos" if count > 1 else "one photo"
    title = f"{result.model}: {photos} at {width}x{height} (± half of the 95 % interval)"
    table = Table("stages", "bytes", "bpp", *HEADS, title=title)
    for row in result.stages:
        table.add_row(str(row.stages), str(row.bytes), f"{row.bpp:.4f}", *_cells(row))
    return table


def _usage(result: Evaluation) -> Table:
    table = Table("stage", "codes used", "of at most", "entropy, bit")
    for book in result.codebooks:
        table.add_row(
            str(book.stage),
            f"{book.used_share:.1%}",
            f"{book.possible_share:.1%}",
            f"{book.entropy_bits:.2f}",
        )
    return table


def _grid(result: Evaluation) -> str:
    blocks = ", ".join(f"{row.blockiness.mean:.3f}" for row in result.stages)
    dots = ", ".join(f"{row.checkerboard.mean:.3f}" for row in result.stages)
    return (
        f"blockiness after each stage: {blocks} (the photos {result.photos_blockiness.mean:.3f})\n"
        f"checkerboard after each stage: {dots} (the photos {result.photos_checkerboard.mean:.3f})"
    )


def _witness(result: Evaluation, rivals: Sequence[Rival]) -> str:
    lines = ["LPIPS with AlexNet, which nothing was trained or searched with:"]
    curves: list[tuple[str, Sequence[StageRow | RivalRow]]] = [(result.model, result.stages)]
    for name, rows in curves + [(rival.name, rival.rows) for rival in rivals]:
        lines.append(f"  {name}: " + ", ".join(_number(row.lpips_alex.mean, 3) for row in rows))
    return "\n".join(lines)


def _rivals(result: Evaluation, rivals: Sequence[Rival]) -> Table:
    count = len(result.photos)
    table = Table("codec", "bytes", "photos", *HEADS, title="the best of whole files in the same bytes")
    for rival in rivals:
        for row in rival.rows:
            cells = _cells(row) if row.fitting else ["nothing fits"]
            table.add_row(rival.name, str(row.budget_bytes), f"{row.fitting}/{count}", *cells)
        table.add_section()
    return table


def _bd_rates(result: Evaluation, rivals: Sequence[Rival]) -> Table:
    title = f"bytes that {result.model} needs for the same quality (Bjontegaard, pchip; below 0: fewer)"
    table = Table("against", "by DISTS", "by LPIPS", title=title)
    for rival in rivals:
        values = (rival.bd_rate_dists_percent, rival.bd_rate_lpips_percent)
        cells = [NO_RATE if value is None else f"{value:+.1f} %" for value in values]
        table.add_row(rival.name, *cells)
    return table


def _subsets(result: Evaluation, subsets: Sequence[SubsetRow]) -> Table:
    title = f"{result.model}: every set of stages, best first"
    table = Table("stages held", "bytes", "DISTS", "LPIPS", "DISTS before the gap", title=title)
    for row in subsets:
        before = "nothing to show" if row.dists_before_gap is None else f"{row.dists_before_gap.mean:.3f}"
        name = " ".join(str(stage) for stage in row.stages)
        table.add_row(name, str(row.bytes), _cell(row.dists), _cell(row.lpips), before)
    return table


def _cells(row: StageRow | RivalRow) -> list[str]:
    """In the order of HEADS, within a terminal of 80 columns: `--json` has the other intervals too."""
    return [_cell(row.dists), _cell(row.lpips), _number(row.psnr_db.mean, 2), _number(row.ms_ssim.mean, 3)]


def _cell(mean: Mean) -> str:
    interval = "" if math.isnan(mean.half_interval) else f" ± {mean.half_interval:.3f}"  # one photo has none
    return _number(mean.mean, 3) + interval


def _number(value: float, digits: int) -> str:
    return NONE if math.isnan(value) else f"{value:.{digits}f}"
