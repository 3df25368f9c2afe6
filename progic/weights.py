"""Weights on disk: safetensors with the model's configuration in its metadata, named by their sha256."""

import hashlib
import json
from contextlib import AbstractContextManager, nullcontext
from importlib.resources import as_file, files
from pathlib import Path

import torch
from jaxtyping import Float
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from progic.codec import Codec, CodecNet
from progic.config import DEFAULT_MODEL, CodecConfig, first_fault
from progic.errors import ConfigError, WeightsError
from progic.replacing import replacing

BUNDLED = files("progic") / "models"
CODEBOOKS, CODEBOOK_SCALE = "quantizer.codebooks", "quantizer.codebook_scale"


def bundled_models() -> list[str]:
    """Names of the models in the package."""
    names = (entry.name for entry in BUNDLED.iterdir())
    return sorted(name.removesuffix(".safetensors") for name in names if name.endswith(".safetensors"))


def allowed_models() -> str:
    """What a model may be named by, in words."""
    return ", ".join([*bundled_models(), "or the path of a .safetensors file"])


def load(model: str | Path = DEFAULT_MODEL) -> Codec:
    """Load a bundled model by name, checked against its recorded sha256, or weights from a path.

    Raises WeightsError when there is no such model, or when the file is cut, damaged or of another kind.
    """
    if Path(model).suffix == ".safetensors":
        return load_file(Path(model))
    if str(model) not in bundled_models():
        raise WeightsError(f"model: found {str(model)!r}, allowed {allowed_models()}")
    with _file_of(model) as path:
        return load_file(path, expected_sha256(str(model)))


def config_of(model: str | Path) -> CodecConfig:
    """Shape of a bundled model, or of one at a path, from its file's first bytes; WeightsError as `load`."""
    try:
        return CodecConfig.model_validate_json(_metadata_of(model).get("config", ""))
    except (OSError, SafetensorError, ValidationError):
        return load(model).config  # which says what is wrong


def teacher_of(model: str | Path) -> str:
    """Name of the model that taught a bundled model, or one at a path; "" of one that learned from photos."""
    try:
        return str(json.loads(_metadata_of(model)["training"])["recipe"]["teacher"])
    except (ValueError, LookupError, TypeError):  # written by someone else, who does not say
        return ""


def _metadata_of(model: str | Path) -> dict[str, str]:
    with _file_of(model) as path:
        return read_metadata(path)


def file_bytes(model: str | Path) -> int:
    """Bytes on disk of a model's weights, without those of a trunk that it stands on."""
    with _file_of(model) as path:
        return path.stat().st_size


def _file_of(model: str | Path) -> AbstractContextManager[Path]:
    """The file of a bundled model's weights, or the one at a path; it may not be there."""
    if Path(model).suffix == ".safetensors":
        return nullcontext(Path(model))
    return as_file(BUNDLED / f"{model}.safetensors")


def expected_sha256(model: str) -> str:
    """The sha256 recorded in the package for a bundled model's weights."""
    for line in (BUNDLED / "SHA256SUMS").read_text(encoding="ascii").splitlines():
        digest, _, name = line.partition("  ")
        if name == f"{model}.safetensors":
            return digest
    raise WeightsError(f"SHA256SUMS: no line for {model}.safetensors; reinstall progic-satsim")


def with_fingerprint(start: str) -> str | None:
    """Name of the bundled model whose sha256 in hex starts so; None if there is none."""
    return next((name for name in bundled_models() if expected_sha256(name).startswith(start)), None)


@torch.inference_mode(False)  # else no gradient could ever be asked for
def load_file(path: Path, sha256: str | None = None) -> Codec:
    """Load weights from a file; with `sha256`, refuse any other content."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path}: {error.strerror}") from None
    digest = hashlib.sha256(data).hexdigest()
    if sha256 is not None and digest != sha256:
        raise WeightsError(f"{path}: sha256 is {digest}, allowed {sha256}; reinstall progic-satsim")
    try:
        config = _config_in(path, read_metadata(path))
        own = _as_floats(load_tensors(data))
        trunk = _trunk(path, config)
        _check_tensors(path, own, config, trunk)
        net = CodecNet(config, trunk)
        net.load_state_dict(net.state_dict() | own)
    except (SafetensorError, ConfigError, RuntimeError, KeyError) as error:
        reason = " ".join(str(error).split())[:200]
        found = f"{len(data)} bytes that are not the weights of a progic model, or cut"
        raise WeightsError(f"{path}: found {found}: {reason}") from None
    return Codec(net, digest)


def _config_in(path: Path, metadata: dict[str, str]) -> CodecConfig:
    """Return what a header says of the net; raises ConfigError where it says nothing, or what none is."""
    if "step" in metadata:
        raise WeightsError(f"{path}: is a training's checkpoint; allowed is the model written beside it")
    if "config" not in metadata:
        raise ConfigError("their header has no config")
    try:
        return CodecConfig.model_validate_json(metadata["config"])
    except ValidationError as error:
        raise ConfigError(first_fault(error)) from None


def _trunk(path: Path, config: CodecConfig) -> CodecNet | None:
    """Return the net that the weights at `path` were trained on top of; raises WeightsError for another."""
    if not config.trunk:
        return None
    trunk, wanted = load(config.trunk), read_metadata(path).get("trunk_sha256")
    if wanted is None:
        raise WeightsError(f"{path}: metadata: found no trunk_sha256; allowed: that of {config.trunk}")
    if trunk.fingerprint != wanted:
        raise WeightsError(f"{path}: trunk {config.trunk} has sha256 {trunk.fingerprint}, allowed {wanted}")
    return trunk.net


def _check_tensors(path: Path, own: dict[str, Tensor], config: CodecConfig, trunk: CodecNet | None) -> None:
    """Raise WeightsError for other tensors than the net has, or numbers that are not finite.

    The net is one without memory: a file of a few bytes may claim one of many gigabytes.
    """
    with torch.device("meta"):
        wanted = {name: tuple(tensor.shape) for name, tensor in CodecNet(config, trunk).own_state().items()}
    found = {name: tuple(tensor.shape) for name, tensor in own.items()}
    for name in sorted(wanted.keys() | found.keys()):
        if found.get(name) != wanted.get(name):
            told, allowed = (shapes.get(name, "none") for shapes in (found, wanted))
            raise WeightsError(f"{path}: {name}: found {told}, allowed {allowed}, by its config")
        if not own[name].isfinite().all():
            raise WeightsError(f"{path}: {name}: found numbers that are not finite; allowed: others")


def read_metadata(path: Path) -> dict[str, str]:
    """Text metadata of a safetensors file: `config` and `training`, both JSON; on a trunk `trunk_sha256`."""
    with safe_open(path, framework="pt") as content:
        return dict(content.metadata() or {})


def save(path: Path, net: CodecNet, training: dict[str, object]) -> str:
    """Write weights (nets in float16, codebooks in float32) whole or not at all; return their sha256.

    Of a net on a trunk its own weights alone, its codebooks in 8 bits, with the trunk's sha256.
    """
    own = {name: tensor.detach().cpu().contiguous() for name, tensor in net.own_state().items()}
    codebooks = own.pop(CODEBOOKS)
    tensors = {name: tensor.half() for name, tensor in own.items()}
    tensors |= _in_8_bits(codebooks) if net.config.trunk else {CODEBOOKS: codebooks}
    metadata = {"config": net.config.model_dump_json(), "training": json.dumps(training)}
    if net.config.trunk:
        metadata["trunk_sha256"] = load(net.config.trunk).fingerprint
    data = save_tensors(tensors, metadata)
    with replacing(path) as partial:
        partial.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def _in_8_bits(codebooks: Float[Tensor, "n c d"]) -> dict[str, Tensor]:
    """Return codebooks as integers of -127 to 127, and what 1 is worth: a scale a stage and dimension."""
    scale = codebooks.abs().amax(1, keepdim=True).clamp(min=1e-12) / 127
    return {CODEBOOKS: (codebooks / scale).round().to(torch.int8), CODEBOOK_SCALE: scale}


def _as_floats(stored: dict[str, Tensor]) -> dict[str, Tensor]:
    tensors = {name: tensor.float() for name, tensor in stored.items()}
    if CODEBOOK_SCALE in tensors:
        tensors[CODEBOOKS] *= tensors.pop(CODEBOOK_SCALE)
    return tensors
