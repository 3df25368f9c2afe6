"""What others published, each number with its source: cited beside ours, never measured here.

The curves are means over Kodak at full size, with their authors' own DISTS and LPIPS, which differ from other
implementations by up to 20 %.
"""

from typing import NamedTuple

PAPER = "arXiv 2603.02897"
SUPPLEMENT = f"{PAPER}, supplement"
DIFFEIC = "github.com/huai-chang/DiffEIC, indicators/results.xlsx"
STABLECODEC = "github.com/LuizScarlet/StableCodec, results/results.txt"


class PublishedPoint(NamedTuple):
    """One point of a published curve."""

    bpp: float
    dists: float
    # AlexNet's. Neither source says so, but DIFFEIC's configuration asks pyiqa for `lpips`, which means that
    # net; and AVIF at 0.126 bpp on half of Kodak has 0.336 with it, 0.422 with VGG16, where BPG has 0.334.
    lpips_alex: float


class PublishedCurve(NamedTuple):
    """A codec's means over Kodak at full size."""

    title: str
    source: str
    points: tuple[PublishedPoint, ...]


class PublishedCodec(NamedTuple):
    """A row of the paper's Tables 1 and 2; None where we found no number to cite."""

    title: str
    parameters_m: float | None  # millions
    gflop: float | None  # at 512x768
    encode_ms: float | None  # A100 at 512x768
    decode_ms: float | None
    bd_rate_dists_percent: float | None  # against MS-ILLM on Kodak
    bd_rate_lpips_percent: float | None
    source: str


def _curve(
    title: str, source: str, bpp: tuple[float, ...], dists: tuple[float, ...], lpips_alex: tuple[float, ...]
) -> PublishedCurve:
    points = (PublishedPoint(*point) for point in zip(bpp, dists, lpips_alex, strict=True))
    return PublishedCurve(title, source, tuple(points))


CURVES: dict[str, PublishedCurve] = {
    "ms-illm": _curve(
        "MS-ILLM", DIFFEIC, (0.0447, 0.0809, 0.1535), (0.134, 0.109, 0.081), (0.158, 0.110, 0.073)
    ),
    "hific": _curve("HiFiC", DIFFEIC, (0.0489, 0.079, 0.149), (0.192, 0.153, 0.104), (0.255, 0.179, 0.093)),
    "diffeic": _curve(
        "DiffEIC",
        DIFFEIC,
        (0.0201, 0.0375, 0.0609, 0.0916, 0.123),
        (0.164, 0.133, 0.097, 0.074, 0.064),
        (0.319, 0.238, 0.171, 0.127, 0.106),
    ),
    "stablecodec": _curve(
        "StableCodec",
        STABLECODEC,
        (0.0058, 0.0108, 0.0203, 0.0341),
        (0.152, 0.125, 0.103, 0.092),
        (0.310, 0.244, 0.195, 0.166),
    ),
    "vtm": _curve(  # VVC intra
        "VTM",
        DIFFEIC,
        (0.0205, 0.048, 0.0951, 0.133),
        (0.321, 0.266, 0.221, 0.196),
        (0.569, 0.447, 0.346, 0.297),
    ),
    "bpg": _curve("BPG", DIFFEIC, (0.0331, 0.097, 0.136), (0.292, 0.224, 0.201), (0.550, 0.390, 0.334)),
    "elic": _curve("ELIC", DIFFEIC, (0.0476, 0.074, 0.120), (0.280, 0.250, 0.210), (0.451, 0.386, 0.313)),
}

PROGIC = PublishedCodec(
    "ProGIC", 33.1, 333, 7.6, 11.0, -57.57, -58.83, f"{PAPER}, abstract; supplement, Tables 1 and 2"
)
CODECS: tuple[PublishedCodec, ...] = (
    PublishedCodec("HiFiC", None, None, None, None, None, None, "no number of the paper's table found"),
    PublishedCodec("Control-GIC", None, 5816, None, None, None, None, f"{SUPPLEMENT}, Table 2"),
    PublishedCodec("MS-ILLM", 181, 600, None, None, 0, 0, f"{SUPPLEMENT}, Table 2"),  # 0: it is the anchor
    PublishedCodec("DiffEIC", 1380, 57340, None, None, None, None, f"{SUPPLEMENT}, Table 2"),
    PublishedCodec("OSCAR", 1009, 6486, None, None, -50.63, -37.31, f"{SUPPLEMENT}, Tables 1 and 2"),
    PROGIC,
    PublishedCodec("ProGIC-s", 14.4, 108, None, None, None, None, f"{SUPPLEMENT}, Table 2"),
)

PROGIC_GFLOP_256 = 55.6  # of ProGIC at 256x256: SUPPLEMENT
PROGIC_S_CPU_MS = (34, 50)  # encode, decode of ProGIC-s at 256x256 on a Ryzen 7840HS: SUPPLEMENT, Table 2
ENTROPY_BITS_ABOVE = 9.80  # of 10, every codebook: SUPPLEMENT, Fig. 3
RANGE_CODING_GAIN_PERCENT = 0.9  # PAPER, ablation (BD-rate by DISTS on Kodak)
TECNICK_DISTS = 0.077  # of one Tecnick photo at 0.039 bpp: SUPPLEMENT, Fig. 10
BPP: tuple[tuple[int, int, int, float], ...] = (  # N, L, f, BPP: SUPPLEMENT, equation 1 and Fig. 7
    (1, 10, 32, 0.009766),
    (1, 8, 64, 0.001953),
    (1, 10, 16, 0.0391),
    (5, 10, 16, 0.1953),
)
BD_RATE_ANCHOR = "ms-illm"  # of the paper's Table 1
