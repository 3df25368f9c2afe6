"""Classical codecs beside a model, sets of stages, and the tables and figure of both."""

import io
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from progic import classical, tables
from progic.codec import Codec
from progic.compare import Best, Rival, RivalRow, compare
from progic.errors import InputError
from progic.evaluate import Evaluation, Mean, StageRow, evaluate, evaluate_subsets, mean_of
from progic.images import open_photo, to_tensor
from progic.metrics import PerceptualMetrics
from progic.rate_figure import _panel, check_path, draw
from tests.progic.conftest import SIZE

INSTALLED = ("webp", "avif", "jpeg", "jpeg_progressive", "jp2")


@pytest.fixture(scope="module")
def evaluation(toy_codec: Codec, folder: Path, metrics: PerceptualMetrics) -> Evaluation:
    return evaluate(toy_codec, folder, metrics, SIZE)


@pytest.mark.parametrize("name", INSTALLED)
def test_the_next_quality_does_not_fit(name: str, photo: Image.Image) -> None:
    budget_bytes = 900
    (file,) = classical.best_files(photo, name, [budget_bytes])
    assert file is not None
    assert len(file) <= budget_bytes
    sizes = [len(classical.file_bytes(photo, name, q)) for q in classical.FORMATS[name].qualities]
    following = sizes.index(len(file)) + sizes.count(len(file))  # files grow with quality
    assert sizes[following] > budget_bytes
    assert classical.opened(file, photo.size).size == photo.size


def test_a_format_that_holds_no_such_picture_sends_a_smaller_one() -> None:
    wide = Image.linear_gradient("L").resize((17000, 8)).convert("RGB")
    (files,) = classical.candidates(wide, "webp", [5000])
    with_sizes = [Image.open(io.BytesIO(file)).size for file in files]
    assert with_sizes == [(8500, 4), (4250, 2)]


def test_an_infinite_score_has_no_interval(recwarn: pytest.WarningsRecorder) -> None:
    mean = mean_of([math.inf, 30.0, 40.0])
    assert mean.mean == math.inf and math.isnan(mean.half_interval)
    assert not recwarn.list


def test_budgets_share_files_and_nothing_else(photo: Image.Image, monkeypatch: pytest.MonkeyPatch) -> None:
    budgets = [300, 600, 900, 1200, 1500]
    alone = [classical.best_files(photo, "webp", [budget])[0] for budget in budgets]
    asked: list[int] = []
    write = classical.file_bytes
    monkeypatch.setattr(classical, "file_bytes", lambda *args: asked.append(args[2]) or write(*args))
    assert classical.best_files(photo, "webp", budgets) == alone
    assert len(asked) == len(set(asked))  # no quality twice


def test_formats_that_cannot_be_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        InputError, match="found 'gif', allowed webp, avif, jpeg, jpeg_progressive, jp2, jxl, heic"
    ):
        classical.check_format("gif")
    monkeypatch.setitem(__import__("sys").modules, "pillow_jxl", None)
    with pytest.raises(InputError, match=r"--against jxl: .*progic-satsim\[jxl\]"):
        classical.check_format("jxl")


def test_a_rival_sends_its_best_scale_at_each_budget(
    evaluation: Evaluation, folder: Path, metrics: PerceptualMetrics
) -> None:
    roomy = evaluation.stages[0].__class__(**{**vars(evaluation.stages[0]), "bytes": 700})
    (rival,) = compare(
        Evaluation(**{**vars(evaluation), "stages": (evaluation.stages[0], roomy)}), folder, ["webp"], metrics
    )
    nothing, enough = rival.rows
    assert (nothing.fitting, nothing.budget_bytes) == (0, 8)  # 12 indices of 5 bits
    assert enough.fitting == 2
    image = Image.open(folder / "a.png").convert("RGB")
    pictures = [classical.opened(file, SIZE) for file in classical.candidates(image, "webp", [700])[0]]
    by_hand = [float(metrics.dists(to_tensor(image), to_tensor(picture))) for picture in pictures]
    found = rival.by_photo["a.png"][1]
    assert found is not None
    assert found.scores.dists == pytest.approx(min(by_hand), abs=1e-5)
    sent = pictures[by_hand.index(min(by_hand))]
    assert found.lpips_alex == metrics.lpips_alex(to_tensor(image), to_tensor(sent)).item()
    assert rival.bd_rate_dists_percent is None  # one budget is no curve


def test_half_the_bytes_for_the_same_quality_is_minus_fifty_percent(
    monkeypatch: pytest.MonkeyPatch, folder: Path, evaluation: Evaluation, metrics: PerceptualMetrics
) -> None:
    """A rival whose DISTS at b bytes is ours at b / 2, on a straight line over the logarithm of bytes.

    Its LPIPS is ours at b / 4; at the fewest bytes one photo has no file, and the other's is no matter.
    """

    def dists(size: float) -> float:
        return 0.6 - 0.05 * float(np.log2(size))

    def row(size: int) -> StageRow:
        mean = Mean(dists(size), 0.0)
        return StageRow(1, size, 0.1, *[mean] * 7)

    ours = Evaluation(**{**vars(evaluation), "stages": tuple(row(size) for size in (320, 640, 1280, 2560))})
    score = evaluation.by_photo["a.png"][0].scores

    def best(files: list[bytes], *_: object) -> Best | None:
        if not files:
            return None
        size = len(files[0])
        worse = dists(size / 2) if size > 320 else 0.9
        return Best(size, score._replace(dists=worse, lpips=dists(size / 4)), worse)

    def candidates(photo: Image.Image, _name: str, sizes: list[int]) -> list[list[bytes]]:
        is_hard = photo.tobytes() == open_photo(folder / "b.png").tobytes()
        return [[] if is_hard and size == 320 else [bytes(size)] for size in sizes]

    monkeypatch.setattr(classical, "candidates", candidates)
    monkeypatch.setattr("progic.compare.best_of", best)
    (rival,) = compare(ours, folder, ["webp"], metrics)
    assert rival.bd_rate_dists_percent == pytest.approx(-50, abs=1e-6)
    assert rival.bd_rate_lpips_percent == pytest.approx(-75, abs=1e-6)
    assert [(each.fitting, each.bytes) for each in rival.rows] == [(1, 320), (2, 640), (2, 1280), (2, 2560)]
    (rival,) = compare(replace(ours, stages=ours.stages[1::2]), folder, ["webp"], metrics)
    assert rival.bd_rate_dists_percent is None  # two points say nothing of a curve between them


def test_every_set_of_stages_is_scored(
    toy_codec: Codec,
    folder: Path,
    evaluation: Evaluation,
    metrics: PerceptualMetrics,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(Codec, "encode")  # photos are coded once: a search for codes takes long
    found = evaluate_subsets(toy_codec, folder, evaluation, metrics)
    assert list(found) == sorted(found, key=lambda row: row.dists.mean)
    rows = {row.stages: row for row in found}
    assert set(rows) == {(1,), (2,), (3,), (1, 2), (1, 3), (2, 3), (1, 2, 3)}
    for depth in (1, 2, 3):
        prefix = rows[tuple(range(1, depth + 1))]
        assert prefix.dists == evaluation.stages[depth - 1].dists
        assert prefix.lpips == evaluation.stages[depth - 1].lpips
        assert prefix.dists_before_gap == prefix.dists
    assert rows[(1, 3)].dists_before_gap == rows[(1,)].dists
    assert rows[(2, 3)].dists_before_gap is None
    assert rows[(2, 3)].bytes == 2 * evaluation.stages[0].bytes


def test_a_table_of_one_small_photo_has_neither_intervals_nor_ms_ssim(
    evaluation: Evaluation, capsys: pytest.CaptureFixture[str]
) -> None:
    mean = Mean(0.25, math.nan)
    more = Mean(0.5, math.nan)
    row = replace(evaluation.stages[0], dists=mean, lpips=more, ms_ssim=Mean(math.nan, math.nan))
    tables.show(replace(evaluation, photos=evaluation.photos[:1], stages=(row,)), (), ())
    shown = capsys.readouterr().out
    assert "toy: one photo at" in shown
    assert [cell.strip() for cell in shown.splitlines()[4].split("│")[4:6]] == ["0.250", "0.500"]
    assert shown.splitlines()[4].split("│")[-2].strip() == "–"
    assert "nan" not in shown


def test_a_table_of_rates_has_that_by_dists_first(
    evaluation: Evaluation, capsys: pytest.CaptureFixture[str]
) -> None:
    rivals = [
        Rival("WebP", (), {}, bd_rate_dists_percent=-50.26, bd_rate_lpips_percent=12.0),
        Rival("AVIF", (), {}, bd_rate_dists_percent=0.0, bd_rate_lpips_percent=None),
    ]
    tables.show(evaluation, rivals, ())
    cells = [[cell.strip() for cell in line.split("│")] for line in capsys.readouterr().out.splitlines()]
    assert ["", "WebP", "-50.3 %", "+12.0 %", ""] in cells
    assert ["", "AVIF", "+0.0 %", "nothing in common", ""] in cells


def test_tables_json_and_figure_of_everything(
    toy_codec: Codec,
    folder: Path,
    evaluation: Evaluation,
    metrics: PerceptualMetrics,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rivals: tuple[Rival, ...] = compare(evaluation, folder, ["webp", "jpeg"], metrics)
    subsets = evaluate_subsets(toy_codec, folder, evaluation, metrics)
    tables.show(evaluation, rivals, subsets)
    shown = capsys.readouterr().out
    witness = f"  toy: {evaluation.stages[0].lpips_alex.mean:.3f}, "
    for part in ("WebP", "JPEG", "nothing fits", "1 3", "nothing to show", "nothing in common", witness):
        assert part in shown
    content = json.loads(tables.as_json(evaluation, rivals, subsets))
    assert (
        content["against"][0]["rows"][0]["dists"]["mean"] is None
    )  # nothing fits: not NaN, which is no JSON
    assert len(content["subsets"]) == 7
    draw(evaluation, rivals, tmp_path / "rate.svg")
    head = f"<!-- toy and whole files: mean of {len(evaluation.photos)} photos at "
    (title,) = [line for line in (tmp_path / "rate.svg").read_text().splitlines() if head in line]
    assert title.endswith("(bars: its 95 % interval) -->")
    means = evaluation.stages[0]
    row = replace(rivals[0].rows[0], fitting=2, bytes=8.0, dists=means.dists, lpips=means.lpips)
    seven = [replace(rivals[0], name=f"codec {number}", rows=(row,)) for number in range(7)]
    seven[6] = replace(seven[6], rows=(replace(row, fitting=1),))  # which has no point, and its name
    draw(evaluation, seven, tmp_path / "seven.svg")
    figure = (tmp_path / "seven.svg").read_text()
    assert all(rival.name in figure for rival in seven)


def test_a_figure_has_each_mean_at_the_bytes_that_were_sent(
    evaluation: Evaluation, folder: Path, tmp_path: Path
) -> None:
    ours = evaluation.stages
    rows = [RivalRow(640, 2, 500.0, *[mean] * 5) for mean in (Mean(0.3, 0.1), Mean(0.2, 0.1))]
    rows += [RivalRow(900, 1, 700.0, *[Mean(0.1, 0.1)] * 5)]  # not a file of every photo: no point
    axes = Figure().subplots()
    _panel(axes, "lpips", evaluation, [Rival("WebP", tuple(rows), {}, None, None)])
    drawn = [bars.lines[0].get_xydata().tolist() for bars in axes.containers]
    assert drawn == [[[row.bytes, row.lpips.mean] for row in ours], [[500, 0.3], [500, 0.2]]]
    check_path(tmp_path / "RATE.PNG", folder)  # a suffix in capitals is one
