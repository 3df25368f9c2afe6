"""A comparison in words."""

from dataclasses import replace
from pathlib import Path

import pytest

from satsim.compare_text import sentences
from satsim.comparison import comparison_of, json_of
from satsim.contest import Photos, load_contest
from satsim.kept import Job
from satsim.records import SchemeSummary
from satsim.trial import Picture, Trial
from satsim.wording import percent_text

SCENARIO = """
name: two
image: {path: photos, size: [64, 64]}
link: {payload_bytes: 360, interval_s: 60}
schemes:
  - {name: raw, codec: identity, delivery: progressive}
  - {name: whole, codec: identity, delivery: high}
metrics: [dists]
"""


def trial_at(usable_at: float | None) -> dict[str, object]:
    times = (60.0, usable_at, None, 300.0)
    return Trial(SchemeSummary(*times, None, None, 340, 1, 0), (Picture(60.0, 340, 0.3),)).as_json()


@pytest.mark.parametrize(
    ("anchor_s", "rival_s", "sentence"),
    [
        ([60, 60, 60], [300, 300, 300], "raw is usable 4.0 min earlier than whole on 3 of 3 photos"),
        ([60, 60, 60], [300, 300, 180], "raw is usable 3.3 ± 2.9 min earlier than whole on 3 of 3 photos"),
        ([60, 60, 60], [68, 68, 74], "raw is usable 10 ± 9 s earlier than whole on 3 of 3 photos"),
        ([60, 60, 60], [60.3, 60.3, 60.3], "raw is usable earlier than whole on 3 of 3 photos"),
        ([300, 60, 60], [60, 60, None], "raw and whole are usable earlier on 1 of 3 photos each"),
        ([60, 60, 60], [60, 60, 60], "whole is usable when raw is on 3 of 3 photos"),
        ([None, None, None], [None, None, None], "whole is never usable, nor is raw on 3 of 3 photos"),
        ([None, None, None], [None, 60, None], "whole is usable earlier than raw on 1 of 3 photos, 2 tied"),
        ([60, 60, 60], [60, None, 60], "raw is usable earlier than whole on 1 of 3 photos, 2 tied"),
        ([180, 180, None], [60, 60, 60], "whole is usable 2.0 min earlier than raw on 3 of 3 photos"),
    ],
)
def test_a_sentence_says_who_is_usable_earlier(
    tmp_path: Path, anchor_s: list[float | None], rival_s: list[float | None], sentence: str
) -> None:
    (tmp_path / "two.yaml").write_text(SCENARIO, encoding="utf-8")
    contest = load_contest([tmp_path / "two.yaml"], [], [], None)
    jobs = [Job(name, "", contest.scenarios) for name in ("a.png", "b.png", "c.png")]
    rows = [
        [{"trials": [trial_at(one)]}, {"trials": [trial_at(other)]}]
        for one, other in zip(anchor_s, rival_s, strict=True)
    ]
    assert sentences(comparison_of(contest, Photos(jobs, ()), rows))[0] == sentence


def test_wins_and_losses_are_no_tie(tmp_path: Path) -> None:
    """Of two runs one is usable here and one there."""
    (tmp_path / "two.yaml").write_text(SCENARIO, encoding="utf-8")
    contest = load_contest([tmp_path / "two.yaml"], ["runs=2", "link.loss.rate=0.5"], [], None)
    one, other = ([trial_at(at) for at in times] for times in ((60, None), (None, 60)))
    photos = Photos([Job(name, "", contest.scenarios) for name in ("a.png", "b.png")], ())
    rows = [[{"trials": one}, {"trials": other}]] * 2
    said = "neither raw nor whole is usable earlier in more of the runs on 2 of 2 photos"
    assert sentences(comparison_of(contest, photos, rows))[0] == said


def test_who_has_nothing_to_send_is_told_with_the_reason(tmp_path: Path) -> None:
    """It lost against all others without a word, as if its pictures came late."""
    (tmp_path / "two.yaml").write_text(SCENARIO, encoding="utf-8")
    contest = load_contest([tmp_path / "two.yaml"], ["runs=2", "link.loss.rate=0.5"], [], None)
    lost = SchemeSummary(None, None, None, None, None, None, 0, 1, 1, note="1 of 1 packets never got through")
    nothing = replace(lost, packets_sent=0, packets_lost=0, note="WebP: nothing fits in 30 bytes")
    photos = [[Trial(each, ()).as_json()] * 2 for each in (nothing, lost, nothing)]
    jobs = [Job(name, "", contest.scenarios) for name in ("a.png", "b.png", "c.png")]
    rows = [[{"trials": [trial_at(60)] * 2}, {"trials": trials}] for trials in photos]
    found = comparison_of(contest, Photos(jobs, ()), rows)
    said = "whole shows nothing on 2 of 3 photos – WebP: nothing fits in 30 bytes"
    assert sentences(found)[1] == said
    told = {name: each["unsent"] for name, each in json_of(found)["competitors"].items()}
    assert told == {"raw": {}, "whole": {nothing.note: 2}}


@pytest.mark.parametrize(
    ("value", "ci95", "text"),
    [
        (-37.84, 53.41, "−37.8 ± 53.4 %"),
        (276.7, 109.1, "+277 ± 109 %"),
        (-20.0, 109.1, "−20 ± 109 %"),
        (7.0, None, "+7.0 %"),
    ],
)
def test_percents_are_as_long_as_they_are_exact(value: float, ci95: float | None, text: str) -> None:
    assert percent_text(value, ci95) == text
