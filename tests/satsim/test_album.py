"""A folder of photos: a run of each, with losses of its own, and the mean."""

import dataclasses
import json
import statistics
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from progic.errors import ImageError
from satsim.cli import app
from satsim.pipeline import run_scenario
from satsim.report import _answer
from satsim.rundir import Run, read_run
from satsim.scenario import load_scenario
from satsim.terminal import notes
from tests.satsim.conftest import smooth_photo
from tests.satsim.test_pipeline import TABLES, tables


@pytest.fixture
def album(toy_scenario: Path) -> Path:
    """Three photos, one name twice, and two files that are none."""
    folder = toy_scenario.parent / "album"
    folder.mkdir()
    with Image.open(toy_scenario.parent / "photo.png") as photo:
        photo.save(folder / "a.png")
        photo.rotate(90).save(folder / "a.jpg")
        photo.convert("CMYK").save(folder / "b.tif")
    (folder / "c.png").write_bytes((folder / "a.png").read_bytes()[:200])
    (folder / "notes.txt").write_text("no photo")
    (folder / ".hidden").write_text("no photo")
    return folder


def test_an_album_is_a_run_of_each_and_the_mean(run_toy: Callable[..., Run], album: Path) -> None:
    run = run_toy(f"image.path={album}", drawn=True)
    assert run.is_mean
    assert sorted(path.name for path in run.folder.iterdir()) == [
        *("manifest.json", "photos", "report.html", "scenario.yaml", "summary.json"),
        *("timeline.csv", "timeline.png", "timeline.svg"),
    ]
    assert [photo.run for photo in run.manifest.photos] == ["photos/a", "photos/a.png", "photos/b"]
    assert [skipped.name for skipped in run.manifest.skipped] == ["c.png", "notes.txt"]
    own = [read_run(run.folder / "photos" / name) for name in ("a", "a.png", "b")]
    finals = [each.rows_of("progressive")[-1].psnr_db for each in own]
    last = run.rows_of("progressive")[-1]
    assert (last.time_s, last.psnr_db) == (180.5, pytest.approx(sum(finals) / 3, abs=2e-6))  # type: ignore[arg-type]
    summary = json.loads((run.folder / "summary.json").read_text())
    assert (summary["progressive"]["photos"], summary["progressive"]["photos_usable"]) == (3, None)
    assert (summary["avif_low"]["photos"], summary["avif_low"]["note"]) == (
        0,
        "AVIF: nothing fits in 20 bytes",
    )
    assert all((run.folder / "photos" / name / "report.html").is_file() for name in ("a", "a.png", "b"))
    assert 'href="photos/a.png/report.html"' in (run.folder / "report.html").read_text()


def test_an_album_of_many_runs_says_how_all_of_them_spread(run_toy: Callable[..., Run], album: Path) -> None:
    """Over photos and runs; the interval is of the photos' means, each with losses of its own."""
    run = run_toy(f"image.path={album}", "runs=30", "link.loss.rate=0.4", drawn=True)
    folders = [run.folder / "photos" / name for name in ("a", "a.png", "b")]
    own = [read_run(folder).spread["progressive"].t_final_s for folder in folders]
    whole = run.spread["progressive"].t_final_s
    assert whole.share == 1
    means = [each.mean for each in own]
    assert len(set(means)) == 3
    assert whole.mean == pytest.approx(statistics.fmean(means))
    assert whole.mean_ci95 == pytest.approx(4.303 * statistics.stdev(means) / 3**0.5, rel=1e-3)
    seeds = [read_run(folder).manifest.seed for folder in folders]
    assert run.manifest.seed == 1 and len({1, *seeds}) == 4
    assert "avif_low" not in run.spread and run.spread_rows
    assert "<h2>30 runs of 3 photos</h2>" in (run.folder / "report.html").read_text("utf-8")
    assert any("never in 0.0% of 30 runs of 3 photos" in line for line in notes(run))


def test_a_photo_of_an_album_can_be_run_again_alone(run_toy: Callable[..., Run], album: Path) -> None:
    whole = run_toy(f"image.path={album}", "runs=20", "link.loss.rate=0.4").folder
    kept = whole / "photos" / "b" / "scenario.yaml"
    again = run_scenario(
        load_scenario(kept), str(kept), whole.parent / "b", False, lambda _: None, lambda *_: None
    )
    assert tables(again) == {name: (kept.parent / name).read_bytes() for name in TABLES}


def test_bands_of_an_album_are_named(
    run_toy: Callable[..., Run], album: Path, metric_weights: object
) -> None:
    keys = (f"image.path={album}", "runs=5", "link.loss.rate=0.4", "metrics=[dists]")
    run = run_toy(*keys, "schemes=[progressive]", drawn=True)
    figure = (run.folder / "timeline.svg").read_text("utf-8")
    assert "bands: 5th to 95th percentile of 5 runs of 3 photos, once half show one" in figure
    assert run.spread["progressive"].dists_final.mean_ci95 != 0


def test_an_album_says_when_the_link_was_there(run_toy: Callable[..., Run], album: Path) -> None:
    windows = "link.windows={open: [{from_s: 100, to_s: 170}], repeat_s: 1000}"
    run = run_toy(f"image.path={album}", windows, drawn=True)
    assert run.windows == max((read_run(path).windows for path in (run.folder / "photos").iterdir()), key=len)
    assert "grey: there is no link" in (run.folder / "timeline.svg").read_text("utf-8")
    assert "<title>there is no link</title>" in (run.folder / "report.html").read_text("utf-8")


def test_means_of_fewer_photos_win_nothing(run_toy: Callable[..., Run], album: Path) -> None:
    run = run_toy(f"image.path={album}", "schemes=[progressive, low_bpp]")
    first, second = run.summary.values()
    early = dataclasses.replace(second, t_first_s=1.0, photos=1)
    said = _answer(dataclasses.replace(run, summary={"progressive": first, "low_bpp": early}))
    assert said == "The first picture: 1:00, by ProGIC progressive."


def test_photos_below_a_folder_are_sent_too(run_toy: Callable[..., Run], album: Path) -> None:
    (album / "below" / ".thumbs").mkdir(parents=True)
    for name in ("below/b.tif", "below/.thumbs/d.tif"):
        (album / name).write_bytes((album / "b.tif").read_bytes())
    run = run_toy(f"image.path={album}", "schemes=[progressive]")
    assert [photo.name for photo in run.manifest.photos] == ["a.jpg", "a.png", "b.tif", "below/b.tif"]
    assert [photo.run for photo in run.manifest.photos][2:] == ["photos/b", "photos/b.tif"]
    seeds = {read_run(run.folder / "photos" / name).manifest.seed for name in ("b", "b.tif")}
    assert len(seeds) == 2


@pytest.mark.parametrize("command", ["run", "compare", "tune", "sweep -g seed=1,2"])
def test_no_result_is_written_among_the_photos(tmp_path: Path, command: str) -> None:
    """Its pictures would be photos the next time."""
    name, *options = command.split()
    scenario, album = tmp_path / "plain.yaml", tmp_path / "album"
    scenario.write_text("name: plain\nlink: {payload_bytes: 360, interval_s: 60}\n")
    album.mkdir()
    smooth_photo(5).save(album / "a.png")
    out = album / "results" / "out"
    given = [name, str(scenario), *options, "--image", str(album), "-o", str(out)]
    result = CliRunner().invoke(app, given)
    assert result.exit_code == 2
    assert f"-o: found {out}, among the photos; allowed: one outside of {album}" in result.output
    assert not out.parent.exists()


def test_an_album_without_a_photo_is_refused(run_toy: Callable[..., Run], toy_scenario: Path) -> None:
    folder = toy_scenario.parent / "album"
    folder.mkdir()
    with pytest.raises(ImageError, match="found no photo, it is empty"):
        run_toy(f"image.path={folder}")
    (folder / "gone.jpg").symlink_to("nowhere.jpg")
    with pytest.raises(ImageError, match=r"none of its 1 files can be used; .*gone\.jpg: no such file"):
        run_toy(f"image.path={folder}")
    (folder / "gone.jpg").unlink()
    (folder / "notes.txt").write_text("no photo")
    with pytest.raises(ImageError, match=r"none of its 1 files can be used; .*notes\.txt: not an image"):
        run_toy(f"image.path={folder}")
