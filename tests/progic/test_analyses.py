"""Each analysis against a case with a known answer."""

import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from progic import classical
from progic.analyses import bd_rate, range_coder, result
from progic.analyses.bd_rate import check_anchor
from progic.analyses.catalogue import make
from progic.analyses.curves import Curve, MeanPoint
from progic.analyses.drawing import spread
from progic.analyses.entropy import miller_madow_bits
from progic.analyses.extras import MissingExtra, wanted
from progic.analyses.gpu import costs_on
from progic.analyses.kept import Kept, digest_of
from progic.analyses.published import BPP, CODECS, CURVES
from progic.analyses.study import Settings, Study
from progic.bd_rate import bd_percent, curve_of
from progic.codec import Codec
from progic.commands.analyse import _formats
from progic.config import bits_per_pixel
from progic.data import chosen
from progic.errors import ConfigError, ImageError, InputError
from progic.evaluate import Mean, entropy_bits
from progic.flops import gflop_of

CURVE = [(0.05, 0.30), (0.1, 0.25), (0.15, 0.21), (0.2, 0.18)]


@pytest.mark.parametrize(("n_stages", "bits", "f", "paper"), BPP)
def test_bpp_of_the_papers_configurations(n_stages: int, bits: int, f: int, paper: float) -> None:
    assert bits_per_pixel(n_stages, bits, f) == pytest.approx(paper, rel=2e-3)


def test_bpp_to_the_last_digit() -> None:
    assert bits_per_pixel(1, 10, 32) == 0.009765625
    assert bits_per_pixel(1, 8, 64) == 0.001953125
    assert [bits_per_pixel(n, 10, 16) for n in (1, 5)] == [0.0390625, 0.1953125]


def test_entropy_of_uniform_codes_is_all_bits_and_never_more() -> None:
    assert miller_madow_bits(np.full(1024, 50)) == 10
    assert miller_madow_bits(np.array([9, 0, 0, 0])) == 0


def test_entropy_is_corrected_by_the_closed_form_and_the_right_way() -> None:
    counts = np.array([6, 3, 1, 0, 0, 0, 0, 0])
    assert miller_madow_bits(counts) == pytest.approx(entropy_bits(counts) + 2 / 20 / math.log(2))
    drawn = np.bincount(np.random.default_rng(3).integers(0, 1024, 4096), minlength=1024)
    assert entropy_bits(drawn) < miller_madow_bits(drawn) < 10
    assert 10 - miller_madow_bits(drawn) < (10 - entropy_bits(drawn)) / 3  # uniform: 10 bits are the truth


def test_a_curve_against_itself_and_against_itself_at_double_rate() -> None:
    single, double = (curve_of([(times * rate, distance) for rate, distance in CURVE]) for times in (1, 2))
    assert bd_percent(single, single) == pytest.approx(0, abs=1e-9)
    assert bd_percent(double, anchor=single) == pytest.approx(100, abs=1e-6)
    assert bd_percent(single, anchor=double) == pytest.approx(-50, abs=1e-6)


def test_photos_of_one_name_in_two_folders_are_two(toy_codec: Codec, tmp_path: Path) -> None:
    for folder, colour in (("a", "red"), ("b", "blue")):
        (tmp_path / folder).mkdir()
        Image.new("RGB", (64, 64), colour).save(tmp_path / folder / "1.png")
    study = Study(toy_codec, "toy", tmp_path, tmp_path / "out", Settings())
    assert [photo.name for photo in study.photos(None)] == ["a/1.png", "b/1.png"]


def test_photos_with_any_name_stand_in_tables_and_figures(toy_codec: Codec, tmp_path: Path) -> None:
    for name in ("M\udcfcnchen.png", "price$_$5.png"):
        Image.new("RGB", (64, 64), "red").save(tmp_path / name)
    study = Study(toy_codec, "toy", tmp_path, tmp_path / "out", Settings())
    assert [photo.name for photo in study.photos(None)] == ["M\\udcfcnchen.png", "price$_$5.png"]


def test_another_run_is_another_result(toy_codec: Codec, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    digests = []
    for text in ("{}", "{} ", "{}"):
        (run / "summary.json").write_text(text)
        os.utime(run / "summary.json", (1e9, 1e9))
        study = Study(toy_codec, "toy", None, tmp_path / "out", Settings(run=str(run)))
        digests.append(study.digest("satcom"))
    assert digests[0] == digests[2] != digests[1]


def test_another_scenario_is_another_satcom(
    toy_codec: Codec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scenarios").mkdir()
    study = Study(toy_codec, "toy", None, tmp_path / "out", Settings())
    digests = []
    for interval_s in (60, 600, 60):
        path = tmp_path / "scenarios" / "forest_fire.yaml"
        path.write_text(f"link: {{interval_s: {interval_s}}}")
        os.utime(path, (1e9, 1e9))
        digests.append([study.digest("satcom"), study.digest("bpp")])
    assert digests[0] == digests[2]
    assert digests[0][0] != digests[1][0] and digests[0][1] == digests[1][1]


def test_what_was_half_written_is_not_taken_for_whole(
    toy_codec: Codec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make("bpp", Study(toy_codec, "toy", None, tmp_path, Settings()))
    assert result.made_from(tmp_path, "bpp") is not None
    monkeypatch.setattr(result, "_csv", lambda rows: (_ for _ in ()).throw(OSError(28, "no space")))
    with pytest.raises(OSError, match="no space"):
        result.write(made, tmp_path, "another")
    assert result.made_from(tmp_path, "bpp") is None  # its figure is already another's


def test_what_lacks_a_file_is_made_again(toy_codec: Codec, tmp_path: Path) -> None:
    make("bpp", Study(toy_codec, "toy", None, tmp_path, Settings()))
    (tmp_path / "bpp.svg").unlink()
    assert result.made_from(tmp_path, "bpp") is None


def test_one_latent_has_no_map(toy_codec: Codec, tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    Image.new("RGB", (64, 64), "red").save(tmp_path / "a.png")
    study = Study(toy_codec, "toy", tmp_path, tmp_path / "out", Settings(size=(16, 16)))
    with pytest.raises(InputError, match="tsne: found one latent, 1 times, in 1 photos of 16x16"):
        make("tsne", study)


def test_a_codec_named_twice_is_one() -> None:
    assert _formats("webp,jpeg, webp", "rd") == ("webp", "jpeg")


@pytest.mark.parametrize(("name", "told"), [("rd", "left out: no JPEG XL\n"), ("bpp", "")])
def test_a_codec_that_is_missing_is_told_where_codecs_are_compared(
    name: str, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(classical, "lacks", lambda name: "no JPEG XL" if name == "jxl" else None)
    assert _formats("", name) == ("webp", "avif", "jpeg", "jp2")
    assert capsys.readouterr().err == told


def test_curves_that_do_not_meet_have_no_bd_rate() -> None:
    worse = curve_of([(rate, distance + 0.2) for rate, distance in CURVE])
    assert bd_percent(worse, curve_of(CURVE)) is None
    assert bd_percent(curve_of(CURVE), curve_of(CURVE[:2]), least_points=3) is None


def test_a_skewed_source_is_coded_within_one_percent_of_its_entropy() -> None:
    """Codes drawn with probability 1/2, 1/4, ... 1/128, 1/128: their entropy is 127/64 bits."""
    prior = np.array([*(0.5**power for power in range(1, 8)), 0.5**7])
    entropy = 127 / 64
    assert -(prior * np.log2(prior)).sum() == pytest.approx(entropy)
    exact = np.repeat(np.arange(8), (prior * 128 * 100).astype(int))  # each as often as it should be
    codes = np.random.default_rng(1).permutation(exact)
    coded = range_coder.encode([codes], [prior])
    assert len(coded) * 8 == pytest.approx(entropy * len(codes), rel=0.01)
    assert len(coded) * 8 >= entropy * len(codes)
    assert np.array_equal(range_coder.decode(coded, [len(codes)], [prior])[0], codes)


def test_uniform_codes_gain_nothing_and_cost_one_byte_at_most() -> None:
    codes = np.random.default_rng(2).integers(0, 1024, 256)
    assert 320 <= len(range_coder.encode([codes], [np.full(1024, 1 / 1024)])) <= 321


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 15), min_size=1, max_size=40), min_size=1, max_size=4), st.integers(0, 9)
)
def test_what_is_range_coded_comes_back(parts: list[list[int]], seed: int) -> None:
    arrays = [np.array(part, dtype=np.int64) for part in parts]
    counts = np.random.default_rng(seed).integers(0, 50, (len(parts), 16))
    priors = [range_coder.prior_of(each) for each in counts]
    coded = range_coder.encode(arrays, priors)
    found = range_coder.decode(coded, [len(part) for part in arrays], priors)
    assert [each.tolist() for each in found] == parts


def test_what_is_kept_is_computed_once_and_again_where_it_is_broken(tmp_path: Path) -> None:
    kept, asked = Kept(tmp_path / "kept"), []

    def compute() -> object:
        asked.append(1)
        return [1.5, None]

    assert kept.get({"a": 1, "b": 2}, compute) == [1.5, None]
    assert kept.get({"b": 2, "a": 1}, compute) == [1.5, None]
    assert len(asked) == 1
    (tmp_path / "kept" / f"{digest_of({'a': 1, 'b': 2})}.json").write_text("[1.5, nu")
    assert kept.get({"a": 1, "b": 2}, compute) == [1.5, None]
    assert len(asked) == 2


def test_few_photos_are_spread_over_the_folder() -> None:
    paths = [Path(str(number)) for number in range(24)]
    assert [path.name for path in chosen(paths, 3)] == ["4", "12", "20"]
    assert chosen(paths, 0) == chosen(paths, 24) == chosen(paths, 99) == paths


def test_labels_are_moved_apart_and_not_about() -> None:
    moved = spread(np.array([0.1, 0.11, 0.12, 0.9]), 0.05)
    assert (np.diff(moved) > 0.05 - 1e-5).all()
    assert moved[3] == 0.9
    assert moved[:3].mean() == pytest.approx(0.11)


def test_lpips_is_set_beside_the_published_with_their_net(
    toy_codec: Codec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ours, at twice the rate of MS-ILLM by DISTS and by AlexNet's LPIPS, and nowhere near by VGG16's."""
    unlike, mean = Mean(0.9, 0.0), lambda value: Mean(value, 0.0)
    points = tuple(
        MeanPoint(2 * point.bpp, mean(point.dists), unlike, unlike, unlike, mean(point.lpips_alex))
        for point in CURVES["ms-illm"].points
    )
    monkeypatch.setattr(bd_rate, "our_curve", lambda study, size: Curve("toy", "toy", points))
    Image.new("RGB", (32, 32)).save(tmp_path / "a.png")
    made = bd_rate.analyse(Study(toy_codec, "toy", tmp_path, tmp_path / "out", Settings(formats=())))
    first = made.rows[0]
    assert (first["codec"], first["anchor"]) == ("toy", "MS-ILLM")
    assert (first["dists_percent"], first["lpips_percent"]) == (100, 100)


def test_every_published_number_has_a_source() -> None:
    assert all(curve.source.startswith("github.com/") for curve in CURVES.values())
    assert all("arXiv 2603.02897" in codec.source for codec in CODECS if codec.gflop is not None)


def test_a_device_is_timed_and_left_as_it_was(toy_codec: Codec) -> None:
    """On the CPU, as there may be no GPU; the arithmetic is that of the codec at the padded size."""
    encode, decode = costs_on(toy_codec.net, (62, 48), "cpu", 10)
    assert (encode.way, encode.width, encode.height, decode.way) == ("encode", 62, 48, "decode")
    for cost, gflop in zip((encode, decode), gflop_of(toy_codec, (64, 48)), strict=True):
        assert 0 < cost.time.low_s <= cost.time.median_s <= cost.time.high_s
        assert cost.gflop == pytest.approx(gflop)
    assert next(toy_codec.net.parameters()).device.type == "cpu"


def _study(codec: Codec, folder: Path | None, out: Path) -> Study:
    return Study(codec, "toy", folder, out, Settings(size=(64, 48), formats=("webp",)))


def test_a_photo_smaller_than_f_is_named(toy_codec: Codec, tmp_path: Path) -> None:
    Image.new("RGB", (40, 15)).save(tmp_path / "low.png")
    with pytest.raises(ImageError, match=r"low\.png: found 40x15 pixels, allowed sides are 16"):
        make("entropy", _study(toy_codec, tmp_path, tmp_path / "out"))
    assert not list((tmp_path / "out").glob("entropy*"))


def test_a_folder_without_photos_or_none_is_named(toy_codec: Codec, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="holds no photo; looked for"):
        make("entropy", _study(toy_codec, tmp_path, tmp_path / "out"))
    with pytest.raises(InputError, match="progic analyse entropy DIR"):
        make("entropy", _study(toy_codec, None, tmp_path / "out"))


def test_a_model_of_too_few_stages_is_named(toy_codec: Codec, tmp_path: Path, photo: Image.Image) -> None:
    photo.save(tmp_path / "a.png")
    with pytest.raises(
        ConfigError, match="model toy: found N = 3 stages, resolution .* needs 4; choose another"
    ):
        make("resolution", _study(toy_codec, tmp_path, tmp_path / "out"))


def test_a_missing_extra_is_named_with_its_command() -> None:
    with pytest.raises(
        MissingExtra, match=r"tsne needs the package skl: pip install 'progic-satsim\[analyse\]'"
    ):
        wanted("skl.manifold", "tsne")


def test_an_unknown_anchor_is_named() -> None:
    with pytest.raises(InputError, match="--anchor: found 'gif', allowed ms-illm, hific, .*webp"):
        check_anchor(Settings(anchor="gif", formats=("webp",)))
    assert check_anchor(Settings(anchor="webp", formats=("webp",))) == "webp"
