"""What a run was made with: manifest.json's fields."""

import platform
from dataclasses import dataclass
from importlib.metadata import version

PACKAGES = ("progic-satsim", "torch", "numpy", "simpy", "pillow")  # those whose version can change a result


@dataclass(frozen=True)
class PhotoFacts:
    """The photo that was given, before it was fitted to the scenario's size."""

    name: str  # the file's name, without its folder
    sha256: str  # of the file, 64 hex digits
    width: int  # pixels, upright
    height: int
    run: str | None = None  # in a folder run: this photo's own run folder, relative, with forward slashes


@dataclass(frozen=True)
class SkippedPhoto:
    """A file of a folder run that could not be used."""

    name: str
    reason: str


@dataclass(frozen=True)
class Manifest:
    """What made a run: everything needed to say later why two runs differ."""

    seed: int
    versions: dict[str, str]
    codec_model: str | None  # None: no scheme uses the trained codec
    codec_weights_sha256: str | None
    metric_weights_sha256: str | None  # None: neither DISTS nor LPIPS was asked for
    metric_implementation: str | None
    usable_dists: float | None  # a picture is usable at or below it; None: DISTS was not asked for
    detail_dists: float | None
    photos: tuple[PhotoFacts, ...]  # one; several in a folder run
    skipped: tuple[SkippedPhoto, ...] = ()


def installed_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages whose version can change a result."""
    return {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}
