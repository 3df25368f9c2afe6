"""A codec for other runtimes, ONNX or TorchScript: written only if it does what the model does."""

import hashlib
import logging
import shutil
import tempfile
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from PIL import Image
from torch import Tensor, nn

from progic.codec import Codec
from progic.errors import InputError
from progic.graphs import graphs_of
from progic.json_text import json_text
from progic.lite import BUNDLE, session_of
from progic.lite import FORMAT as BUNDLE_FORMAT
from progic.parity import Parity, Pixels, Planes, check
from progic.replacing import make_folder

Format = Literal["onnx", "torchscript"]

EXAMPLE = (9, 17)  # latents; of two windows and more each way, or the graph is for one window alone


class _Graph(NamedTuple):
    """What is exported, and how it is called."""

    name: str
    module: nn.Module
    example: tuple[Tensor, ...]
    inputs: list[str]
    output: str
    dynamic_shapes: tuple[dict[int, Any], ...]


@torch.inference_mode(False)  # where the nets write over maps, which no graph may
def export(codec: Codec, form: Format, folder: Path, photos: list[Image.Image]) -> Parity:
    """Write encoder, decoder and bundle.json into `folder` and return how near they are to the model.

    A receiver needs no encoder. Raises ProgicError, with `folder` as it was, if the check on `photos` fails;
    where the files cannot take their places, a folder that is new goes again.
    """
    write, suffix = (_write_onnx, ".onnx") if form == "onnx" else (_write_torchscript, ".pt")
    made = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    make_folder(folder)
    try:
        with tempfile.TemporaryDirectory(prefix=".export-", dir=folder) as workplace:
            graphs = _graphs(codec)
            files = [Path(workplace) / f"{graph.name}{suffix}" for graph in graphs]
            for graph, path in zip(graphs, files, strict=True):
                write(graph, path)
            found = check(codec, _Onnx(*files) if form == "onnx" else _TorchScript(*files), photos)
            facts = _facts(codec, form, files, found)
            bundle = Path(workplace) / BUNDLE
            bundle.write_text(json_text(facts) + "\n", encoding="utf-8")
            for path in (*files, bundle):
                path.replace(folder / path.name)
    except BaseException:
        if made:
            shutil.rmtree(made[-1], ignore_errors=True)
        raise
    return found


def _graphs(codec: Codec) -> tuple[_Graph, _Graph]:
    encoder, decoder = graphs_of(codec)
    config, (rows, columns) = codec.config, EXAMPLE
    factor = config.downsampling_factor
    photo = torch.rand(1, 3, rows * factor, columns * factor, generator=torch.Generator().manual_seed(0))
    indices = torch.zeros(config.n_stages, 1, rows, columns, dtype=torch.int64)
    held = torch.ones(1, config.n_stages)
    any_size = {2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC}
    return (
        _Graph("encoder", encoder, (photo,), ["photo"], "indices", (any_size,)),
        _Graph("decoder", decoder, (indices, held), ["indices", "held"], "photo", (any_size, {})),
    )


@torch.no_grad()
def _write_onnx(graph: _Graph, path: Path) -> None:
    try:
        import onnxscript  # noqa: F401 - by torch
    except ImportError:
        raise InputError("ONNX needs the extra: pip install 'progic-satsim[export]'") from None
    exported = torch.export.export(
        graph.module, graph.example, dynamic_shapes=graph.dynamic_shapes, strict=False
    )
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # else it misses torchvision
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch's own, of its own classes
        program = torch.onnx.export(
            exported,
            input_names=graph.inputs,
            output_names=[graph.output],
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    program.save(path, external_data=False)


@torch.no_grad()
def _write_torchscript(graph: _Graph, path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit is deprecated, and doubts what the check then tries
        traced: Any = torch.jit.trace(  # type: ignore[no-untyped-call]
            graph.module, graph.example, check_trace=False
        )
        torch.jit.save(traced, path)


class _Onnx:
    """Both graphs by onnxruntime."""

    def __init__(self, encoder: Path, decoder: Path) -> None:
        self._encoder, self._decoder = (session_of(path, _sha256(path)) for path in (encoder, decoder))

    def encode(self, photo: Pixels) -> Planes:
        (indices,) = self._encoder.run(None, {"photo": photo})
        return indices  # type: ignore[no-any-return]

    def decode(self, indices: Planes, held: Pixels) -> Pixels:
        (photo,) = self._decoder.run(None, {"indices": indices, "held": held})
        return photo  # type: ignore[no-any-return]


class _TorchScript:
    """Both graphs by libtorch."""

    def __init__(self, encoder: Path, decoder: Path) -> None:
        load: Callable[..., Any] = torch.jit.load
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            self._encoder, self._decoder = load(encoder), load(decoder)

    @torch.inference_mode()
    def encode(self, photo: Pixels) -> Planes:
        return self._encoder(torch.from_numpy(photo)).numpy()  # type: ignore[no-any-return]

    @torch.inference_mode()
    def decode(self, indices: Planes, held: Pixels) -> Pixels:
        return self._decoder(torch.from_numpy(indices), torch.from_numpy(held)).numpy()  # type: ignore[no-any-return]


def _facts(codec: Codec, form: Format, files: list[Path], found: Parity) -> dict[str, object]:
    config = codec.config
    packages = ("progic-satsim", "torch") + (("onnx", "onnxscript", "onnxruntime") if form == "onnx" else ())
    return {
        "format": BUNDLE_FORMAT,
        "model": config.name,
        "fingerprint": codec.fingerprint,
        "n_stages": config.n_stages,
        "bits_per_index": config.bits_per_index,
        "downsampling_factor": config.downsampling_factor,
        "sha256": {path.name: _sha256(path) for path in files},
        "checked": found._asdict(),
        "versions": {name: version(name) for name in packages},
    }


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
