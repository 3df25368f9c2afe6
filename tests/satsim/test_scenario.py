"""A scenario file loads to exactly what it says, or ends in one line that a user can act on."""

import re
from contextlib import suppress
from pathlib import Path

import pytest

from progic.config import DEFAULT_MODEL
from satsim.errors import ScenarioError
from satsim.loss_settings import IndependentLoss, TraceLoss
from satsim.repair_settings import ArqNextSlot
from satsim.scenario import load_scenario
from satsim.sender_settings import SenderSettings
from satsim.settings import (
    DEFAULT_SCHEMES,
    CodecSettings,
    LinkSettings,
    Mark,
    Scenario,
)

HERE = Path(__file__).parent
GOOD = HERE / "good_scenario.yaml"
BAD = sorted((HERE / "bad_scenarios").glob("*.yaml"))
FOREST_FIRE = HERE.parents[1] / "scenarios" / "forest_fire.yaml"


def loaded(text: str, folder: Path) -> Scenario:
    path = folder / "scenario.yaml"
    path.write_text(text, encoding="utf-8")
    return load_scenario(path)


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_bad_scenario_says_file_key_found_and_allowed(path: Path) -> None:
    expected = re.findall(r"^# expect: (.*)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    assert str(caught.value).replace(f"{path.parent}/", "").splitlines() == expected
    assert caught.value.exit_code == 2


def test_forest_fire_is_the_papers_link() -> None:
    scenario = load_scenario(FOREST_FIRE)
    assert scenario.link == LinkSettings(payload_bytes=360, interval_s=60)
    assert scenario.codec == CodecSettings(
        model=DEFAULT_MODEL, stages=5, bits_per_index=10, downsampling_factor=16
    )
    assert scenario.sender == SenderSettings(encode_s=0.56)
    assert scenario.image.path == FOREST_FIRE.parent / "forest_fire.png"
    assert scenario.image.size == (256, 256)
    assert scenario.schemes == DEFAULT_SCHEMES
    assert [scenario.budget_bytes(scheme) for scheme in scenario.schemes[:3]] == [1600, 320, 1600]


def test_defaults() -> None:
    assert CodecSettings().model == DEFAULT_MODEL
    scenario = load_scenario(GOOD)
    assert scenario.repair == ArqNextSlot(max_attempts=50)
    assert scenario.link.loss.rate == 0
    assert scenario.link.latency.total_s == 0
    assert (scenario.usable, scenario.detail) == (Mark(thumbnail_px=32), Mark(thumbnail_px=64))


def test_overlay_keeps_all_but_its_keys(tmp_path: Path) -> None:
    overlay = loaded(f"extends: {FOREST_FIRE}\nname: lossy\nlink: {{loss: {{rate: 0.2}}}}", tmp_path)
    base = load_scenario(FOREST_FIRE)
    assert overlay.name == "lossy"
    assert overlay.link == base.link.model_copy(update={"loss": IndependentLoss(rate=0.2)})
    assert overlay.model_copy(update={"name": base.name, "link": base.link}) == base


def test_image_path_is_relative_to_the_file_that_has_it(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "base.yaml").write_text(
        "name: a\nimage: {path: a.png, fit: pad}\nlink: {payload_bytes: 360, interval_s: 60}"
    )
    kept = loaded("extends: ../base.yaml", tmp_path / "sub").image
    assert (kept.path, kept.fit) == (tmp_path.resolve() / "a.png", "pad")
    replaced = loaded("extends: ../base.yaml\nimage: b.png", tmp_path / "sub").image
    assert (replaced.path, replaced.fit) == (tmp_path.resolve() / "sub" / "b.png", "pad")


def test_trace_path_is_relative_to_the_file_that_has_it(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "base.yaml").write_text(
        "name: a\nimage: a.png\nlink: {payload_bytes: 360, interval_s: 60, loss: {kind: trace, path: t.csv}}"
    )
    kept = loaded("extends: ../base.yaml\nlink: {loss: {after_end: lost}}", tmp_path / "sub").link.loss
    assert kept == TraceLoss(kind="trace", path=tmp_path.resolve() / "t.csv", after_end="lost")
    replaced = loaded("extends: ../base.yaml\nlink: {loss: {path: u.csv}}", tmp_path / "sub").link.loss
    assert replaced == TraceLoss(kind="trace", path=tmp_path.resolve() / "sub" / "u.csv")


def test_error_names_the_file_that_has_the_key(tmp_path: Path) -> None:
    base = tmp_path / "base.yaml"
    base.write_text("name: a\nimage: a.png\nlink: {payload_bytes: 360, interval_s: 0}")
    with pytest.raises(ScenarioError) as caught:
        loaded("extends: base.yaml\nseed: 2", tmp_path)
    assert caught.value.file == str(base)


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b"name: caf\xe9", "byte 0xe9 at 9"),
        (b"name: a\x00b", "broken syntax"),
        (b"a: " + b"[" * 700, "broken syntax"),
        (b"seed: " + b"9" * 5000, "broken syntax"),
        (b"#" * 65_537, "a larger file"),
    ],
    ids=["latin-1", "nul", "deep", "digits", "large"],
)
def test_file_that_is_no_yaml(raw: bytes, found: str, tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_bytes(raw)
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    assert caught.value.found.startswith(found)


def test_larger_file_is_told_what_belongs_there(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0" * 20_000)
    allowed = r"photo\.jpg: found a larger file; allowed: a scenario in YAML, at most 65536 bytes"
    with pytest.raises(ScenarioError, match=allowed):
        load_scenario(tmp_path / "photo.jpg")


def test_folder_in_place_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="found no readable file \\(Is a directory\\)"):
        load_scenario(tmp_path)
    (tmp_path / "scenario.yaml").touch()  # as a run folder has it
    with pytest.raises(ScenarioError) as caught:
        load_scenario(tmp_path)
    assert caught.value.allowed == f"a scenario in YAML, such as {tmp_path / 'scenario.yaml'}"


BOMB = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 20))


@pytest.mark.parametrize("text", [BOMB, "name: &a [*a]", "link: &a {link: *a}", f"seed: 0x{'f' * 9000}"])
def test_endless_values_end_in_an_error(text: str, tmp_path: Path) -> None:
    with pytest.raises(ScenarioError) as caught:
        loaded(text, tmp_path)
    assert len(str(caught.value)) < 10_000


@pytest.mark.parametrize(
    "keys", ["image: loop1", "extends: loop1", "link: {loss: {kind: trace, path: loop1}}"]
)
def test_links_that_lead_to_each_other_are_no_fault_of_ours(tmp_path: Path, keys: str) -> None:
    (tmp_path / "loop1").symlink_to(tmp_path / "loop2")
    (tmp_path / "loop2").symlink_to(tmp_path / "loop1")
    text = keys if "extends" in keys else f"extends: {FOREST_FIRE}\n{keys}"
    with suppress(ScenarioError):  # a path alone is opened later
        loaded(text, tmp_path)


@pytest.mark.parametrize("key", ["image", "extends"])
def test_a_path_that_no_file_can_have_is_named(tmp_path: Path, key: str) -> None:
    with pytest.raises(ScenarioError, match=key):
        loaded(f'{key}: "\\ud800"', tmp_path)


DOUBLING = "\n".join(f"  a{n + 1}: &a{n + 1} {{l: *a{n}, r: *a{n}}}" for n in range(60))


@pytest.mark.parametrize("text", ["link: &x {latency: *x}", f"fleet:\n  a0: &a0 {{x: 1}}\n{DOUBLING}"])
def test_anchors_that_make_values_without_end_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "base.yaml").write_text(text)
    with pytest.raises(ScenarioError, match=r"found too many values, as of an anchor .*at most 100000"):
        loaded(f"extends: base.yaml\n{text}", tmp_path)


@pytest.mark.parametrize(
    ("overlay", "overrides", "key", "blamed"),
    [
        ("link: skylo_nbntn", [], "link.interval_s", "small.yaml"),
        ("link: {payload_bytes: 50}", ["link=skylo_nbntn"], "link.interval_s", "override link=skylo_nbntn"),
        ("repair: {kind: carousel}", [], "repair.rounds", "small.yaml"),
        ("seed: 2", ["repair.kind=carousel"], "repair.rounds", "override repair.kind=carousel"),
        ("seed: 2", ["repair.rounds=x", "repair.kind=carousel"], "repair.rounds", "override repair.rounds=x"),
    ],
)
def test_a_key_that_was_replaced_is_blamed_on_what_replaced_it(
    tmp_path: Path, overlay: str, overrides: list[str], key: str, blamed: str
) -> None:
    (tmp_path / "base.yaml").write_text(f"extends: {FOREST_FIRE}\nrepair: {{kind: carousel, rounds: 2}}")
    small = tmp_path / "small.yaml"
    small.write_text(f"extends: base.yaml\n{overlay}")
    with pytest.raises(ScenarioError) as caught:
        load_scenario(small, overrides)
    assert (caught.value.key, caught.value.file.removeprefix(f"{tmp_path}/")) == (key, blamed)


def test_weights_are_found_beside_the_file_that_names_them(tmp_path: Path) -> None:
    (tmp_path / "deeper").mkdir()
    (tmp_path / "base.yaml").write_text(f"extends: {FOREST_FIRE}\ncodec: {{model: own.safetensors}}")
    (tmp_path / "deeper" / "mine.yaml").write_text("extends: ../base.yaml")
    assert load_scenario(tmp_path / "deeper" / "mine.yaml").codec.model == str(tmp_path / "own.safetensors")
    by_override = load_scenario(tmp_path / "deeper" / "mine.yaml", ["codec.model=../b.safetensors"])
    assert by_override.codec.model == str(tmp_path / "b.safetensors")
    assert load_scenario(tmp_path / "base.yaml", ["codec.model=f16-s"]).codec.model == "f16-s"
