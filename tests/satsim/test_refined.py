"""Steps of the search for codes, a scenario's or a scheme's own, reach the codec that sends and no other."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from torch import Tensor
from typer.testing import CliRunner

import progic
from progic.codec import Codec
from progic.refine import RefinedCodec
from satsim.cli import app
from satsim.compare_photo import send_photo_by_all
from satsim.contest import load_contest, open_photos
from satsim.intake import load_models, load_parts, open_for
from satsim.packets import parse
from satsim.rundir import Run, picture_file
from satsim.scenario import load_scenario
from satsim.studio import Studio
from tests.satsim.conftest import TOY_SCENARIO, ToyCodec, smooth_photo

REFINED = "{name: refined, codec: progic, delivery: progressive, refine_steps: 1}"
MORE = "{name: more, codec: progic, delivery: high, refine_steps: 2}"


class SlowCodec(ToyCodec):
    """As the toy codec, every byte off by the steps of its search."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps = steps

    def encode(self, photo: Image.Image) -> list[bytes]:
        return [bytes((byte + self.steps) % 256 for byte in stage) for stage in super().encode(photo)]


@pytest.fixture
def slow_codecs(toy_codec: ToyCodec, monkeypatch: pytest.MonkeyPatch) -> dict[int, ToyCodec]:
    """What `progic.refined` gives in a test that asks for this, by its steps."""
    made: dict[int, ToyCodec] = {}

    def refined(codec: ToyCodec, steps: int) -> ToyCodec:
        return made.setdefault(steps, SlowCodec(steps) if steps else codec)

    monkeypatch.setattr(progic, "refined", refined)
    return made


def test_refine_steps_are_those_of_the_codec_that_sends() -> None:
    models = load_models("f16", {0, 7})
    plain, slow = models[0], models[7]
    assert isinstance(slow, RefinedCodec)
    assert slow.steps == 7
    assert type(plain) is progic.Codec
    assert plain.fingerprint == slow.fingerprint  # receivers need not know
    assert plain.net is slow.net  # loaded once
    assert load_models("f16", ()) == {}


@pytest.mark.usefixtures("metric_weights")
def test_plain_and_refined_schemes_send_other_bytes_for_one_encoding_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched: Counter[str] = Counter()
    for kind in (Codec, RefinedCodec):

        def codes_of(self, pixels: Tensor, of: Callable[..., Tensor] = kind.codes_of) -> Tensor:  # type: ignore[no-untyped-def]
            searched[type(self).__name__] += 1
            return of(self, pixels)

        monkeypatch.setattr(kind, "codes_of", codes_of)
    photo = smooth_photo(5, (64, 64))
    photo.save(tmp_path / "photo.png")
    (tmp_path / "toy.yaml").write_text(TOY_SCENARIO)
    whole = "{name: whole, codec: progic, delivery: high, refine_steps: 1}"
    scenario = load_scenario(tmp_path / "toy.yaml", [f"schemes=[progressive, {REFINED}, high_bpp, {whole}]"])
    studio = Studio(scenario, open_for(scenario, scenario.image.path), load_parts(scenario))
    stages = [studio.encoded(studio.codec(scenario, scheme)).stages for scheme in scenario.schemes]
    assert searched == {"Codec": 1, "RefinedCodec": 1}
    assert stages[0] == stages[2] != stages[1] == stages[3]
    plain = progic.load("f16")
    assert stages[0] == tuple(plain.encode(photo)[:3])
    assert stages[1] == tuple(progic.refined(plain, 1).encode(photo)[:3])


def test_no_scheme_is_shown_what_another_searched(
    run_toy: Callable[..., Run], slow_codecs: dict[int, ToyCodec]
) -> None:
    run = run_toy("codec.refine_steps=3", f"schemes=[high_bpp, {REFINED}, {MORE}, webp_high]", drawn=True)
    assert {steps: codec.n_encoded for steps, codec in slow_codecs.items()} == {1: 1, 2: 1, 3: 1}
    photo = Image.open(run.folder / "images" / "original.png")
    for name, steps in (("high_bpp", 3), ("refined", 1), ("more", 2)):
        codec = SlowCodec(steps)
        expected = codec.decode(dict(enumerate(codec.encode(photo))), photo.size)
        with Image.open(picture_file(run.folder, name, "1-3")) as picture:
            assert picture.tobytes() == expected.tobytes()
    assert [each.refine_steps for each in run.scenario.schemes] == [None, 1, 2, None]
    for page in ("timeline.svg", "report.html"):
        text = (run.folder / page).read_text("utf-8")
        assert text.count("1 step of search") == 1, page


def test_scenarios_of_other_steps_are_compared_and_those_of_the_same_encode_once(
    toy_scenario: Path, slow_codecs: dict[int, ToyCodec]
) -> None:
    for name, keys in (
        ("own", f"schemes: [high_bpp, {MORE}]"),
        ("all", "codec: {refine_steps: 2}\nschemes: [high_bpp]"),
    ):
        (toy_scenario.parent / f"{name}.yaml").write_text(f"extends: toy.yaml\nname: {name}\n{keys}\n")
    files = [toy_scenario.parent / "own.yaml", toy_scenario.parent / "all.yaml"]
    (job,) = open_photos(load_contest(files, [], [], None)).jobs
    plain, own, all_of_them = send_photo_by_all(job.given)
    assert plain != own == all_of_them
    assert {steps: codec.n_encoded for steps, codec in slow_codecs.items()} == {0: 1, 2: 1}


@pytest.mark.parametrize(("refine", "expected"), [([], 1), (["--refine", "2"], 2), (["--refine", "0"], 0)])
def test_a_real_sender_searches_as_the_scheme_says_or_its_option(
    toy_scenario: Path, slow_codecs: dict[int, ToyCodec], refine: list[str], expected: int
) -> None:
    scheme = ["-s", f"schemes=[high_bpp, {REFINED}]", "--scheme", "refined"]
    photo, folder = toy_scenario.parent / "photo.png", toy_scenario.parent / "air"
    command = ["send", photo, "--scenario", toy_scenario, "--files", folder, *scheme, *refine, "--json"]
    result = CliRunner().invoke(app, [str(part) for part in command])
    assert result.exit_code == 0
    packets = [parse(bytes.fromhex(json.loads(line)["data"])) for line in result.stdout.splitlines()]
    (codec,) = slow_codecs.values()
    assert getattr(codec, "steps", 0) == expected
    assert len(packets) == 3
