"""The mean over photos, worked by hand."""

from satsim.means import MeanSummary, mean_rows, mean_summary
from satsim.records import SchemeSummary, TimelineRow


def row(
    time_s: float, dists: float, stages: str = "1", usable: bool = False, scheme: str = "s"
) -> TimelineRow:
    return TimelineRow(scheme, time_s, 1, stages, 340, 0.04, dists, None, 20.0, None, usable)


def test_a_photo_counts_from_its_first_picture_on_and_keeps_its_last() -> None:
    first = [row(60, 0.4), row(120, 0.2, "1-2", usable=True), row(60, 0.9, scheme="other")]
    second = [row(120, 0.3), row(240, 0.1, "1-2", usable=True)]
    rows = mean_rows([first, second, []], "s")
    assert [(each.time_s, each.photos, each.dists, each.stages, each.usable) for each in rows] == [
        (60, 1, 0.4, "1", 0.0),
        (120, 2, 0.25, "", 0.5),
        (240, 2, 0.15000000000000002, "1-2", 1.0),
    ]
    assert {each.lpips for each in rows} == {None}
    assert {each.psnr_db for each in rows} == {20.0}


def test_each_field_is_over_the_photos_that_have_it() -> None:
    shown = SchemeSummary(60.0, 120.0, None, 300.0, 0.4, 0.2, 1700, 6, 1)
    poor = SchemeSummary(120.0, None, None, 300.0, 0.5, 0.4, 1500, 5, 0)
    none = SchemeSummary(None, None, None, None, None, None, 0, 0, 0, note="AVIF: nothing fits in 320 bytes")
    assert mean_summary([shown, poor, none, none]) == MeanSummary(
        t_first_s=90.0,
        t_usable_s=120.0,
        t_detail_s=None,
        t_final_s=300.0,
        dists_first=0.45,
        dists_final=0.30000000000000004,
        bytes=800.0,
        packets_sent=2.75,
        packets_lost=0.25,
        units_usable=None,
        price_usable_usd=None,
        energy_usable_j=None,
        gflop=None,
        note="AVIF: nothing fits in 320 bytes",
        photos=2,
        photos_usable=1,
    )
