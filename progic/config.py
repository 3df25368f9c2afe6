"""What a model is (`CodecConfig`) and how it is trained (`TrainConfig`, one YAML recipe a model)."""

import reprlib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import AliasEvent

from progic.errors import ConfigError

LONGEST_FAULT = 100  # characters of what a recipe says, in an error
HEAD_DIM = 32  # channels of an attention head
Width = Annotated[int, Field(ge=8, le=1024, multiple_of=8)]
AttentionWidth = Annotated[int, Field(ge=HEAD_DIM, le=1024, multiple_of=HEAD_DIM)]
Blocks = Annotated[int, Field(ge=0, le=64)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Momentum = Annotated[float, Field(ge=0, lt=1)]
RECIPES = Path(__file__).parent / "recipes"
DEFAULT_MODEL = "f16-s"  # nearest to the photo, least arithmetic and no grid: its card


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class CodecConfig(_Strict):
    """Shape of one codec; equation (1) of arXiv 2603.02897's supplement gives its rate, `bits_per_pixel`."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    n_stages: int = Field(default=5, ge=1, le=64)  # N
    bits_per_index: int = Field(default=10, ge=1, le=16)  # L: 2^L codes a stage
    downsampling_factor: Literal[8, 16, 32, 64] = 16  # f
    code_dim: int = Field(default=32, ge=4, le=256)
    encoder_widths: tuple[Width, ...] = (64, 160, 256)  # channels at 1/4, 1/8, ... 1/f
    encoder_blocks: tuple[Blocks, ...] = (1, 2, 1)
    decoder_widths: tuple[Width, ...] = (320, 192, 96)  # channels at 1/f, ... 1/8, 1/4
    decoder_blocks: tuple[Blocks, ...] = (2, 3, 4)
    fine_width: Width = 32  # channels of the decoder's last touch, at 1/2
    separable: bool = False  # depthwise-separable blocks: a quarter of the arithmetic, for phones
    trunk: str = ""  # model whose latents this one codes (progic.stack): bundled, or a .safetensors file
    stack_width: AttentionWidth = 160  # channels of what is added to a trunk
    stack_blocks: int = Field(default=2, ge=1, le=16)

    @model_validator(mode="after")
    def _one_width_a_level(self) -> Self:
        if self.name == "checkpoint":
            raise ValueError("name is 'checkpoint'; allowed is another: a training's checkpoint has this one")
        if self.trunk:
            return self._of_trunk()
        levels = self.downsampling_factor.bit_length() - 2  # 1/4 is level one
        for key in ("encoder_widths", "encoder_blocks", "decoder_widths", "decoder_blocks"):
            found = len(getattr(self, key))
            if found != levels:
                wanted = f"{levels} entries for downsampling_factor {self.downsampling_factor}"
                raise ValueError(f"{key} needs {wanted}, found {found}")
        for key, width in (
            ("encoder_widths[-1]", self.encoder_widths[-1]),
            ("decoder_widths[0]", self.decoder_widths[0]),
        ):
            if width % HEAD_DIM:
                raise ValueError(
                    f"{key} is {width}; allowed are multiples of {HEAD_DIM}, an attention head's channels"
                )
        return self

    def _of_trunk(self) -> Self:
        """Refuse a net of its own beside a trunk, whose net it would not be."""
        for key in (
            "encoder_widths",
            "encoder_blocks",
            "decoder_widths",
            "decoder_blocks",
            "fine_width",
            "separable",
        ):
            if getattr(self, key) != type(self).model_fields[key].default:
                raise ValueError(f"{key} has no effect beside trunk {self.trunk!r}; allowed is its default")
        return self

    @property
    def shape(self) -> tuple[int, int, int]:
        """N, L and f, which a packet and a file say of a model."""
        return self.n_stages, self.bits_per_index, self.downsampling_factor

    @property
    def n_codes(self) -> int:
        """Codes in each codebook, 2^L."""
        return 1 << self.bits_per_index

    @property
    def bits_per_pixel(self) -> float:
        """Rate of all stages."""
        return bits_per_pixel(*self.shape)

    @property
    def bits_per_pixel_step(self) -> float:
        """Rate of one stage: the smallest step between two rates."""
        return bits_per_pixel(1, self.bits_per_index, self.downsampling_factor)


def bits_per_pixel(n_stages: int, bits_per_index: int, downsampling_factor: int) -> float:
    """Rate of N stages of L bits at f: N L / f^2, equation 1 of arXiv 2603.02897's supplement."""
    return n_stages * bits_per_index / downsampling_factor**2


class LossConfig(_Strict):
    """Weights of the training loss's terms."""

    l1: float = Field(default=1.0, ge=0)
    lpips: float = Field(default=0.5, ge=0)
    dists: float = Field(default=1.0, ge=0)
    commitment: float = Field(default=0.25, ge=0)
    blockiness: float = Field(default=0.0, ge=0)  # of the grid of patches in the pictures
    checkerboard: float = Field(default=0.0, ge=0)  # of the pattern that all patches have in common
    adversarial: float = Field(default=0.0, ge=0)  # of a patch discriminator, from adversarial_from on
    imitation: float = Field(default=1.0, ge=0)  # of the teacher's maps, in imitation_steps


class TrainConfig(_Strict):
    """A recipe: the model, its loss, and the schedule."""

    codec: CodecConfig
    loss: LossConfig = LossConfig()
    teacher: str = ""  # model whose latents and codes are learned: bundled, or a .safetensors file
    seed: int = Field(default=1, ge=0, lt=2**63)
    steps: int = Field(ge=1)
    batch: int = Field(default=16, ge=1)
    # Larger photos are scaled down to it first. What JPEG has done to their pixels is learned with them and
    # painted into every picture; scaled down it is gone.
    short_side_px: int = Field(default=256, ge=32)
    crop_px: int = Field(default=128, ge=32, multiple_of=16)
    last_crop_px: int = Field(default=256, ge=32, multiple_of=16)  # crop size after last_crop_from
    last_crop_from: Fraction = 0.85  # part of the steps after which crops grow, the batch shrinks to match
    learning_rate: float = Field(default=5e-4, gt=0, le=0.1)
    linear_learning_rate_factor: Fraction = 0.1  # the principal components start right: move them slowly
    rise_steps: int = Field(default=100, ge=0)  # the rate rises to its value over so many steps
    decay_from: Fraction = 0.5  # constant rate until here, then a cosine to zero
    weight_decay: float = Field(default=1e-4, ge=0)
    betas: tuple[Momentum, Momentum] = (0.9, 0.99)
    gradient_clip: float = Field(default=1.0, gt=0)
    weight_ema: Fraction = 0.999
    decoder_alone: bool = False  # encoder and codebooks stay: photos keep their codes
    start_share: Fraction = 0.0  # of the model that it goes on from, in the weights that are written
    warmup_steps: int = Field(default=150, ge=0)  # continuous autoencoder, before the codebooks exist
    latent_steps: int = Field(default=0, ge=0)  # first steps of a model on a trunk: its latents, no pictures
    imitation_steps: int = Field(default=0, ge=0)  # first steps of a taught model: its teacher's maps
    latent_batch: int = Field(default=64, ge=1)  # crops of such a step, which costs a tenth
    kmeans_vectors: int = Field(default=24_000, ge=256)
    pca_scale_exponent: float = Field(default=-0.25, ge=-0.5, le=0)  # component scale = variance^exponent
    adversarial_from: Fraction = 0.75  # part of the steps after which the discriminator, if any, joins
    # It begins from nothing: after 80 steps its loss on 32 held-out pairs of photo and picture was 1.38 (a
    # guess is 1.39) at 1.6e-4, as the codec may go on at, and 0.90, with every pair told, at 1e-3.
    adversarial_rate_factor: float = Field(default=6.0, gt=0, le=100)
    codebook_ema: Fraction = 0.98
    revive_below: Fraction = 0.1  # codes used less than this part of a uniform share are replaced
    revive_until: Fraction = 0.8  # part of the steps after which no code is moved: what it codes must settle
    full_depth_share: Fraction = 0.35  # samples decoded from all stages
    subset_share: Fraction = 0.2  # samples decoded from a random subset; the rest from a random prefix
    checkpoint_every_steps: int = Field(default=200, ge=1)
    # The loss, by torch.compile: a step 0.89 s, without 1.02 s, and a minute to start. With AVX2 alone the
    # loss takes 4.7 s of a step, without 5.0 s, and the start four and a half minutes.
    compile: bool = True

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.imitation_steps and not self.teacher:
            raise ValueError(f"imitation_steps is {self.imitation_steps}; without a teacher allowed is 0")
        if self.decoder_alone and self.teacher:
            raise ValueError(f"decoder_alone is true; beside teacher {self.teacher} allowed is false")
        if self.latent_steps and not self.codec.trunk:
            raise ValueError(f"latent_steps is {self.latent_steps}; without a codec.trunk allowed is 0")
        factor = self.codec.downsampling_factor
        for key in ("crop_px", "last_crop_px"):
            if getattr(self, key) % factor:
                raise ValueError(
                    f"{key} is {getattr(self, key)}; allowed are multiples of downsampling_factor, {factor}"
                )
        largest_px = max(self.crop_px, self.last_crop_px if self.last_crop_from < 1 else 0)
        if self.short_side_px < largest_px:
            raise ValueError(
                f"short_side_px is {self.short_side_px}; allowed is at least the largest crop, {largest_px}"
            )
        return self


class _WithoutAliases(Composer):
    """Refuses aliases: a few lines of aliases of aliases, or merges of them, can be billions of values."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.parser.check_event(AliasEvent):
            event = self.parser.get_event()
            line = event.start_mark.line + 1
            raise YAMLError(f"line {line}: found alias *{event.anchor}, allowed is each value where it holds")
        return super().compose_node(parent, index)


def shipped_recipes() -> list[str]:
    """Names of the recipes in the package."""
    return sorted(path.stem for path in RECIPES.glob("*.yaml"))


def load_recipe(name_or_path: str) -> TrainConfig:
    """Read a shipped recipe by name (`f16`) or any recipe by path.

    Raises ConfigError naming file, key, value found and what is allowed.
    """
    path = Path(name_or_path)
    if path.suffix not in {".yaml", ".yml"}:
        path = RECIPES / f"{name_or_path}.yaml"
    if not path.is_file():
        known = ", ".join(shipped_recipes())
        raise ConfigError(f"{name_or_path}: no such recipe; shipped are {known}, or give a .yaml file")
    try:
        yaml = YAML(typ="safe", pure=True)
        yaml.Composer = _WithoutAliases
        content: Any = yaml.load(path.read_text(encoding="utf-8"))
        return TrainConfig.model_validate(content)
    except (YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not readable as YAML: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        raise ConfigError(f"{path}: {_fault(error)}") from None
    except (ValueError, LookupError, ArithmeticError, TypeError, RecursionError) as error:
        # of a value that is not what its tag or look says, such as a date that is none
        raise ConfigError(f"{path}: not readable as YAML: {str(error)[:LONGEST_FAULT]}") from None


def first_fault(error: ValidationError) -> str:
    """Return key and reason of pydantic's first finding in what a file says of its net or training."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"]) or "config"
    return f"{key}: {first['msg']}"


def _fault(error: ValidationError) -> str:
    """Return the first of pydantic's findings: key, and what is allowed."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])[:LONGEST_FAULT] or "(top level)"
    if first["type"] == "extra_forbidden":
        sections: dict[str, type[BaseModel]] = {"codec": CodecConfig, "loss": LossConfig}
        section = sections.get(key.split(".")[0], TrainConfig)
        return f"{key}: an unknown key, allowed are {', '.join(section.model_fields)}"
    if first["type"] == "value_error":  # of a validator above, which names the key and what it found
        above = "".join(f"{part}." for part in first["loc"])
        return f"{above}{first['ctx']['error']}"
    try:
        found = reprlib.repr(first["input"])  # which cuts what is long
    except ValueError:  # before Python 3.12, of an int of more than 4300 digits
        found = "a number of thousands of digits"
    return f"{key}: {first['msg']}, found {found}"
