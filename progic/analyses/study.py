"""What all analyses share: the model, the photos, the settings, and where slow things are kept."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from progic.analyses.kept import Kept, digest_of
from progic.bitstream import unpack_stages
from progic.codec import Codec
from progic.data import chosen, photo_paths
from progic.errors import ConfigError, ImageError, InputError
from progic.images import fit_photo, open_photo
from progic.metric_weights import load_metric_weights
from progic.metrics import IMPLEMENTATION, PerceptualMetrics
from progic.weights import bundled_models, expected_sha256

SCENARIO = Path("scenarios/forest_fire.yaml")  # that satcom sends, where no run is given

Progress = Callable[[str, int, int], None]  # what, done, total


@dataclass(frozen=True)
class Settings:
    """What a user may set; paths as text, so that it is plain data."""

    size: tuple[int, int] = (256, 256)  # width, height that photos are scaled and cropped to
    photo_count: int = 0  # so many of the folder, evenly spread; 0 is all
    formats: tuple[str, ...] = ("webp", "avif", "jpeg", "jp2")
    anchor: str = "ms-illm"
    priors: str = ""  # folder of training photos for range coding's priors
    run: str = ""  # folder that satsim run wrote
    clip: str = ""  # folder of CLIP weights
    threads: int = 0  # 0: as many as torch takes
    seed: int = 1
    refine_steps: int = 0  # of the search for each photo's codes by gradient
    refine_stagewise: bool = False  # so many before each stage, else before all


@dataclass(frozen=True)
class Photo:
    """One photo, as it is coded."""

    name: str
    image: Image.Image

    @property
    def digest(self) -> str:
        """The sha256 of its size and pixels."""
        return hashlib.sha256(repr(self.image.size).encode() + self.image.tobytes()).hexdigest()

    @property
    def pixels(self) -> int:
        """How many it has."""
        return self.image.width * self.image.height


class Study:
    """A model and a folder of photos (or none), under one set of settings."""

    def __init__(
        self,
        codec: Codec,
        model: str,
        folder: Path | None,
        out: Path,
        settings: Settings,
        progress: Progress = lambda what, done, total: None,
    ) -> None:
        self.codec, self.model = codec, model  # the codec, and the name or path it was loaded by
        self.folder, self.out, self.settings = folder, out, settings
        self.progress = progress
        self.kept = Kept(out / "kept")

    @cached_property
    def metrics(self) -> PerceptualMetrics:
        """DISTS and LPIPS, loaded when they are first wanted."""
        return PerceptualMetrics(load_metric_weights())

    @cached_property
    def paths(self) -> list[Path]:
        """The photos' files. Raises InputError without a folder or photo, ImageError for a folder of none."""
        if self.folder is None:
            raise InputError("this analysis measures photos: give their folder, progic analyse NAME DIR")
        files = [self.folder] if self.folder.is_file() else photo_paths([self.folder])
        return chosen(files, self.settings.photo_count)

    def photos(self, size: tuple[int, int] | None, what: str = "photos") -> Iterator[Photo]:
        """Yield the photos, fitted to `size` = (width, height), or as they are with None.

        Raises ImageError for one that cannot be read, or with a side under the model's f.
        """
        yield from self.photos_at(self.paths, size, what)
        self.progress(what, len(self.paths), len(self.paths))

    def photos_at(self, paths: Sequence[Path], size: tuple[int, int] | None, what: str) -> Iterator[Photo]:
        """Do the same for other files."""
        for done, path in enumerate(paths):
            self.progress(what, done, len(paths))
            image = open_photo(path)
            self._check_sides(path, image)
            yield Photo(self._name(path), image if size is None else fit_photo(image, size))

    def _name(self, path: Path) -> str:
        """A photo's path in the folder: two subfolders may hold files of one name."""
        base = path.parent if self.folder is None or self.folder not in path.parents else self.folder
        name = path.relative_to(base).as_posix()
        return name.encode(errors="backslashreplace").decode()  # figures and tables take no half of a pair

    def _check_sides(self, path: Path, image: Image.Image) -> None:
        f = self.codec.config.downsampling_factor
        if min(image.size) < f:
            found = f"found {image.width}x{image.height} pixels"
            allowed = f"allowed sides are {f} pixels (the model's f) or more"
            raise ImageError(f"{path}: {found}, {allowed}; leave it out of the folder")

    def indices(self, photo: Photo) -> list[NDArray[np.int64]]:
        """The codes of a photo, flat, an array a stage."""
        stages = dict(enumerate(self.codec.encode(photo.image)))
        planes = unpack_stages(stages, photo.image.size, *self.codec.config.shape)
        return [plane.reshape(-1) for plane in planes.values()]

    @property
    def coding(self) -> dict[str, object]:
        """What says which codes a photo gets, plain data: the weights, and the search for them."""
        settings = self.settings
        search = {"refine_steps": settings.refine_steps, "refine_stagewise": settings.refine_stagewise}
        return {"codec": self.codec.fingerprint, **search}

    def need_stages(self, count: int, why: str) -> None:
        """Raise ConfigError where the model has fewer than `count` stages."""
        config = self.codec.config
        if config.n_stages < count:
            name = config.name
            raise ConfigError(
                f"model {name}: found N = {config.n_stages} stages, {why} needs {count}; "
                "choose another with --model (progic info lists those in the package)"
            )

    def digest(self, name: str) -> str:
        """Name all that an analysis is made from: model, photos, scenario, settings."""
        simulated = "" if self.settings.run or name != "satcom" else str(SCENARIO.parent)
        given = [self.settings.run, self.settings.priors, self.settings.clip, simulated]
        paths = [] if self.folder is None else list(self.paths)
        paths += [path for folder in given if folder for path in sorted(Path(folder).rglob("*"))]
        files = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in paths]
        model = self.codec.fingerprint
        made_from = {"name": name, "scores": IMPLEMENTATION, "model": model, "photos": files}
        made_from["package"] = [version("progic-satsim"), *map(expected_sha256, bundled_models())]
        return digest_of({**made_from, **asdict(self.settings)})
