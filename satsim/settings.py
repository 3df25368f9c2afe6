"""A scenario's keys as frozen models: types, ranges and defaults.

Each field's `description` says what is allowed; error messages quote it (satsim.complaints).
"""

from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field, field_validator, model_validator

from satsim.codec_settings import STEPS_TEXT, CodecSettings, Search
from satsim.command_settings import COMMAND_TEXT, CommandSettings
from satsim.fleet_settings import FleetSettings
from satsim.image_settings import SIZE_TEXT, ImageSettings, Side
from satsim.loss_settings import LOSS_TEXT, IndependentLoss, Loss, is_drawn
from satsim.repair_settings import REPAIR_TEXT, ArqNextSlot, ArqRound, Repair
from satsim.section import PRESET_TEXT, WEEK_S, WEEK_TEXT, Else, Section, listed, not_allowed
from satsim.sender_settings import SENDER_TEXT, SenderSettings
from satsim.units import USD_DIGITS, stage_bytes
from satsim.window_settings import WINDOWS_TEXT, Windows

FileFormat = Literal["jpeg", "webp", "avif", "jxl", "heic"]  # of files that a real receiver draws, too
WholeFile = Literal[FileFormat, "thumbhash", "command"]  # shown when all is there
Growing = Literal["jpeg_progressive", "jp2"]  # any beginning of the file is shown
AnyPart = Literal["progic", "ssdv", "identity"]  # whatever is held is shown
Codec = Literal[AnyPart, Growing, WholeFile]
CODEC_TEXT = (
    "progic, jpeg, jpeg_progressive, jp2, webp, avif, jxl, heic, thumbhash, ssdv, command or identity"
)
SCHEME_TEXT = (
    "{name, codec, delivery, budget_bytes, repair, sender, refine_steps, refine_stagewise, size, command}"
)
Delivery = Literal["progressive", "prefix", "low", "high"]
Metric = Literal["dists", "lpips", "psnr_db", "ms_ssim"]
MOST_RUNS = 100_000
METRICS_TEXT = "at least one of dists, lpips, psnr_db and ms_ssim, each once"

NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"  # names become file and folder names
NAME_TEXT = "1 to 64 letters, digits, - or _, the first a letter or digit"


class LatencySettings(Section):
    """What a packet's way takes beyond its slot, and evenly drawn for each packet, up to `jitter_s` more."""

    propagation_s: float = Field(default=0, ge=0, le=WEEK_S, description=WEEK_TEXT)
    processing_s: float = Field(default=0, ge=0, le=WEEK_S, description=WEEK_TEXT)
    jitter_s: float = Field(default=0, ge=0, le=WEEK_S, description=WEEK_TEXT)

    @property
    def total_s(self) -> float:
        """Seconds from a slot's end to the packet's arrival, at least."""
        return self.propagation_s + self.processing_s


class Billing(Section):
    """How a message and its overhead are billed: in begun units of `unit_bytes`, at least `least_bytes`."""

    unit_bytes: int = Field(default=1, ge=1, le=65536, description="a whole number from 1 to 65536 (bytes)")
    least_bytes: int = Field(default=1, ge=1, le=65536, description="a whole number from 1 to 65536 (bytes)")
    overhead_bytes: int = Field(
        default=0, ge=0, le=65536, description="a whole number from 0 to 65536 (bytes beside the payload)"
    )
    price_usd: float | None = Field(
        default=None, ge=0, le=1000, description="a number from 0 to 1000 (US dollars a unit)"
    )

    def units(self, n_bytes: int) -> int:
        """Return what a message of `n_bytes` of payload is billed."""
        return -(-max(n_bytes + self.overhead_bytes, self.least_bytes) // self.unit_bytes)

    def usd(self, units: int) -> float | None:
        """Return what so many units cost; None where no price is known."""
        return None if self.price_usd is None else round(units * self.price_usd, USD_DIGITS)


class Transmitter(Section):
    """What a message takes from the battery: the power drawn, and for how long."""

    power_w: float = Field(gt=0, le=1000, description="a number above 0, up to 1000 (watts)")
    message_s: float = Field(
        gt=0, le=WEEK_S, description="a number above 0, up to 604800 (seconds a message)"
    )


class LinkSettings(Section):
    """One packet of at most `payload_bytes` (our header counts) every `interval_s`.

    `preset` names the service (satsim.presets) whose values stand where the scenario gives none.
    """

    preset: str | None = Field(default=None, description=PRESET_TEXT)
    payload_bytes: Annotated[int, Else("the preset's")] = Field(
        ge=21, le=65536, description="a whole number from 21 (our header and one byte) to 65536"
    )
    interval_s: Annotated[float, Else("the preset's")] = Field(
        ge=0.001, le=WEEK_S, description="a number from 0.001 to 604800 (seconds)"
    )
    latency: LatencySettings = Field(
        default=LatencySettings(), description="propagation_s, processing_s, jitter_s"
    )
    loss: Loss = Field(default=IndependentLoss(), description=LOSS_TEXT)
    windows: Annotated[Windows | None, Else("always open")] = Field(default=None, description=WINDOWS_TEXT)
    billing: Billing | None = Field(
        default=None, description="{unit_bytes, least_bytes, overhead_bytes, price_usd}"
    )
    transmitter: Transmitter | None = Field(default=None, description="{power_w, message_s}")


def seed_decides(link: LinkSettings, fleet: FleetSettings, repair: Repair) -> bool:
    """Tell whether anything is left to chance, so that runs of two seeds differ."""
    is_back_lossy = isinstance(repair, ArqRound) and is_drawn(repair.return_link.loss)
    return is_drawn(link.loss) or link.latency.jitter_s > 0 or fleet.is_drawn or is_back_lossy


class Scheme(Section):
    """One row of the comparison: a codec, how its bytes are delivered, and what is done about loss.

    Progressive delivery shows any stages that are held, prefix those up to the first gap, low and high the
    whole alone: in the bytes of one stage, and of all.
    """

    name: str = Field(pattern=NAME, description=NAME_TEXT)
    codec: Codec = Field(description=CODEC_TEXT)
    delivery: Delivery = Field(description="progressive, prefix, low or high")
    budget_bytes: Annotated[int | None, Else("those of one stage if delivery is low, or of all")] = Field(
        default=None, ge=1, le=1_000_000, description="a whole number from 1 to 1000000"
    )
    repair: Annotated[Repair | None, Else("the scenario's")] = Field(default=None, description=REPAIR_TEXT)
    sender: Annotated[SenderSettings | None, Else("the scenario's")] = Field(
        default=None, description=SENDER_TEXT
    )
    refine_steps: Annotated[int | None, Else("codec.refine_steps")] = Field(
        default=None, ge=0, le=1000, description=STEPS_TEXT
    )
    refine_stagewise: Annotated[bool | None, Else("codec.refine_stagewise")] = Field(
        default=None, description="true or false"
    )
    command: CommandSettings | None = Field(default=None, description=COMMAND_TEXT)
    size: Annotated[tuple[Side, Side] | None, Else("image.size")] = Field(default=None, description=SIZE_TEXT)

    _list_to_tuple = field_validator("size", mode="before")(listed)

    @model_validator(mode="after")
    def _files_are_not_progressive(self) -> "Scheme":
        if self.delivery in ("progressive", "prefix") and self.codec in get_args(WholeFile):
            raise not_allowed(f"low or high delivery for {self.codec}: no part of its file can be shown")
        return self

    @model_validator(mode="after")
    def _command_for_a_command(self) -> "Scheme":
        if (self.codec == "command") != (self.command is not None):
            raise not_allowed(f"both codec: command and command: {COMMAND_TEXT}, or neither")
        return self

    @model_validator(mode="after")
    def _only_ours_are_searched(self) -> "Scheme":
        for key in ("refine_steps", "refine_stagewise"):
            if getattr(self, key) is not None and self.codec != "progic":
                raise not_allowed(f"no {key} for {self.codec}: progic alone searches its codes")
        return self

    @property
    def shown(self) -> Delivery:
        """What the receiver makes of the delivery: of a file that grows it can show beginnings alone."""
        is_growing = self.codec in get_args(Growing)
        return "prefix" if is_growing and self.delivery == "progressive" else self.delivery


DEFAULT_SCHEMES = (
    Scheme(name="progressive", codec="progic", delivery="progressive"),
    Scheme(name="low_bpp", codec="progic", delivery="low"),
    Scheme(name="high_bpp", codec="progic", delivery="high"),
    Scheme(name="webp_low", codec="webp", delivery="low"),
    Scheme(name="webp_high", codec="webp", delivery="high"),
    Scheme(name="avif_low", codec="avif", delivery="low"),
    Scheme(name="avif_high", codec="avif", delivery="high"),
)
BASELINES = (
    Scheme(name="jpeg_high", codec="jpeg", delivery="high"),
    Scheme(name="jpeg_progressive", codec="jpeg_progressive", delivery="progressive"),
    Scheme(name="jp2_progressive", codec="jp2", delivery="progressive"),
    Scheme(name="jxl_high", codec="jxl", delivery="high"),
    Scheme(name="heic_high", codec="heic", delivery="high"),
    Scheme(name="ssdv", codec="ssdv", delivery="progressive"),
    Scheme(name="thumbhash", codec="thumbhash", delivery="low"),
)
BUILT_IN_SCHEMES = {scheme.name: scheme for scheme in (*DEFAULT_SCHEMES, *BASELINES)}


def _by_name(entry: object) -> object:
    if not isinstance(entry, str):
        return entry
    if entry not in BUILT_IN_SCHEMES:
        raise not_allowed(", ".join(BUILT_IN_SCHEMES) + f", or {SCHEME_TEXT}")
    return BUILT_IN_SCHEMES[entry]


class Mark(Section):
    """A quality mark: a DISTS, or the DISTS of the original shrunk to a square thumbnail and enlarged."""

    thumbnail_px: int | None = Field(
        default=None, ge=1, le=4096, description="a whole number from 1 to 4096 (pixels)"
    )
    dists: float | None = Field(default=None, gt=0, le=1, description="a number above 0, up to 1")

    @model_validator(mode="after")
    def _exactly_one(self) -> "Mark":
        if (self.thumbnail_px is None) == (self.dists is None):
            raise not_allowed("either thumbnail_px or dists")
        return self


class Scenario(Section):
    """A whole run: photo, codec, handset, link, repair, what is compared and how it is judged."""

    name: str = Field(pattern=NAME, description=NAME_TEXT)
    image: ImageSettings = Field(description="a path, or {path, size, shown, fit}")
    codec: CodecSettings = Field(default=CodecSettings(), description="model and its N, L and f")
    sender: SenderSettings = Field(default=SenderSettings(encode="measured"), description=SENDER_TEXT)
    link: LinkSettings = Field(
        description="a preset's name, or {preset, payload_bytes, interval_s, latency, loss, windows, billing,"
        " transmitter}"
    )
    repair: Repair = Field(default=ArqNextSlot(), description=REPAIR_TEXT)
    fleet: FleetSettings = Field(
        default=FleetSettings(), description="{handsets, access, transmit_probability, within_s}"
    )
    schemes: tuple[Annotated[Scheme, BeforeValidator(_by_name)], ...] = Field(
        default=DEFAULT_SCHEMES,
        min_length=1,
        max_length=32,
        description=f"1 to 32 schemes, each a name ({', '.join(BUILT_IN_SCHEMES)}) or {SCHEME_TEXT}",
    )
    usable: Mark = Field(default=Mark(thumbnail_px=32), description="{thumbnail_px} or {dists}")
    detail: Mark = Field(default=Mark(thumbnail_px=64), description="{thumbnail_px} or {dists}")
    metrics: tuple[Metric, ...] = Field(
        default=get_args(Metric),
        min_length=1,
        description=METRICS_TEXT,
    )
    seed: int = Field(default=1, ge=0, le=2**53, description="a whole number from 0 to 9007199254740992")
    runs: int = Field(default=1, ge=1, le=MOST_RUNS, description=f"a whole number from 1 to {MOST_RUNS}")

    _list_to_tuple = field_validator("schemes", "metrics", mode="before")(listed)

    @field_validator("schemes")
    @classmethod
    def _names_differ(cls, schemes: tuple[Scheme, ...]) -> tuple[Scheme, ...]:
        names = [scheme.name.casefold() for scheme in schemes]  # names become file names
        if len(set(names)) < len(names):
            raise not_allowed("schemes whose names differ, in more than upper and lower case")
        for name in names:  # the picture of a after stages 1-2, and that of a-1 after stage 2, are one file
            parts = [(name[:at], name[at + 1 : at + 2]) for at, sign in enumerate(name) if sign == "-"]
            if any(first in names and then.isdigit() for first, then in parts):
                raise not_allowed(
                    f"schemes none of which is called as another, a dash and a number: not {name}"
                )
        return schemes

    @field_validator("metrics")
    @classmethod
    def _each_once(cls, metrics: tuple[Metric, ...]) -> tuple[Metric, ...]:
        if len(set(metrics)) < len(metrics):
            raise not_allowed(METRICS_TEXT)
        return metrics

    def repair_of(self, scheme: Scheme) -> Repair:
        """Return what a scheme does about loss: its own repair, or the scenario's."""
        return self.repair if scheme.repair is None else scheme.repair

    def sender_of(self, scheme: Scheme) -> SenderSettings:
        """Return how long a scheme's encoding takes: by its own sender, or the scenario's."""
        return self.sender if scheme.sender is None else scheme.sender

    def search_of(self, scheme: Scheme) -> Search:
        """Return how a scheme that codes with ours searches: as it says itself, or the codec does."""
        return self.codec.search(scheme.refine_steps, scheme.refine_stagewise)

    @property
    def searches(self) -> frozenset[Search]:
        """Those of all schemes that code with ours; empty where none does."""
        return frozenset(self.search_of(each) for each in self.schemes if each.codec == "progic")

    @property
    def seed_decides(self) -> bool:
        """Whether anything is left to chance in any scheme."""
        repairs = map(self.repair_of, self.schemes)
        return any(seed_decides(self.link, self.fleet, repair) for repair in repairs)

    def size_of(self, scheme: Scheme) -> tuple[int, int]:
        """Return the width and height, in pixels, at which a scheme sends the photo."""
        return scheme.size or self.image.size

    def budget_bytes(self, scheme: Scheme) -> int:
        """Return the bytes that a scheme may spend: its own, or those of one stage (low) or of all (else)."""
        if scheme.budget_bytes is not None:
            return scheme.budget_bytes
        codec = self.codec
        one_stage = stage_bytes(self.size_of(scheme), codec.bits_per_index, codec.downsampling_factor)
        return one_stage if scheme.delivery == "low" else one_stage * self.codec.stages
