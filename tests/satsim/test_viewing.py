"""What is shown when: only progressive delivery shows a part; the summary says what the rows say."""

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from satsim.file_codecs import IdentityCodec
from satsim.quality import Scorer, Scores
from satsim.records import Event, Holding, SchemeRun, SchemeSummary
from satsim.settings import Delivery
from satsim.tally import Worth
from satsim.viewing import Marks, SchemeView, Showing, shown, view_scheme, worth_of
from satsim.wording import stages_text

PHOTO = Image.linear_gradient("L").resize((16, 16)).convert("RGB")
STAGES = tuple(PHOTO.tobytes()[start : start + 256] for start in range(0, 768, 256))


def viewed(delivery: Delivery, *held: tuple[int, ...], gave_up: int = 0, received: int = 0) -> SchemeView:
    events = [Event(0.5, "s", "queued", number, "", 0, 276, "") for number in (1, 2, 3)]
    events += [Event(9.0, "s", "received", received, "", 1, 276, "")] * bool(received)
    events += [
        Event(60.0 * number, "s", "received", number, "", 1, 276, "") for number in range(1, len(held) + 1)
    ]
    events += [Event(9.5, "s", "gave_up", 3, "2", 1, 276, "")] * gave_up
    holdings = tuple(
        Holding(60.0 * number, each, number, 276 * number) for number, each in enumerate(held, start=1)
    )
    run = SchemeRun("s", tuple(events), holdings, packets_sent=5, packets_lost=2, bytes_sent=1380)
    scorer = Scorer(PHOTO, ("psnr_db",), None)
    codec = IdentityCodec(1000, piece_bytes=256)
    return view_scheme(run, STAGES, Showing(delivery, 3), codec, scorer, Marks(None, None), PHOTO.size)


def test_progressive_shows_every_holding() -> None:
    seen = viewed("progressive", (0,), (0, 2), (0, 1, 2))
    assert [(view.row.time_s, view.row.stages, view.row.packets) for view in seen.views] == [
        (60.0, "1", 1),
        (120.0, "1+3", 2),
        (180.0, "1-3", 3),
    ]
    assert [view.row.bytes for view in seen.views] == [276, 552, 828]
    assert [view.row.bpp for view in seen.views] == [8.0, 16.0, 24.0]  # 256, 512, 768 bytes on 256 pixels
    assert seen.views[-1].picture == PHOTO


def test_prefix_shows_what_stands_before_the_first_gap() -> None:
    late = viewed("prefix", (2,), (0, 2), (0, 1, 2))
    assert [(view.row.time_s, view.row.stages) for view in late.views] == [(120.0, "1"), (180.0, "1-3")]
    early = viewed("prefix", (0,), (0, 2), (0, 1, 2))
    assert [(view.row.time_s, view.row.stages) for view in early.views] == [(60.0, "1"), (180.0, "1-3")]
    assert early.views[0].picture == late.views[0].picture


def test_a_beginning_too_short_for_a_picture_is_not_shown() -> None:
    times = enumerate([(0,), (0, 2), (0, 1, 3), (0, 1, 2, 3)], start=1)
    held = [Holding(60.0 * number, each, number, 100) for number, each in times]
    seen = shown(held, Showing("prefix", n_stages=4, first_stages=2))
    assert [(each.time_s, each.stages) for each in seen] == [(180.0, (0, 1)), (240.0, (0, 1, 2, 3))]


def test_all_else_shows_nothing_before_the_end() -> None:
    for delivery in ("low", "high"):
        assert [view.row.time_s for view in viewed(delivery, (0,), (0, 2), (0, 1, 2)).views] == [180.0]


def test_a_scheme_that_never_completes_shows_nothing_and_says_why() -> None:
    assert viewed("high", (0,), (0, 1), gave_up=1).summary == SchemeSummary(
        t_first_s=None,
        t_usable_s=None,
        t_detail_s=None,
        t_final_s=None,
        dists_first=None,
        dists_final=None,
        bytes=552,
        packets_sent=5,
        packets_lost=2,
        note="1 of 3 packets never got through",
    )


def test_an_incomplete_progressive_scheme_keeps_its_last_picture() -> None:
    summary = viewed("progressive", (1,), (0, 1), gave_up=1).summary
    assert (summary.t_first_s, summary.t_final_s, summary.note) == (
        60.0,
        120.0,
        "1 of 3 packets never got through",
    )


class Falling:
    """Scores each new picture by the next of these DISTS."""

    original = PHOTO

    def __init__(self, *dists: float) -> None:
        self._dists = iter(dists)

    def scores(self, picture: Image.Image) -> Scores:
        return Scores(next(self._dists), None, None, None)


def test_a_mark_is_reached_by_the_first_picture_at_it_or_below() -> None:
    times = enumerate([(0,), (0, 1), (0, 1, 2)], start=1)
    holdings = tuple(Holding(60.0 * number, held, number, 276 * number) for number, held in times)
    run, marks = SchemeRun("s", (), holdings, 3, 0, 0), Marks(usable_dists=0.3, detail_dists=0.25)
    codec, scorer = IdentityCodec(1000, piece_bytes=256), Falling(0.4, 0.3, 0.25)
    seen = view_scheme(run, STAGES, Showing("progressive", 3), codec, scorer, marks, PHOTO.size)  # type: ignore[arg-type]
    assert [view.row.usable for view in seen.views] == [False, True, True]
    assert seen.summary == SchemeSummary(60.0, 120.0, 180.0, 180.0, 0.4, 0.25, 0, 3, 0)
    assert [worth_of(dists, marks) for dists in (0.25, 0.3, 0.31, None)] == [
        Worth(0.25, is_usable=True, is_detailed=True),
        Worth(0.3, is_usable=True, is_detailed=False),
        Worth(0.31, is_usable=False, is_detailed=False),
        Worth(None, is_usable=False, is_detailed=False),
    ]


def test_a_packet_that_arrived_unreported_did_get_through() -> None:
    arrived = viewed("progressive", (0,), (0, 1, 2), gave_up=1, received=3)
    assert arrived.summary.note is None


@given(st.sets(st.integers(0, 63), min_size=1))
def test_stages_text_says_each_stage_once(stages: set[int]) -> None:
    text = stages_text(sorted(stages))
    read: list[int] = []
    for part in text.split("+"):
        first, _, last = part.partition("-")
        read += range(int(first) - 1, int(last or first))
    assert read == sorted(stages)
    assert text.count("+") == sum(stage + 1 not in stages for stage in stages) - 1  # no run is split
