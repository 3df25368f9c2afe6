"""A whole run on the toy codec: who, what and when, to the byte; and what is left when it is stopped."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

import progic
from progic.errors import ImageError
from satsim.errors import ScenarioError
from satsim.pipeline import run_scenario
from satsim.rundir import Run
from satsim.scenario import load_scenario

TABLES = ("events.csv", "timeline.csv", "summary.json")


def tables(run: Run) -> dict[str, bytes]:
    return {name: (run.folder / name).read_bytes() for name in TABLES}


def test_pictures_come_at_the_hand_worked_times(run_toy: Callable[..., Run]) -> None:
    with (run_toy().folder / "timeline.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    columns = ("scheme", "time_s", "packets", "stages", "bytes", "bpp")
    # encoded at 0.5 s, a slot of 60 s each; 20 bytes of header and 20 of stage; 160 bits on 4096 pixels
    assert [tuple(row[name] for name in columns) for row in rows] == [
        ("progressive", "60.5", "1", "1", "40", "0.039062"),
        ("progressive", "120.5", "2", "1-2", "80", "0.078125"),
        ("progressive", "180.5", "3", "1-3", "120", "0.117188"),
        ("low_bpp", "60.5", "1", "1", "40", "0.039062"),
        ("high_bpp", "180.5", "3", "1-3", "120", "0.117188"),
        ("webp", "1200.5", "20", "1-20", rows[-1]["bytes"], rows[-1]["bpp"]),
    ]
    assert 380 + 20 * 20 < int(rows[-1]["bytes"]) <= 400 + 20 * 20
    assert {row["dists"] for row in rows} == {row["usable"] for row in rows} == {""}  # not asked for
    psnr_db = [float(row["psnr_db"]) for row in rows]
    assert psnr_db[0] < psnr_db[1] < psnr_db[2] == psnr_db[4]
    assert psnr_db[0] == psnr_db[3]


def test_a_scheme_with_a_repair_of_its_own_meets_the_same_losses(run_toy: Callable[..., Run]) -> None:
    own = "{name: twice, codec: progic, delivery: progressive, repair: {kind: repeat, times: 2}}"
    run = run_toy(f"schemes=[progressive, {own}]", "repair={kind: none}", "link.loss.rate=0.5", drawn=True)
    slots = {
        scheme: [(event.time_s, event.event) for event in run.events if event.scheme == scheme]
        for scheme in ("progressive", "twice")
    }
    ends = {scheme: {time_s for time_s, event in told if event == "lost"} for scheme, told in slots.items()}
    assert run.summary["progressive"].packets_sent == 3 and run.summary["twice"].packets_sent == 6
    assert ends["progressive"] == {time_s for time_s in ends["twice"] if time_s <= 180.5}
    figure = (run.folder / "timeline.svg").read_text("utf-8")
    assert "each packet sent 2" in figure and "repair as in each row" in figure


def test_a_codec_that_fits_nothing_says_so_and_the_run_goes_on(run_toy: Callable[..., Run]) -> None:
    summary = json.loads((run_toy().folder / "summary.json").read_text())["avif_low"]
    assert summary.pop("note") == "AVIF: nothing fits in 20 bytes"
    assert {key: value for key, value in summary.items() if value} == {}


def test_each_picture_is_the_stages_held(run_toy: Callable[..., Run], toy_codec: object) -> None:
    folder = run_toy().folder
    with Image.open(folder / "images" / "progressive-1-2.png") as picture:
        red, green, blue = picture.split()
        assert blue.getextrema() == (128, 128)
        assert red.getextrema() != green.getextrema() != (128, 128)


def test_the_trained_codec_works_once_a_photo_and_set_of_stages(
    run_toy: Callable[..., Run], toy_codec
) -> None:  # type: ignore[no-untyped-def]
    run_toy()
    assert (toy_codec.n_encoded, toy_codec.n_decoded) == (1, 3)


def test_same_seed_same_bytes_other_seed_other_losses(run_toy: Callable[..., Run]) -> None:
    loss = "link.loss.rate=0.4"
    first, again, other = (
        run_toy(loss, "seed=1", name="a"),
        run_toy(loss, "seed=1", name="b"),
        run_toy(loss, "seed=2", name="c"),
    )
    assert tables(first) == tables(again)
    assert tables(first)["events.csv"] != tables(other)["events.csv"]
    assert any(event.event == "lost" for event in first.events)


def test_a_run_folder_can_be_run_again(run_toy: Callable[..., Run], tmp_path: Path) -> None:
    run = run_toy("link.loss.rate=0.4")
    file = run.folder / "scenario.yaml"
    again = run_scenario(
        load_scenario(file),
        str(file),
        tmp_path / "again",
        False,
        lambda folder: None,
        lambda step, done: None,
    )
    assert tables(again) == tables(run)


def test_the_manifest_names_what_made_the_run(run_toy: Callable[..., Run], toy_scenario: Path) -> None:
    manifest = json.loads((run_toy("seed=7").folder / "manifest.json").read_text())
    assert manifest["seed"] == 7
    assert set(manifest["versions"]) == {"python", "progic-satsim", "torch", "numpy", "simpy", "pillow"}
    assert manifest["codec_weights_sha256"] == "70f0" * 16
    assert manifest["metric_weights_sha256"] is manifest["usable_dists"] is None
    (photo,) = manifest["photos"]
    assert (photo["name"], photo["width"], photo["height"], photo["run"]) == ("photo.png", 96, 96, None)
    assert len(photo["sha256"]) == 64


def test_measured_encode_time_moves_every_scheme_of_our_codec_alike(run_toy: Callable[..., Run]) -> None:
    run = run_toy("sender.encode=measured", "schemes=[progressive, low_bpp]")
    encoded = {event.time_s for event in run.events if event.event == "encoded"}
    assert len(encoded) == 1
    assert 0 < encoded.pop() < 10


@pytest.mark.parametrize("step", ["reading", "low_bpp", "drawing"])
def test_stopping_leaves_nothing(toy_scenario: Path, step: str) -> None:
    before = sorted(toy_scenario.parent.rglob("*"))

    def stop_at(what: str, done: float) -> None:
        if what == step:
            raise KeyboardInterrupt

    target = toy_scenario.parent / "runs" / "run"
    with pytest.raises(KeyboardInterrupt):
        run_scenario(load_scenario(toy_scenario), "toy", target, False, lambda folder: None, stop_at)
    assert sorted(toy_scenario.parent.rglob("*")) == before


def test_progress_only_grows(toy_scenario: Path) -> None:
    steps: list[float] = []
    target = toy_scenario.parent / "run"
    run_scenario(
        load_scenario(toy_scenario),
        "toy",
        target,
        False,
        lambda folder: None,
        lambda step, done: steps.append(done),
    )
    assert steps == sorted(steps)
    assert (steps[0], steps[-1]) == (0, 1)


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [("stages", 4, "at most 3"), ("bits_per_index", 9, "10"), ("downsampling_factor", 32, "16")],
)
def test_a_model_of_another_shape_is_refused(
    run_toy: Callable[..., Run], key: str, value: int, allowed: str
) -> None:
    with pytest.raises(ScenarioError, match=rf"codec\.{key}: found {value}; allowed: {allowed}"):
        run_toy(f"codec.{key}={value}")


def test_a_picture_too_small_for_dists_is_refused(run_toy: Callable[..., Run]) -> None:
    with pytest.raises(ScenarioError, match=r"image\.size: found \[8, 64\]; allowed: sides of at least 16"):
        run_toy("metrics=[dists]", "image.size=[8, 64]")


@pytest.mark.parametrize("size", [(1, 1), (20_000, 10), (31, 400)])
def test_a_photo_too_small_to_be_one_is_refused(
    run_toy: Callable[..., Run], toy_scenario: Path, size: tuple[int, int]
) -> None:
    Image.new("RGB", size).save(toy_scenario.parent / "photo.png")
    found = rf"photo\.png: found {size[0]}x{size[1]} pixels, allowed is a photo with sides of at least 32"
    with pytest.raises(ImageError, match=found):
        run_toy()


def test_a_run_of_few_pixels_can_be_run_again(run_toy: Callable[..., Run]) -> None:
    small = run_toy("image.size=[16,16]", "schemes=[progressive]", name="small").folder
    kept = small / "scenario.yaml"
    again = run_scenario(
        load_scenario(kept), str(kept), small.parent / "again", False, lambda _: None, lambda *_: None
    )
    assert tables(again) == {name: (small / name).read_bytes() for name in TABLES}


def test_gflop_is_of_what_the_scheme_has_shown(run_toy: Callable[..., Run], toy_scenario: Path) -> None:
    (toy_scenario.parent / "trace.csv").write_text("time_s,outcome\n0,lost\n200,ok\n")
    lost = "{name: lost, codec: progic, delivery: progressive, repair: {kind: none}}"
    loss = "link.loss={kind: trace, path: trace.csv, after_end: received}"
    run = run_toy(f"schemes=[progressive, {lost}]", loss, "repair={kind: arq_next_slot}")
    summary = json.loads((run.folder / "summary.json").read_text())
    assert summary["progressive"]["gflop"] is not None
    assert (summary["lost"]["t_first_s"], summary["lost"]["gflop"]) == (None, None)


def test_pieces_of_every_stage_go_all_the_way(run_toy: Callable[..., Run]) -> None:
    run = run_toy("repair={kind: ulp, packets: 4, needed: [1, 2, 4]}", "link.payload_bytes=130")
    rows = [(row.time_s, row.stages, row.packets) for row in run.rows_of("progressive")]
    assert rows == [(60.5, "1", 1), (120.5, "1-2", 2), (240.5, "1-3", 4)]
    assert [row.time_s for row in run.rows_of("webp")] == [240.5], "a file takes as many as the last stage"


@pytest.mark.parametrize(
    ("key", "is_named"),
    [
        ("link.latency.jitter_s=3", True),
        ("fleet={handsets: 2, access: aloha}", True),
        ("link.loss.rate=0.1", True),
        ("fleet={handsets: 2, access: turns}", False),
        ("link.latency.propagation_s=3", False),
    ],
)
def test_the_seed_is_named_where_it_decides_anything(
    run_toy: Callable[..., Run], key: str, is_named: bool
) -> None:
    run = run_toy(key, "schemes=[progressive]", drawn=True)
    assert (", seed 1" in (run.folder / "timeline.svg").read_text("utf-8")) == is_named
    head = (run.folder / "report.html").read_text("utf-8").partition('<p class="answer">')[0]
    assert (", seed 1" in head) == is_named


def test_a_run_without_our_codec_loads_no_model(
    run_toy: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progic, "load", lambda model: pytest.fail("no scheme asks for it"))
    run = run_toy("schemes=[{name: webp, codec: webp, delivery: high, budget_bytes: 400}]")
    assert run.manifest.codec_weights_sha256 is None
