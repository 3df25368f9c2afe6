"""Steps of the search for codes, a scenario's or a scheme's own, reach the codec that sends and no other."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from torch import Tensor
from typer.testing import CliRunner

import progic
from progic.codec import Codec
from progic.refine import RefinedCodec
from satsim.cli import app
from satsim.codec_settings import Search
from satsim.compare_photo import send_photo_by_all
from satsim.contest import load_contest, open_photos
from satsim.fec import recover
from satsim.handset import frames_to_send
from satsim.intake import load_models, load_parts, open_for
from satsim.packets import parse
from satsim.rundir import Run, picture_file
from satsim.scenario import load_scenario
from satsim.studio import Studio
from satsim.terminal import notes
from tests.satsim.conftest import TOY_SCENARIO, ToyCodec, smooth_photo

REFINED = "{name: refined, codec: progic, delivery: progressive, refine_steps: 1}"
MORE = "{name: more, codec: progic, delivery: high, refine_steps: 2}"


class SlowCodec(ToyCodec):
    """As the toy codec, every byte off by the steps of its search; stagewise by those of all so far."""

    def __init__(self, steps: int, stagewise: bool = False) -> None:
        super().__init__()
        self.steps, self.stagewise = steps, stagewise
        self.n_settled = 0

    def encode(self, photo: Image.Image) -> list[bytes]:
        return list(self.encode_each(photo))

    def encode_each(self, photo: Image.Image) -> Iterator[bytes]:
        for number, stage in enumerate(super().encode(photo)):
            self.n_settled += 1
            off = self.steps * (number + 1 if self.stagewise else 1)
            yield bytes((byte + off) % 256 for byte in stage)


@pytest.fixture
def slow_codecs(toy_codec: ToyCodec, monkeypatch: pytest.MonkeyPatch) -> dict[int, ToyCodec]:
    """What `progic.refined` gives in a test that asks for this, by its steps."""
    made: dict[int, ToyCodec] = {}

    def refined(codec: ToyCodec, steps: int, *, stagewise: bool) -> ToyCodec:
        return made.setdefault(steps, SlowCodec(steps, stagewise) if steps else codec)

    monkeypatch.setattr(progic, "refined", refined)
    return made


def test_refine_steps_are_those_of_the_codec_that_sends() -> None:
    models = load_models("f16", {Search(), Search(7)})
    plain, slow = models[Search()], models[Search(7)]
    assert isinstance(slow, RefinedCodec)
    assert slow.steps == 7
    assert type(plain) is progic.Codec
    assert plain.fingerprint == slow.fingerprint  # receivers need not know
    assert plain.net is slow.net  # loaded once
    assert load_models("f16", ()) == {}
    begun = load_models("f16", {Search(7, stagewise=True)})
    assert sorted(begun) == [(0, False), (7, True)]  # the first stage is found without


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


STAGEWISE = "{name: late, codec: progic, delivery: progressive, refine_steps: 2, refine_stagewise: true}"


def times(run: Run, event: str, scheme: str = "late") -> list[tuple[float, int]]:
    return [(each.time_s, each.packet) for each in run.events if (each.scheme, each.event) == (scheme, event)]


def stages_of(toy_scenario: Path, steps: int = 2, stagewise: bool = True) -> list[bytes]:
    photo = open_for(load_scenario(toy_scenario), toy_scenario.parent / "photo.png")
    return SlowCodec(steps, stagewise).encode(photo.image)


def payloads_in(folder: Path) -> list[bytes]:
    return [parse(path.read_bytes()).payload for path in sorted(folder.iterdir())]


@pytest.mark.parametrize(
    ("refine_s", "sent_s"),
    [
        (25, [25.5, 85.5, 145.5]),  # but for the first found while the packet before is on its way
        (100, [100.5, 200.5, 300.5]),  # slower than the link: each waits for its own search
    ],
)
def test_stagewise_each_packet_is_searched_for_after_the_one_before(
    run_toy: Callable[..., Run], slow_codecs: dict[int, ToyCodec], refine_s: float, sent_s: list[float]
) -> None:
    sender = f"sender={{encode_s: 0.5, refine_s: {refine_s}}}"
    run = run_toy(sender, f"schemes=[progressive, {STAGEWISE}]", drawn=True)
    assert times(run, "encoded") == [(0.5 + refine_s, 0)]
    assert times(run, "queued") == [(0.5 + refine_s * n, n) for n in (1, 2, 3)]
    assert times(run, "sent") == [(each_s, n) for n, each_s in enumerate(sent_s, 1)]
    assert times(run, "received") == [(each_s + 60, n) for n, each_s in enumerate(sent_s, 1)]
    assert times(run, "sent", "progressive") == [(0.5, 1), (60.5, 2), (120.5, 3)]
    photo = Image.open(run.folder / "images" / "original.png")
    slow = SlowCodec(2, stagewise=True)
    for held in ("1", "1-3"):
        expected = slow.decode(dict(list(enumerate(slow.encode(photo)))[: int(held[-1])]), photo.size)
        with Image.open(picture_file(run.folder, "late", held)) as picture:
            assert picture.tobytes() == expected.tobytes()
    assert run.scenario.sender.refine_s == refine_s
    line = f"late – 2 steps of search a stage counted as {refine_s} s, by its sender's refine_s"
    assert line in notes(run)
    for page, words in (
        ("timeline.svg", "2 steps of search a"),
        ("report.html", "2 steps of search a stage"),
    ):
        assert (run.folder / page).read_text("utf-8").count(words) == 1, page  # the figure has short lines


def test_a_search_before_all_delays_the_first_packet_by_its_time(
    run_toy: Callable[..., Run], slow_codecs: dict[int, ToyCodec]
) -> None:
    run = run_toy("sender={encode_s: 0.5, refine_s: 25}", f"schemes=[progressive, {REFINED}, webp_high]")
    first = {name: times(run, "sent", name)[0] for name in ("progressive", "refined", "webp_high")}
    assert first == {"progressive": (0.5, 1), "refined": (25.5, 1), "webp_high": (0.5, 1)}
    assert times(run, "encoded", "refined") == [(25.5, 0)]
    assert "ProGIC refined – 1 step of search counted as 25 s, by its sender's refine_s" in notes(run)


@pytest.mark.parametrize(
    ("repair", "payload_bytes", "queued"),
    [
        ("{kind: erasure, parity_stages: 2}", 40, [(10.5, 1), (20.5, 2), (30.5, 3), (30.5, 4), (30.5, 5)]),
        ("{kind: none}", 60, [(20.5, 1), (30.5, 2)]),  # of stages 0 and 1, and of stage 2
        ("{kind: ulp, packets: 4, needed: [1, 2, 3]}", 64, [(30.5, n) for n in (1, 2, 3, 4)]),
        ("{kind: carousel, rounds: 2}", 40, [(10.5, 1), (20.5, 2), (30.5, 3)]),
    ],
)
def test_a_packet_waits_for_all_that_it_is_made_of(
    run_toy: Callable[..., Run],
    slow_codecs: dict[int, ToyCodec],
    repair: str,
    payload_bytes: int,
    queued: list[tuple[float, int]],
) -> None:
    keys = ["sender={encode_s: 0.5, refine_s: 10}", f"repair={repair}", f"link.payload_bytes={payload_bytes}"]
    run = run_toy(*keys, f"schemes=[{STAGEWISE}]")
    assert times(run, "queued") == queued
    assert min(each_s for each_s, _ in times(run, "sent")) == queued[0][0]


def test_a_measured_search_is_a_share_of_the_whole(
    run_toy: Callable[..., Run], slow_codecs: dict[int, ToyCodec], monkeypatch: pytest.MonkeyPatch
) -> None:
    taken_s = {0: 0.25, 2: 30.0}
    monkeypatch.setattr(
        "satsim.trained_codec.RememberingCodec.encode_s",
        lambda self, photo: taken_s[getattr(self._codec, "steps", 0)],
    )
    run = run_toy("sender={encode: measured}", f"schemes=[{STAGEWISE}]")
    assert times(run, "queued") == [(10, 1), (20, 2), (30, 3)]


def test_a_real_sender_sends_each_packet_as_soon_as_it_is_found(
    toy_scenario: Path, slow_codecs: dict[int, ToyCodec]
) -> None:
    keys = ["codec.refine_steps=2", "codec.refine_stagewise=true", "repair={kind: carousel, rounds: 2}"]
    sending = frames_to_send(load_scenario(toy_scenario, keys), "toy.yaml", None, 0)
    slow = slow_codecs[2]
    assert isinstance(slow, SlowCodec)
    sent = []
    for frame in sending.frames:
        sent.append(parse(frame.data))
        assert slow.n_settled == min(len(sent), 3)
    stages = stages_of(toy_scenario)
    assert [packet.payload for packet in sent] == stages * 2
    assert [len(frame.data) for frame in sending.plan] == [len(stage) + 20 for stage in stages * 2]


def test_parity_is_of_the_codes_that_are_sent(toy_scenario: Path, slow_codecs: dict[int, ToyCodec]) -> None:
    keys = ["codec.refine_steps=2", "codec.refine_stagewise=true", "repair={kind: erasure, parity_stages: 1}"]
    sending = frames_to_send(load_scenario(toy_scenario, keys), "toy.yaml", None, 0)
    *packets, parity = (parse(frame.data) for frame in sending.frames)
    stages = stages_of(toy_scenario)
    assert recover(3, {0: stages[0], 2: packets[2].payload}, {0: parity.payload})[1] == stages[1]


def test_stagewise_is_an_option_of_the_sender(
    toy_scenario: Path, slow_codecs: dict[int, ToyCodec], tmp_path: Path
) -> None:
    photo = toy_scenario.parent / "photo.png"
    command = ["send", photo, "--scenario", toy_scenario, "--files", tmp_path / "air", "--stagewise"]
    result = CliRunner().invoke(app, [str(part) for part in command])
    assert (result.exit_code, slow_codecs) == (2, {})
    assert "--stagewise: found no --refine with it; allowed: --refine of at least 1" in result.stderr
    result = CliRunner().invoke(app, [str(part) for part in [*command, "--refine", "2"]])
    assert result.exit_code == 0, result.stderr
    assert payloads_in(tmp_path / "air") == stages_of(toy_scenario)


@pytest.mark.parametrize(("option", "stagewise"), [("", True), ("--no-stagewise", False)])
def test_other_steps_leave_a_search_stagewise(
    toy_scenario: Path, slow_codecs: dict[int, ToyCodec], tmp_path: Path, option: str, stagewise: bool
) -> None:
    command = f"send {toy_scenario.parent / 'photo.png'} --scenario {toy_scenario} --files {tmp_path / 'air'}"
    keys = ["-s", f"schemes=[{STAGEWISE}]", "--refine", "3", *option.split()]
    result = CliRunner().invoke(app, [*command.split(), *keys])
    assert result.exit_code == 0, result.stderr
    assert payloads_in(tmp_path / "air") == stages_of(toy_scenario, 3, stagewise)
