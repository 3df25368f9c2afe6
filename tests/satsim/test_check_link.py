"""An impossible link is refused before anything is encoded, with what would fit."""

import re
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from satsim.errors import ScenarioError
from satsim.image_settings import ImageSettings
from satsim.intake import check_scenario
from satsim.loss_settings import BlockageLoss
from satsim.packet_room import check_link
from satsim.scenario import load_scenario, naming_sources
from satsim.settings import CodecSettings, LinkSettings, Scenario, Scheme
from satsim.units import HEADER_BYTES, bits_per_pixel, stage_bytes
from satsim.window_settings import Schedule

FOREST_FIRE = Path(__file__).parents[2] / "scenarios" / "forest_fire.yaml"
PROGIC = Scheme(name="a", codec="progic", delivery="progressive")
WEBP = Scheme(name="b", codec="webp", delivery="low")


def scenario(
    payload_bytes: int,
    size: tuple[int, int] = (256, 256),
    bits: int = 10,
    factor: int = 16,
    scheme: Scheme = PROGIC,
) -> Scenario:
    return Scenario(
        name="a",
        image=ImageSettings(path=Path("/photo.png"), size=size),
        codec=CodecSettings(bits_per_index=bits, downsampling_factor=factor),
        link=LinkSettings(payload_bytes=payload_bytes, interval_s=60),
        schemes=(scheme,),
    )


def message(tight: Scenario) -> str:
    with pytest.raises(ScenarioError) as caught:
        check_link(tight, "a.yaml")
    return str(caught.value)


def test_one_sbd_message_holds_one_stage_and_its_header() -> None:
    check_link(scenario(340), "a.yaml")


def test_one_byte_less_names_what_would_fit() -> None:
    assert message(scenario(339)) == (
        "a.yaml: link.payload_bytes: found 339, but one stage of 256x256 px at L=10, f=16 takes 320 bytes"
        " and its header 20; allowed: at least 340, or image.size at most [240, 240], or"
        " codec: {model: f16-l8, stages: 5, bits_per_index: 8, downsampling_factor: 16}"
    )


def test_only_what_exists_is_offered() -> None:
    # 4096x4096 at f=128: 1024 cells, even one bit each takes 128 bytes; f=128 is the largest there is
    assert message(scenario(21, size=(4096, 4096), bits=8, factor=128)) == (
        "a.yaml: link.payload_bytes: found 21, but one stage of 4096x4096 px at L=8, f=128 takes 1024 bytes"
        " and its header 20; allowed: at least 1044, or image.size at most [128, 128]"
    )


def test_files_can_be_cut_anywhere() -> None:
    check_link(scenario(21, scheme=WEBP), "a.yaml")


@given(
    payload_bytes=st.integers(21, 2000),
    size=st.tuples(st.integers(1, 4096), st.integers(1, 4096)),
    bits=st.integers(1, 16),
    factor=st.sampled_from([1, 2, 4, 8, 16, 32, 64, 128]),
)
def test_every_offer_fits_and_the_next_step_does_not(
    payload_bytes: int, size: tuple[int, int], bits: int, factor: int
) -> None:
    room = payload_bytes - HEADER_BYTES
    assume(stage_bytes(size, bits, factor) > room)
    text = message(scenario(payload_bytes, size, bits, factor))
    for first, second in re.findall(r"image\.size at most \[(\d+), (\d+)", text):
        wider = int(first) + 1
        assert stage_bytes((int(first), int(second)), bits, factor) <= room
        assert stage_bytes((wider, second_of(wider, size)), bits, factor) > room
    for found_bits, found_factor in re.findall(r"bits_per_index: (\d+), downsampling_factor: (\d+)", text):
        assert stage_bytes(size, int(found_bits), int(found_factor)) <= room
    assert ("image.size" in text) == (stage_bytes((1, second_of(1, size)), bits, factor) <= room)
    assert ("codec: {" in text) == (stage_bytes(size, 6, 64) <= room)  # the smallest there is, of f64-l6


def second_of(width: int, size: tuple[int, int]) -> int:
    """The height that keeps the shape of `size` at another width."""
    return max(1, round(width * size[1] / size[0]))


@pytest.mark.parametrize(
    ("size", "bits", "factor", "expected"),
    [
        ((256, 256), 10, 16, 320),  # 16x16 cells x 10 bits / 8
        ((1, 1), 10, 16, 2),  # one cell, 10 bits
        ((257, 256), 10, 16, 340),  # 17x16 cells
        ((10, 20000), 1, 128, 20),  # 1x157 cells
        ((8, 8), 3, 8, 1),
    ],
)
def test_stage_bytes(size: tuple[int, int], bits: int, factor: int, expected: int) -> None:
    assert stage_bytes(size, bits, factor) == expected


def test_bits_per_pixel_is_n_times_l_over_f_squared() -> None:
    assert bits_per_pixel(5 * 320, (256, 256)) == 5 * 10 / 16**2


def test_a_sky_that_is_never_open_for_a_slot_is_refused() -> None:
    def blocked(open_s: float) -> Scenario:
        loss = BlockageLoss(kind="blockage", open_s=open_s, blocked_s=0.1)
        fine = scenario(360)
        return fine.model_copy(update={"link": fine.link.model_copy(update={"loss": loss})})

    check_scenario(blocked(1.2), "a.yaml")
    with pytest.raises(ScenarioError) as caught:
        check_scenario(blocked(0.1), "a.yaml")
    assert str(caught.value) == (
        "a.yaml: link.loss.open_s: found 0.1, at which every slot of 60 s is blocked;"
        " allowed: at least 1.2, link.interval_s / 50"
    )


@given(st.integers(0, 9999), st.integers(100, 6000))
def test_a_window_as_long_as_a_slot_holds_one(from_ds: int, slot_ds: int) -> None:
    """In tenths of a second, of which binary fractions make a little more or less: 64.1 - 4.1 is under 60."""
    opens = {"from_s": from_ds / 10, "to_s": (from_ds + slot_ds) / 10}
    windows = Schedule.model_validate({"open": [opens], "repeat_s": 2000})
    link = LinkSettings(payload_bytes=360, interval_s=slot_ds / 10, windows=windows)
    wide = scenario(360).model_copy(update={"link": link})
    check_scenario(wide, "a.yaml")
    short = link.model_copy(update={"interval_s": slot_ds / 10 + 0.01})
    with pytest.raises(ScenarioError, match=r"link\.windows: found no window longer than"):
        check_scenario(wide.model_copy(update={"link": short}), "a.yaml")


def test_room_for_just_a_piece_of_each_stage_is_enough() -> None:
    """107 + 80 + 54 + 46 + 40 bytes of 320 each, a table of 8 and a header of 20."""
    keys = ["repair={kind: ulp, packets: 10, needed: [3, 4, 6, 7, 8]}", "schemes=[progressive]"]
    check_scenario(load_scenario(FOREST_FIRE, [*keys, "link.payload_bytes=355"]), "a.yaml")
    with pytest.raises(ScenarioError, match=r"takes 355 with its header .*; allowed: at least 355"):
        check_scenario(load_scenario(FOREST_FIRE, [*keys, "link.payload_bytes=354"]), "a.yaml")


def test_what_is_found_late_names_the_layer_that_has_it(tmp_path: Path) -> None:
    base, top = tmp_path / "base.yaml", tmp_path / "top.yaml"
    base.write_text(f"extends: {FOREST_FIRE}\nlink: {{payload_bytes: 100}}\n", encoding="utf-8")
    top.write_text("extends: base.yaml\nname: top\n", encoding="utf-8")
    with pytest.raises(ScenarioError) as caught, naming_sources(top):
        check_scenario(load_scenario(top), str(top))
    assert (caught.value.file, caught.value.key) == (str(base), "link.payload_bytes")
    nine = ["link.payload_bytes=360", "codec.stages=9"]
    late = pytest.raises(ScenarioError, match="^override codec.stages=9: codec.stages: found 9; allowed: ")
    with late, naming_sources(top, nine):
        check_scenario(load_scenario(top, nine), str(top))


@pytest.mark.parametrize(
    ("keys", "key"),
    [
        ("{name: own, codec: jpeg, delivery: high, size: [300, 300]}", "size of own"),
        (
            "{name: own, codec: ssdv, delivery: high, repair: {kind: ulp, packets: 5, needed: [5]}}",
            "repair of own",
        ),
    ],
)
def test_what_is_wrong_with_a_scheme_names_the_layer_of_the_schemes(
    keys: str, key: str, tmp_path: Path
) -> None:
    top = tmp_path / "top.yaml"
    top.write_text(f"extends: {FOREST_FIRE}\nschemes: [{keys}]\n", encoding="utf-8")
    with pytest.raises(ScenarioError) as caught, naming_sources(top):
        check_scenario(load_scenario(top), str(top))
    assert (caught.value.file, caught.value.key) == (str(top), key)
