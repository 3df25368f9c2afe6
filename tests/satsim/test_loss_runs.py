"""Whole runs over each kind of loss: the folder holds the trace, figures say what was lost and how."""

from collections.abc import Callable
from pathlib import Path

import pytest

from satsim.errors import TraceError
from satsim.loss_settings import BlockageLoss, GilbertElliottLoss, IndependentLoss, Loss, TraceLoss, is_drawn
from satsim.rundir import EVENTS, TIMELINE, TRACE, Run
from satsim.wording import loss_text

PLAYED = "link.loss={kind: trace, path: drive.csv, after_end: received}"


def lost_at(run: Run, scheme: str = "progressive") -> list[float]:
    return [event.time_s for event in run.events if event.event == "lost" and event.scheme == scheme]


def test_a_recorded_trace_is_played_and_kept(run_toy: Callable[..., Run], toy_scenario: Path) -> None:
    """Slots begin at 0.5 s and every 60 s after; each has one outcome recorded in it."""
    drive = toy_scenario.parent / "drive.csv"
    drive.write_text("time_s,outcome\n1,ok\n61,lost\n121,lost\n181,ok\n", encoding="utf-8")
    run = run_toy(PLAYED)
    assert lost_at(run) == [60.5, 120.5]
    assert (run.folder / TRACE).read_bytes() == drive.read_bytes()
    assert run.scenario.link.loss == TraceLoss(
        kind="trace", path=(run.folder / TRACE).resolve(), after_end="received"
    )


def test_a_played_run_repeats_from_its_own_folder(run_toy: Callable[..., Run], toy_scenario: Path) -> None:
    drive = toy_scenario.parent / "drive.csv"
    drive.write_text("time_s,outcome\n0,lost\n60,ok\n", encoding="utf-8")
    first = run_toy(PLAYED)
    drive.unlink()
    again = run_toy(f"link.loss={{kind: trace, path: {first.folder / TRACE}, after_end: received}}", name="b")
    for file in (EVENTS, TIMELINE, TRACE):
        assert (again.folder / file).read_bytes() == (first.folder / file).read_bytes()


def test_a_broken_trace_ends_the_run_before_it_begins(
    run_toy: Callable[..., Run], toy_scenario: Path
) -> None:
    (toy_scenario.parent / "drive.csv").write_text("time_s,outcome\n0,ok\n60,soon\n", encoding="utf-8")
    with pytest.raises(TraceError, match=r'drive\.csv, line 3: found outcome "soon"; allowed: 0 or ok'):
        run_toy(PLAYED)
    assert not (toy_scenario.parent / "run").exists()


@pytest.mark.parametrize(
    "loss",
    [
        "{kind: gilbert_elliott, rate: 0.4, mean_burst: 2}",
        "{kind: blockage, open_s: 120, blocked_s: 90}",
    ],
)
def test_same_seed_same_losses_for_every_scheme(run_toy: Callable[..., Run], loss: str) -> None:
    """The shorter of two schemes loses the first of the slots that the longer one loses."""
    runs = [
        run_toy(f"link.loss={loss}", f"seed={seed}", name=name)
        for seed, name in ((1, "a"), (1, "b"), (2, "c"))
    ]
    assert runs[0].events == runs[1].events != runs[2].events
    for run in runs:
        short, long = lost_at(run, "high_bpp"), lost_at(run, "webp")
        assert short == long[: len(short)]
    assert lost_at(runs[0], "high_bpp")


@pytest.mark.parametrize(
    ("loss", "text", "by_seed"),
    [
        (IndependentLoss(rate=0), "no loss", False),
        (IndependentLoss(rate=0.025), "2.5% loss", True),
        (GilbertElliottLoss(kind="gilbert_elliott", rate=0, mean_burst=3), "no loss", False),
        (
            GilbertElliottLoss(kind="gilbert_elliott", rate=0.2, mean_burst=3),
            "20% loss in bursts of 3",
            True,
        ),
        (
            BlockageLoss(kind="blockage", open_s=120, blocked_s=30),
            "open 120 s, blocked 30 s in turn",
            True,
        ),
        (TraceLoss(kind="trace", path=Path("drive.csv")), "loss as recorded", False),
    ],
)
def test_figures_say_what_is_lost_and_the_seed_where_it_decides(loss: Loss, text: str, by_seed: bool) -> None:
    assert (loss_text(loss), is_drawn(loss)) == (text, by_seed)
