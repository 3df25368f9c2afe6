"""What a run takes in besides its scenario: photos, the trained codec, the metrics."""

import hashlib
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

import progic
from progic import weights
from progic.errors import ImageError, WeightsError
from progic.images import fit_photo, open_photo
from progic.metric_weights import load_metric_weights
from progic.metrics import MIN_SIDE_PX, PerceptualMetrics
from satsim.codec_settings import Search
from satsim.complaints import printable
from satsim.errors import InputError, ScenarioError
from satsim.loss_settings import BlockageLoss, TraceLoss
from satsim.manifest import PhotoFacts, SkippedPhoto
from satsim.packet_room import check_link, codec_text
from satsim.quality import PERCEPTUAL
from satsim.repair_settings import ArqRound
from satsim.rundir import PHOTOS
from satsim.scenario import WEIGHTS
from satsim.settings import Metric, Scenario
from satsim.trace import read_trace
from satsim.trained_codec import TrainedCodec
from satsim.units import logged_time_s, rounded_up
from satsim.windows import NoSkyfield, visibility_of
from satsim.wording import fleet_text

MIN_PHOTO_SIDE_PX = 32  # below it a photo is no more than the thumbnail that "usable" is measured by

MOST_OPEN_TIMES = 50  # open times in a slot


@dataclass(frozen=True)
class Parts:
    """The trained codec and the metrics, as far as a scheme or metric asks for them."""

    models: Mapping[Search, TrainedCodec]  # one and the same, by its search; may be empty
    perceptual: PerceptualMetrics | None

    @property
    def fingerprint(self) -> str | None:
        """Sha256 of the codec's weights, in hex; None where no scheme sends with it."""
        return next((model.fingerprint for model in self.models.values()), None)


@dataclass(frozen=True)
class Photo:
    """The photo that was given, fitted to the size at which it is shown."""

    image: Image.Image
    facts: PhotoFacts
    path: Path


@dataclass(frozen=True)
class Album:
    """The photos of a folder, by the name of each one's own run, and the files that cannot be used."""

    photos: dict[str, Photo]
    skipped: tuple[SkippedPhoto, ...]


def check_scenario(scenario: Scenario, file: str) -> None:
    """Raise a ScenarioError naming `file` for a link, model or size that cannot work, or a TraceError.

    Also progic's WeightsError for a model's file that cannot be read.
    """
    check_model(scenario, file)  # first: a link's advice is of models that there are
    check_link(scenario, file)
    check_windows(scenario, file)
    _check_blockage(scenario, file)
    if isinstance(scenario.link.loss, TraceLoss):
        read_trace(scenario.link.loss.path)
    check_sizes(scenario, file)


def check_sizes(scenario: Scenario, file: str) -> None:
    """Raise a ScenarioError naming `file` for a photo shown smaller than sent, or than its metrics need."""
    original = scenario.image.original_size
    if PERCEPTUAL.intersection(scenario.metrics) and min(original) < MIN_SIDE_PX:
        key = "image.shown" if scenario.image.shown else "image.size"
        allowed = f"sides of at least {MIN_SIDE_PX}, which DISTS and LPIPS need"
        raise ScenarioError(file, key, str(list(original)), allowed)
    own = {f"size of {each.name}": each.size for each in scenario.schemes if each.size is not None}
    for key, size in {"image.size": scenario.image.size, **own}.items():
        if size[0] > original[0] or size[1] > original[1]:
            allowed = f"at most {list(original)}, the size at which the photo is shown"
            raise ScenarioError(file, key, str(list(size)), allowed)


def _check_blockage(scenario: Scenario, file: str) -> None:
    """Raise a ScenarioError where the sky is never open for a slot: exp(-50) of them get through."""
    loss, interval_s = scenario.link.loss, scenario.link.interval_s
    if isinstance(loss, BlockageLoss) and interval_s > MOST_OPEN_TIMES * loss.open_s:
        least = rounded_up(interval_s / MOST_OPEN_TIMES)
        allowed = f"at least {least}, link.interval_s / {MOST_OPEN_TIMES}"
        found = f"{loss.open_s:g}, at which every slot of {interval_s:g} s is blocked"
        raise ScenarioError(file, "link.loss.open_s", found, allowed)


def check_windows(scenario: Scenario, file: str) -> None:
    """Raise a ScenarioError naming `file` for windows without room for a slot, or for a fleet."""
    if scenario.link.windows is None:
        return
    if scenario.fleet.handsets > 1:
        allowed = "1 where the link has windows"
        raise ScenarioError(file, "fleet.handsets", str(scenario.fleet.handsets), allowed)
    if not scenario.fleet.is_alone:
        allowed = "one that has every slot, and takes its photo at 0 s, where the link has windows"
        raise ScenarioError(file, "fleet", fleet_text(scenario.fleet) or "", allowed)
    try:
        longest_s = visibility_of(scenario.link.windows).longest_s
    except NoSkyfield:
        allowed = "a schedule, or a TLE after pip install 'progic-satsim[tle]'"
        raise ScenarioError(file, "link.windows", "a TLE but no skyfield", allowed) from None
    except InputError as error:
        raise InputError(f"{file}: {error}") from None
    slots_s = {"link.interval_s": scenario.link.interval_s}
    for repair in map(scenario.repair_of, scenario.schemes):
        if isinstance(repair, ArqRound):
            slots_s["repair.return_link.interval_s"] = repair.return_link.interval_s
    for key, slot_s in slots_s.items():
        if logged_time_s(longest_s) < logged_time_s(slot_s):  # as the slots are: 64.1 - 4.1 is 59.99...
            found = f"no window longer than {longest_s:.6g} s" if longest_s else "no window"
            raise ScenarioError(file, "link.windows", found, f"one of at least {key}, {slot_s:g} s")


def load_parts(scenario: Scenario) -> Parts:
    """Load the trained codec and the metrics, as far as the scenario needs them; raises WeightsError."""
    models = load_models(scenario.codec.model, scenario.searches)
    return Parts(models, load_perceptual(scenario.metrics))


def load_models(name: str, searches: Collection[Search]) -> dict[Search, progic.Codec]:
    """Load the trained codec and return it for each search.

    Where one is stagewise it is returned without any too: packets are planned with that first. Raises
    progic's WeightsError.
    """
    if not searches:
        return {}
    codec = progic.load(name)
    ways = {*searches, *(Search() for each in searches if each.stagewise)}
    return {each: progic.refined(codec, each.steps, stagewise=each.stagewise) for each in sorted(ways)}


def load_perceptual(metrics: Collection[Metric]) -> PerceptualMetrics | None:
    """Load DISTS and LPIPS if one of them is asked for; raises progic's WeightsError."""
    if not PERCEPTUAL.intersection(metrics):
        return None
    try:
        return PerceptualMetrics(load_metric_weights())
    except WeightsError as error:
        raise WeightsError(f"{error}, or go on with `--metrics psnr_db,ms_ssim`") from error


def check_model(scenario: Scenario, file: str) -> None:
    """Raise a ScenarioError naming `file` for a model there is not, or if N, L or f are not the model's.

    A scenario none of whose schemes sends with it may say anything. Also raises progic's WeightsError.
    """
    asked = scenario.codec
    if not scenario.searches:
        return
    check_model_exists(scenario, file)
    model = weights.config_of(asked.model)
    if asked.stages > model.n_stages:
        allowed = f"at most {model.n_stages}, the stages of model {asked.model}"
        raise ScenarioError(file, "codec.stages", str(asked.stages), allowed)
    for key in ("bits_per_index", "downsampling_factor"):
        found, trained = getattr(asked, key), getattr(model, key)
        if found != trained:
            allowed = f"{trained}, that of model {asked.model}: {codec_text(asked.model)}"
            raise ScenarioError(file, f"codec.{key}", str(found), allowed)


def check_model_exists(scenario: Scenario, file: str) -> None:
    """Raise a ScenarioError naming `file` for a model there is not, bundled or as a file."""
    model = scenario.codec.model
    is_file = Path(model).suffix == WEIGHTS and Path(model).is_file()
    if model not in weights.bundled_models() and not is_file:
        raise ScenarioError(file, "codec.model", model, weights.allowed_models())


def open_for(scenario: Scenario, path: Path) -> Photo:
    """Read a photo and fit it to the size at which it is shown; raises progic's ImageError."""
    image = open_photo(path)
    least_px = min(MIN_PHOTO_SIDE_PX, *scenario.image.original_size)  # a run of so few pixels can be repeated
    if min(image.size) < least_px:
        found = f"found {image.width}x{image.height} pixels"
        raise ImageError(f"{path}: {found}, allowed is a photo with sides of at least {least_px}")
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    fitted = fit_photo(image, scenario.image.original_size, scenario.image.fit)
    bare = Image.frombytes("RGB", fitted.size, fitted.tobytes())  # no colour profile, no EXIF
    return Photo(bare, PhotoFacts(legible(path.name), sha256, image.width, image.height), path)


def photo_seed(seed: int, name: str) -> int:
    """Return the seed of one photo of a folder: each meets losses of its own."""
    return int.from_bytes(hashlib.sha256(f"{seed} {name}".encode(errors="surrogateescape")).digest()[:6])


def name_in(folder: Path, photo: Path) -> str:
    """Return a photo's path in its folder: two subfolders may hold files of one name."""
    return photo.relative_to(folder).as_posix()


def open_album(scenario: Scenario, folder: Path) -> Album:
    """Read every photo in a folder and below it; raises progic's ImageError if none can be used.

    What begins with a dot is passed over, with all that is in it.
    """
    photos: dict[str, Photo] = {}
    skipped = []
    inside = (path for path in folder.rglob("*") if "/." not in f"/{name_in(folder, path)}")
    files = sorted(path for path in inside if path.is_file() or not path.exists())  # a link to nothing, too
    for path in files:
        try:
            photo = open_for(scenario, path)
        except ImageError as error:
            skipped.append(SkippedPhoto(legible(name_in(folder, path)), legible(str(error))))
            continue
        names = [path.stem, path.name, *(f"{path.name}-{number}" for number in range(2, len(files) + 2))]
        name = next(each for each in map(legible, names) if each not in photos)  # of a.png and a.jpg too
        facts = replace(photo.facts, name=legible(name_in(folder, path)), run=f"{PHOTOS}/{name}")
        photos[name] = replace(photo, facts=facts)
    if not photos:
        unfit = f"none of its {len(files)} files can be used"
        why = f"{unfit}; {skipped[0].reason}" if skipped else "it is empty"
        raise ImageError(f"{folder}: found no photo, {why}; allowed is a folder with at least one")
    return Album(photos, tuple(skipped))


def legible(name: str) -> str:
    """Return a file's name with marks for what is no UTF-8, or no sign: it could not be written and read."""
    return printable(os.fsencode(name).decode(errors="replace"))
