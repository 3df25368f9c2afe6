import csv
import io
from pathlib import Path

import pytest
import torch
from rich.console import Console

from progic import training_log
from progic.errors import ProgicError
from progic.training_log import COLUMNS, Display, Terms, csv_log

TERMS = Terms(*(torch.tensor(value) for value in (1.5, 0.5, 0.4, 0.3, 0.2)), codes_used=12.0)


def _shown(is_terminal: bool) -> str:
    console = Console(file=io.StringIO(), force_terminal=is_terminal, width=120)
    with Display(console, done=5, total=40) as display:
        for step in range(6, 41):
            display.step(step, TERMS)
        display.say("step 40  kept")
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_without_a_terminal_every_tenth_step_is_a_line() -> None:
    lines = _shown(is_terminal=False).splitlines()
    assert [line.split("  ")[0] for line in lines] == [
        *(f"step {step}/40" for step in (10, 20, 30, 40)),
        "step 40",
    ]
    assert "L1 0.5000  LPIPS' 0.400  DISTS 0.300  codes 12" in lines[0]
    assert lines[3].endswith("0 min left")


def test_the_time_left_is_reckoned_from_the_steps_of_this_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten steps of a run that went on from step 90 took two minutes, so the thirty that are left take six."""
    console, clock = Console(file=io.StringIO(), force_terminal=False, width=120), iter((1000.0, 1120.0))
    monkeypatch.setattr(training_log.time, "monotonic", lambda: next(clock))
    Display(console, done=90, total=130).step(100, TERMS)
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().endswith("  6 min left\n")


def test_a_step_of_imitation_shows_how_far_the_maps_are() -> None:
    assert str(TERMS._replace(imitation=torch.tensor(0.25))) == "L1 0.5000  maps 0.250  codes 12"


def test_a_terminal_has_a_bar_and_what_is_said() -> None:
    shown = _shown(is_terminal=True)
    assert "40/40" in shown
    assert "step 40  kept" in shown
    assert "min left" not in shown


def test_two_trainings_do_not_write_into_one_folder(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    with csv_log(log):
        with pytest.raises(ProgicError, match="found another training writing here"), csv_log(log):
            pass
        (tmp_path / "other").mkdir()
        with csv_log(tmp_path / "other" / "log.csv"):
            pass
    with csv_log(log):
        pass


def test_csv_log_goes_on_under_one_header(tmp_path: Path) -> None:
    for step in (1, 2):
        with csv_log(tmp_path / "log.csv", step - 1) as log:
            log(step, 2.25, 1e-3, TERMS._replace(adversarial=0.7, discriminator=torch.tensor(1.4)))
    with (tmp_path / "log.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == list(COLUMNS)
    assert rows[2] == ["2", "4.5", "0.001", "1.5", "0.5", "0.4", "0.3", "0.2", "12", "0.7", "1.4", *"000"]
    assert len(rows) == 3


def test_a_log_of_an_earlier_version_keeps_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("step,elapsed_s,loss,codes_used\n1,2.0,1.7,11\n")
    with csv_log(path, 1) as log:
        log(2, 2.25, 1e-3, TERMS)
    assert path.read_text() == "step,elapsed_s,loss,codes_used\n1,2.0,1.7,11\n2,4.2,1.5,12\n"


def test_steps_that_are_taken_again_stand_once(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("step,loss\n1,1.7\n2,1.6\n3,1.5\n4,")  # killed while it wrote
    with csv_log(path, 2) as log:
        log(3, 2.25, 1e-3, TERMS)
    assert path.read_text().splitlines() == ["step,loss", "1,1.7", "2,1.6", "3,1.5"]


def test_a_row_that_a_full_disk_has_cut_is_of_no_step(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    whole = "step,elapsed_s,loss\n" + "".join(f"{step},{2 * step}.0,1.5\n" for step in range(1, 13))
    path.write_text(whole + "1")  # of 13
    with csv_log(path, 12) as log:
        log(13, 2.0, 1e-3, TERMS)
    assert path.read_text() == whole + "13,26.0,1.5\n"


def test_a_table_of_something_else_is_no_log(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    for text, said in (
        ("foo,bar\n1,2\n", "found columns foo,bar, which"),
        ("step\n" + "9" * 140_000, "field larger than field limit .*, which"),
    ):
        path.write_text(text)
        with pytest.raises(ProgicError, match=f"log.csv: {said} no training wrote"), csv_log(path):
            pass
        assert path.read_text() == text


def test_a_log_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(ProgicError, match=r"full: cannot be written: No space left on device"),
        csv_log(_full(tmp_path)) as log,
    ):
        log(1, 0.0, 0.0, TERMS)


def test_an_error_of_another_file_is_not_blamed_on_the_log(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="photo"), csv_log(tmp_path / "log.csv"):
        (tmp_path / "photo.png").read_bytes()


def _full(folder: Path) -> Path:
    """A file of a device that is always full."""
    path = folder / "full"
    path.symlink_to("/dev/full")
    return path
