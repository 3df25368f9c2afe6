"""What a kept result depends on, and what is left where none is."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from satsim import kept
from satsim.errors import InputError
from satsim.kept import Job, Place, Row, key_of, run_jobs
from satsim.scenario import load_scenario

SCENARIO = """
name: programs
image: {{path: photo.png, size: [32, 32]}}
link: {{payload_bytes: 600, interval_s: 60}}
schemes:
  - name: own
    codec: command
    delivery: high
    command: {{encode: "sh {program} {{png}} {{bitstream}}", decode: "cp {{bitstream}} {{out}}"}}
"""


def test_a_key_follows_the_programs_that_a_scenario_calls(tmp_path: Path) -> None:
    program = tmp_path / "encode.sh"
    (tmp_path / "own.yaml").write_text(SCENARIO.format(program=program), encoding="utf-8")
    keys = []
    for text in ("cp $1 $2", "exit 3", "cp $1 $2"):
        program.write_text(text)
        kept._sha256.cache_clear()  # each time another command of satsim
        keys.append(key_of(load_scenario(tmp_path / "own.yaml")))
    assert keys[0] == keys[2] != keys[1]


def test_a_key_follows_the_photos_below_a_folder(tmp_path: Path) -> None:
    photo = tmp_path / "photos" / "below" / "a.png"
    photo.parent.mkdir(parents=True)
    (tmp_path / "own.yaml").write_text(SCENARIO.format(program="p").replace("photo.png", "photos"))
    keys = []
    for content in (b"one", b"two"):
        photo.write_bytes(content)
        kept._sha256.cache_clear()
        keys.append(key_of(load_scenario(tmp_path / "own.yaml")))
    assert keys[0] != keys[1]


def test_a_first_job_that_fails_leaves_no_folder_and_what_was_there_stays(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    jobs = [Job("first", "key", tmp_path)]
    for target in (tmp_path / "there", tmp_path / "new" / "deep"):
        with ThreadPoolExecutor() as threads, pytest.raises(InputError, match="first: no"):
            run_jobs(jobs, _fails, Place(target, "points", "a test's"), threads, lambda step, done: None)
    assert [each.name for each in tmp_path.rglob("*")] == ["there"]


def test_results_are_kept_where_a_link_leads_to(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("not_yet")
    place = Place(tmp_path / "link", "points", "a test's")
    with ThreadPoolExecutor() as threads:
        run_jobs([Job("first", "key", 1)], lambda given: [], place, threads, lambda step, done: None)
    assert (tmp_path / "not_yet" / "points" / "key.json").is_file()


def _fails(given: Path) -> list[Row]:
    raise InputError("no")


@pytest.mark.parametrize(
    "damage",
    ["[]", "[{}]", '[{"scheme": 3}]', '{"rows": []}', "{}", "null", "[" * 100_000, "of another", "changed"],
)
def test_a_result_that_is_not_as_it_was_kept_is_computed_again(tmp_path: Path, damage: str) -> None:
    done: list[str] = []

    def work(given: str) -> list[Row]:
        done.append(given)
        return [{"scheme": given, "note": float("nan"), "bytes": (1, 2)}]

    def rows() -> list[list[Row]]:
        jobs = [Job(name, name, name) for name in ("one", "two")]
        with ThreadPoolExecutor() as threads:
            return run_jobs(
                jobs, work, Place(tmp_path, "points", "a test's"), threads, lambda step, part: None
            )

    first, (one, two) = rows(), [tmp_path / "points" / f"{name}.json" for name in ("one", "two")]
    assert [row["scheme"] for (row,) in rows()] == ["one", "two"]
    assert sorted(done) == ["one", "two"]
    changed = {"of another": one.read_text(), "changed": two.read_text().replace("2]", "3]")}
    two.write_text(changed.get(damage, damage))
    assert [row["scheme"] for (row,) in rows()] == [row["scheme"] for (row,) in first]
    assert sorted(done) == ["one", "two", "two"]
