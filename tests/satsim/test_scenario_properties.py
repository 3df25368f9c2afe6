"""Properties of scenario files: any text, any values, any scenario."""

import re
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel
from ruamel.yaml import YAML

from satsim.errors import InputError
from satsim.loss_settings import BlockageLoss, GilbertElliottLoss, IndependentLoss, Loss, TraceLoss
from satsim.repair_settings import (
    ArqNextSlot,
    ArqRound,
    Carousel,
    Erasure,
    NoRepair,
    Repair,
    Repeat,
    ReturnLink,
    Ulp,
    Unequal,
)
from satsim.scenario import dump_scenario, load_scenario
from satsim.sender_settings import SenderSettings
from satsim.settings import (
    CodecSettings,
    ImageSettings,
    LatencySettings,
    LinkSettings,
    Mark,
    Scenario,
    Scheme,
)

GOOD = Path(__file__).parent / "good_scenario.yaml"


@given(text=st.text())
def test_any_text_loads_or_is_an_input_error(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(text, encoding="utf-8", errors="replace")
    with pytest.raises(InputError):
        load_scenario(path)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just({}),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
KEYS = st.sampled_from(["name", "image", "codec", "sender", "link", "repair", "schemes", "usable", "seed"])


@given(keys=st.dictionaries(KEYS, VALUES, min_size=1))
def test_any_values_load_or_are_an_input_error(
    keys: dict[str, object], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "values.yaml"
    YAML(typ="safe", pure=True).dump({**keys, "extends": str(GOOD)}, path)
    try:
        scenario = load_scenario(path)
    except InputError:
        return
    assert load_scenario(GOOD).model_copy(update={key: getattr(scenario, key) for key in keys}) == scenario


NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,20}", fullmatch=True)
SECONDS = st.floats(0, 604_800)
FILE_NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0/"), min_size=1).filter(
    lambda name: name.strip() and name not in (".", "..")
)
COUNTS = st.integers(1, 1000)
REPAIRS: st.SearchStrategy[Repair] = st.one_of(
    st.just(NoRepair(kind="none")),
    st.builds(ArqNextSlot, max_attempts=COUNTS),
    st.builds(Repeat, kind=st.just("repeat"), times=COUNTS),
    st.builds(Carousel, kind=st.just("carousel"), rounds=COUNTS),
    st.builds(
        Unequal,
        kind=st.just("unequal"),
        copies=st.lists(st.integers(1, 100), min_size=1, max_size=64).map(
            lambda copies: tuple(sorted(copies, reverse=True))
        ),
    ),
    st.builds(
        ArqRound,
        kind=st.just("arq_round"),
        max_rounds=COUNTS,
        return_link=st.builds(
            ReturnLink,
            payload_bytes=st.integers(28, 65536),
            interval_s=st.floats(0.001, 604_800),
            latency_s=st.floats(0, 604_800),
            loss=st.builds(IndependentLoss, rate=st.floats(0, 1)),
        ),
    ),
    st.builds(
        Ulp,
        kind=st.just("ulp"),
        packets=st.just(64),
        needed=st.lists(st.integers(1, 64), min_size=1, max_size=64).map(lambda each: tuple(sorted(each))),
    ),
    st.builds(Erasure, kind=st.just("erasure"), parity_stages=st.integers(1, 64)),
)
LOSSES: st.SearchStrategy[Loss] = st.one_of(
    st.builds(IndependentLoss, rate=st.floats(0, 1)),
    st.builds(
        GilbertElliottLoss,
        kind=st.just("gilbert_elliott"),
        rate=st.floats(0, 0.5),
        mean_burst=st.floats(1, 1e6),
    ),
    st.builds(
        BlockageLoss,
        kind=st.just("blockage"),
        open_s=st.floats(0.1, 604_800),
        blocked_s=st.floats(0.1, 604_800),
    ),
    st.builds(
        TraceLoss,
        kind=st.just("trace"),
        path=FILE_NAMES.map(lambda name: Path("/").resolve() / name),
        after_end=st.sampled_from(["repeat", "received", "lost"]),
    ),
)


SENDERS = st.builds(SenderSettings, encode_s=SECONDS, refine_s=st.none() | SECONDS) | st.just(
    SenderSettings(encode="measured")
)


@st.composite
def schemes(draw: st.DrawFn, name: str) -> Scheme:
    codec = draw(st.sampled_from(["progic", "webp", "avif", "identity"]))
    return Scheme(
        name=name,
        codec=codec,
        delivery=draw(st.sampled_from(["low", "high"])),
        repair=draw(st.none() | REPAIRS),
        sender=draw(st.none() | SENDERS),
        refine_steps=draw(st.none() | st.integers(0, 1000)) if codec == "progic" else None,
        refine_stagewise=draw(st.none() | st.booleans()) if codec == "progic" else None,
    )


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique_by=str.casefold))
    marks = st.builds(Mark, thumbnail_px=st.integers(1, 4096)) | st.builds(
        Mark, dists=st.floats(0, 1, exclude_min=True)
    )
    return Scenario(
        name=draw(NAMES),
        image=ImageSettings(
            path=Path("/").resolve() / draw(FILE_NAMES),
            size=(draw(st.integers(1, 4096)), draw(st.integers(1, 4096))),
            fit=draw(st.sampled_from(["crop", "pad"])),
        ),
        codec=CodecSettings(
            model=draw(st.text(st.characters(exclude_categories=["Cs"]), min_size=1)),
            stages=draw(st.integers(1, 64)),
            bits_per_index=draw(st.integers(1, 16)),
            downsampling_factor=2 ** draw(st.integers(0, 7)),
        ),
        sender=draw(SENDERS),
        link=LinkSettings(
            payload_bytes=draw(st.integers(21, 65536)),
            interval_s=draw(st.floats(0.001, 604_800)),
            latency=LatencySettings(propagation_s=draw(SECONDS), processing_s=draw(SECONDS)),
            loss=draw(LOSSES),
        ),
        repair=draw(REPAIRS),
        schemes=tuple(draw(schemes(name)) for name in names),
        usable=draw(marks),
        detail=draw(marks),
        metrics=draw(st.sampled_from([("dists",), ("psnr_db", "ms_ssim")])),
        seed=draw(st.integers(0, 2**53)),
    )


@given(scenario=scenarios())
@example(scenario=load_scenario(GOOD).model_copy(update={"name": "1e3"}))
@example(scenario=load_scenario(GOOD).model_copy(update={"name": "no"}))
@example(scenario=load_scenario(GOOD).model_copy(update={"name": "0o17"}))
@example(scenario=load_scenario(GOOD).model_copy(update={"codec": CodecSettings(model="\x85")}))
def test_dump_loads_to_an_equal_scenario(
    scenario: Scenario, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "dumped.yaml"
    path.write_text(dump_scenario(scenario), encoding="utf-8")
    assert load_scenario(path) == scenario


def sections(annotation: Any) -> set[type[BaseModel]]:
    """All models in a field's annotation, and in theirs."""
    if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        return set().union(*(sections(part) for part in get_args(annotation)))
    fields = annotation.model_fields.values()
    return {annotation}.union(*(sections(field.annotation) for field in fields))


def test_every_description_states_the_bounds_that_hold() -> None:
    checked = 0
    for model in sections(Scenario):
        for name, field in model.model_fields.items():
            bounds = [
                bound
                for part in field.metadata
                for bound in (getattr(part, name, None) for name in ("ge", "gt", "le", "lt"))
                if bound is not None
            ]
            stated = [float(number) for number in re.findall(r"-?\d+\.?\d*", field.description or "")]
            assert field.description, name
            assert [bound for bound in bounds if bound not in stated] == [], name
            checked += len(bounds)
    assert checked >= 36


def test_a_scenario_cannot_be_changed() -> None:
    scenario = load_scenario(GOOD)
    with pytest.raises(ValueError, match="frozen"):
        scenario.link.loss.rate = 0.5  # type: ignore[misc]
