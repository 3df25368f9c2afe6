"""The decoder where there is no torch: a bundle that `progic export` wrote, by onnxruntime and numpy.

A bundle is a folder with decoder.onnx and bundle.json, which says what the model is.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from progic.bitstream import unpack_stages
from progic.errors import InputError, WeightsError

BUNDLE, DECODER = "bundle.json", "decoder.onnx"
FORMAT = "progic bundle 1"
FACTS = ("model", "fingerprint", "n_stages", "bits_per_index", "downsampling_factor", "sha256")


class BundledDecoder:
    """A bundle, checked by its sha256 and ready to draw."""

    def __init__(self, folder: Path) -> None:
        """Raises WeightsError for a bundle that is missing, damaged or of another format."""
        facts = bundle_facts(folder)
        self.fingerprint: str = facts["fingerprint"]  # sha256 of the model's weights, 64 hex digits
        self.name: str = facts["model"]
        self.shape = (facts["n_stages"], facts["bits_per_index"], facts["downsampling_factor"])
        self._session = session_of(folder / DECODER, facts["sha256"][DECODER])

    def decode(self, stages: Mapping[int, bytes], size: tuple[int, int]) -> Image.Image:
        """Draw the photo, `size` = (width, height), from any of its stages, numbered from 0.

        Raises PayloadError as `progic.Codec.decode` does.
        """
        n_stages = self.shape[0]
        planes = unpack_stages(stages, size, *self.shape)
        first = next(iter(planes.values()))
        empty = np.zeros_like(first)
        indices = np.stack([planes.get(stage, empty) for stage in range(n_stages)])[:, None]
        held = np.array([[stage in planes for stage in range(n_stages)]], dtype=np.float32)
        (photo,) = self._session.run(None, {"indices": indices, "held": held})
        return _image(photo[0, :, : size[1], : size[0]])


def session_of(path: Path, sha256: str) -> Any:  # onnxruntime has no types
    """Load a graph that has this sha256; raises WeightsError for any other, InputError for no onnxruntime."""
    try:
        import onnxruntime
    except ImportError:
        raise InputError("onnxruntime is missing: pip install onnxruntime") from None
    graph = graph_bytes(path, sha256)
    try:
        return onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has one class for each fault, and no base of its own
        reason = " ".join(str(error).split())[:200]
        raise WeightsError(f"{path}: found no graph that onnxruntime can run: {reason}") from None


def graph_bytes(path: Path, sha256: str) -> bytes:
    """Read a graph that has this sha256; raises WeightsError for any other."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path}: {error.strerror}") from None
    digest = hashlib.sha256(data).hexdigest()
    if digest != sha256:
        raise WeightsError(f"{path}: sha256 is {digest}, allowed {sha256}, which {BUNDLE} says")
    return data


def bundle_facts(folder: Path) -> dict[str, Any]:
    """Return what bundle.json says of a model whose decoder is ONNX; raises WeightsError for any other."""
    path = folder / BUNDLE
    try:
        facts = json.loads(path.read_bytes())
    except OSError as error:
        raise WeightsError(f"{path}: {error.strerror}; allowed: a folder of progic export") from None
    except (ValueError, RecursionError):
        raise WeightsError(f"{path}: found no JSON; allowed: what progic export wrote") from None
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        raise WeightsError(f"{path}: found another format, allowed {FORMAT!r}; export it again")
    lacking = ", ".join(key for key in FACTS if key not in facts)
    if lacking or not isinstance(facts["sha256"], dict):
        raise WeightsError(
            f"{path}: found no {lacking or 'sha256 a file'}; allowed: what progic export wrote"
        )
    _check_values(path, facts)
    if DECODER not in facts["sha256"]:
        found = ", ".join(facts["sha256"])
        raise WeightsError(f"{path}: found {found}; allowed: {DECODER}, of progic export --format onnx")
    return facts


def _check_values(path: Path, facts: Mapping[str, Any]) -> None:
    """Raise WeightsError for a shape that no model has, or a fingerprint that is no text."""
    for key, most in (("n_stages", 64), ("bits_per_index", 16), ("downsampling_factor", 128)):
        if type(facts[key]) is not int or not 1 <= facts[key] <= most:
            raise WeightsError(f"{path}: {key}: found {facts[key]!r}, allowed 1 to {most}")
    for key in ("model", "fingerprint"):
        if not isinstance(facts[key], str):
            raise WeightsError(f"{path}: {key}: found {facts[key]!r}, allowed a text")


def _image(pixels: NDArray[np.float32]) -> Image.Image:
    levels = np.rint(pixels.clip(0, 1) * 255).astype(np.uint8)
    return Image.fromarray(np.ascontiguousarray(levels.transpose(1, 2, 0)))
