"""The mean over photos, worked by hand."""

from satsim.means import MeanRow, MeanSummary, mean_rows, mean_summary
from satsim.records import SchemeSummary, TimelineRow


def row(time_s: float, packets: int, dists: float, usable: bool = False, scheme: str = "s") -> TimelineRow:
    stages = "1" if packets == 1 else f"1-{packets}"
    size = (340 * packets, 0.04 * packets)
    return TimelineRow(scheme, time_s, packets, stages, *size, dists, None, 20.0 + packets, None, usable)


def test_a_photo_counts_from_its_first_picture_on_and_keeps_its_last() -> None:
    first = [row(60, 1, 0.5), row(120, 2, 0.25, usable=True), row(60, 1, 0.9, scheme="other")]
    second = [row(120, 1, 0.75), row(240, 2, 0.125, usable=True)]
    assert mean_rows([first, second, []], "s") == [
        MeanRow("s", 60, 1, "1", 340, 0.04, 0.5, None, 21.0, None, 0.0, photos=1),
        MeanRow("s", 120, 1.5, "", 510, 0.06, 0.5, None, 21.5, None, 0.5, photos=2),
        MeanRow("s", 240, 2, "1-2", 680, 0.08, 0.1875, None, 22.0, None, 1.0, photos=2),
    ]


def test_each_field_is_over_the_photos_that_have_it() -> None:
    shown = SchemeSummary(60.0, 120.0, None, 300.0, 0.4, 0.2, 1700, 6, 1, 14, 2.24, 36.0, 7.0, None)
    poor = SchemeSummary(120.0, None, None, 300.0, 0.5, 0.4, 1500, 5, 0, None, None, None, 8.0, "3 of 5")
    none = SchemeSummary(None, None, None, None, None, None, 0, 0, 0, note="AVIF: nothing fits in 320 bytes")
    assert mean_summary([none, shown, poor, none, none]) == MeanSummary(
        t_first_s=90.0,
        t_usable_s=120.0,
        t_detail_s=None,
        t_final_s=300.0,
        dists_first=0.45,
        dists_final=0.30000000000000004,
        bytes=640.0,
        packets_sent=2.2,
        packets_lost=0.2,
        units_usable=14,
        price_usable_usd=2.24,
        energy_usable_j=36.0,
        gflop=7.5,
        note="3 of 5; AVIF: nothing fits in 320 bytes",
        photos=2,
        photos_usable=1,
    )
    assert mean_summary([shown]).note is None
