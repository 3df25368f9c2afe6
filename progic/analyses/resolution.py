"""`resolution` (Fig. 2): the same bytes at 512x512 and at 256x256, and what each costs to compute."""

from collections.abc import Sequence

import torch
from matplotlib.figure import Figure
from PIL import Image

from progic.analyses.drawing import hide, new_figure
from progic.analyses.extras import MissingExtra, wanted
from progic.analyses.published import PROGIC_GFLOP_256, SUPPLEMENT
from progic.analyses.result import Beside, Result, Row
from progic.analyses.study import Photo, Study
from progic.classical import enlarged
from progic.codec import Codec
from progic.data import chosen
from progic.evaluate import mean_of
from progic.flops import gflop_of
from progic.images import fit_photo, to_tensor
from progic.metrics import IMPLEMENTATION, Scores

LARGE, SMALL = (512, 512), (256, 256)
DEPTHS = {LARGE: 1, SMALL: 4}  # stages: a quarter of the pixels, four times the stages
SHOWN = 3


def analyse(study: Study) -> Result:
    """Score both against the original at 512x512. Raises ConfigError for a model of fewer than 4 stages."""
    study.need_stages(DEPTHS[SMALL], "resolution (four times the stages at half the side)")
    found = {photo.name: _scores(study, photo) for photo in study.photos(LARGE, "scores at 512 and 256")}
    gflop = {size: sum(gflop_of(study.codec, size)) for size in DEPTHS}
    other, note = _calflops(study.codec)
    at_large, at_small, own_small = (list(each) for each in zip(*found.values(), strict=True))
    rows = (
        _row(study.codec, LARGE, at_large, at_large, gflop[LARGE], other.get(LARGE)),
        _row(study.codec, SMALL, at_small, own_small, gflop[SMALL], other.get(SMALL)),
    )
    return Result(
        name="resolution",
        title="The same bytes at two resolutions",
        reference=f"Fig. 2 of {SUPPLEMENT}",
        model=study.codec.config.name,
        photos=len(found),
        rows=rows,
        beside=(
            _cost(gflop[SMALL]),
            _verdict(rows, "dists", "both scored at 512x512"),
            _verdict(rows, "dists_own_size", "each scored at its own size"),
        ),
        notes=(SCORED, COUNTED, note),
        figure=_draw(study, found, gflop),
    )


SCORED = (
    "Scores are against the original at 512x512, the smaller picture enlarged (bicubic) first; "
    "dists_own_size is against the original at the picture's own size."
)
COUNTED = (
    "GFLOP are of coding into all stages, without steps of --refine, and decoding, by torch's own counter; "
    "1 multiply-accumulate is 2."
)


def _scores(study: Study, photo: Photo) -> list[Scores]:
    """At 512x512 of both, then of the smaller one at its own size."""

    def compute() -> object:
        large, small = (_picture(study, photo, size) for size in DEPTHS)
        at_large = _scored(study, photo.image, [large, enlarged(small, LARGE)])
        return [*at_large, *_scored(study, fit_photo(photo.image, SMALL), [small])]

    key = {"scores": IMPLEMENTATION, "resolution": str(DEPTHS), "photo": photo.digest, **study.coding}
    return [Scores(*row) for row in study.kept.get(key, compute)]


@torch.no_grad()
def _scored(study: Study, original: Image.Image, pictures: Sequence[Image.Image]) -> list[Scores]:
    reference = study.metrics.reference(to_tensor(original))
    return [study.metrics.scores(reference, to_tensor(picture)) for picture in pictures]


def _picture(study: Study, photo: Photo, size: tuple[int, int]) -> Image.Image:
    """What comes back of the photo, coded at a size."""
    stages = study.codec.encode(fit_photo(photo.image, size))
    return study.codec.decode(stages[: DEPTHS[size]], size)


def _row(
    codec: Codec,
    size: tuple[int, int],
    scores: list[Scores],
    own: list[Scores],  # against the original at the same size
    gflop: float,
    other: float | None,
) -> Row:
    total = codec.bytes_per_stage(size) * DEPTHS[size]
    means = {
        name: round(mean_of([getattr(score, name) for score in scores]).mean, 4) for name in Scores._fields
    }
    return {
        "size": f"{size[0]}x{size[1]}",
        "stages": DEPTHS[size],
        "bytes": total,
        "bpp": round(total * 8 / (size[0] * size[1]), 4),
        **means,
        "dists_own_size": round(mean_of([score.dists for score in own]).mean, 4),
        "gflop": round(gflop, 2),
        "gflop_calflops": None if other is None else round(other, 2),
    }


def _calflops(codec: Codec) -> tuple[dict[tuple[int, int], float], str]:
    """GFLOP of encoder and decoder by calflops, where it is installed, and a line about it."""
    try:
        calflops = wanted("calflops", "the second count of GFLOP", "'progic-satsim[calflops]'")
    except MissingExtra as error:
        return {}, str(error)
    config = codec.config
    counts = {}
    for width, height in DEPTHS:
        f = config.downsampling_factor
        codes = torch.zeros(1, config.code_dim, height // f, width // f)
        parts = (
            (codec.net.encoder, [torch.zeros(1, 3, height, width)]),
            (codec.net.decoder, [codes, torch.ones(1, config.n_stages)]),
        )
        options = {"print_results": False, "output_as_string": False}
        counted = [calflops.calculate_flops(net, args=args, **options)[0] for net, args in parts]
        counts[width, height] = sum(counted) / 1e9
    return counts, "calflops counts encoder and decoder without the search for codes."


def _cost(gflop: float) -> Beside:
    return Beside(
        "GFLOP at 256x256, encode and decode",
        f"{gflop:.1f}",
        f"{PROGIC_GFLOP_256} (ProGIC)",
        f"{gflop / PROGIC_GFLOP_256:.2f} times",
        SUPPLEMENT,
    )


def _verdict(rows: tuple[Row, ...], key: str, how: str) -> Beside:
    large, small = (float(row[key] or 0) for row in rows)
    return Beside(
        f"DISTS in {rows[0]['bytes']} bytes at 256x256, at 512x512; {how}",
        f"{small:.3f}, {large:.3f}",
        "256x256 is preferred",
        "agrees" if small < large else "differs: 512x512 is nearer",
        f"{SUPPLEMENT}, section B, Fig. 2",
    )


def _draw(study: Study, found: dict[str, list[Scores]], gflop: dict[tuple[int, int], float]) -> Figure:
    photos = list(study.photos_at(chosen(study.paths, SHOWN), LARGE, "pictures"))
    figure = new_figure(8.4, 2.95 * len(photos) + 0.3)
    grid = figure.subplots(len(photos), 3, squeeze=False)
    for line, photo in zip(grid, photos, strict=True):
        pictures = [photo.image, *(enlarged(_picture(study, photo, size), LARGE) for size in DEPTHS)]
        for axes, picture in zip(line, pictures, strict=True):
            axes.imshow(picture)
            hide(axes)
        line[0].set_xlabel(f"original, {photo.name}", fontsize=8, parse_math=False)
        for axes, score in zip(line[1:], found[photo.name][:2], strict=True):
            axes.set_xlabel(f"DISTS {score.dists:.3f}   LPIPS {score.lpips:.3f}", fontsize=8)
    for axes, size in zip(grid[0][1:], DEPTHS, strict=True):
        total = study.codec.bytes_per_stage(size) * DEPTHS[size]
        bpp = total * 8 / (size[0] * size[1])
        stages = f"{DEPTHS[size]} stage{'s' if DEPTHS[size] > 1 else ''}"
        text = f"{size[0]}x{size[1]}, {stages}, {bpp:.2f} BPP\n{total} bytes, {gflop[size]:.1f} GFLOP"
        axes.set_title(text, fontsize=9)
    return figure
