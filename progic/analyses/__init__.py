"""The results of the ProGIC paper's supplement, each made again on our models: a file an analysis."""

NAMES = (
    "progressive",
    "resolution",
    "entropy",
    "range-coding",
    "tsne",
    "satcom",
    "bpp",
    "rd",
    "bd-rate",
    "runtime",
)
