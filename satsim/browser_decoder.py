"""What a page needs to draw pictures itself: ONNX Runtime for browsers, graphs of decoders, file formats.

ONNX Runtime comes from its npm package, onnxruntime-web, that the user has: `npm pack onnxruntime-web`.
"""

import base64
import gzip
import hashlib
import json
import tarfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from progic import classical
from progic.lite import DECODER, bundle_facts, graph_bytes
from satsim.codec import short_fingerprint
from satsim.errors import InputError
from satsim.file_codecs import WHOLE_FILES

VERSION = "1.30.0"
ALLOWED = f"onnxruntime-web-{VERSION}.tgz of `npm pack onnxruntime-web@{VERSION}`, or its unpacked folder"
PACKAGE_JSON = "package.json"
MODULE = "dist/ort.wasm.bundle.min.mjs"
WASM = "dist/ort-wasm-simd-threaded.wasm"
SHA256 = {  # of the members of that tarball
    MODULE: "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90",
    WASM: "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
}
TOP = "package"  # npm's own name for the folder in every tarball
FLOAT_BYTES = 4
LEVEL = 6  # 9 takes five times as long, for 1 % less


class Runtime(NamedTuple):
    """ONNX Runtime for browsers, as the page holds it: gzip in base64."""

    module: str
    wasm: str


class BrowserDecoder(NamedTuple):
    """A model's decoder as the page holds it."""

    name: str
    fingerprint: int  # as in a packet's header
    n_stages: int
    bits_per_index: int
    downsampling_factor: int
    graph: str  # decoder.onnx: planes of bytes, gzip, base64
    graph_bytes: int  # of decoder.onnx


class BrowserFile(NamedTuple):
    """A format whose files the browser draws itself, when they are whole."""

    fingerprint: int  # as in a packet's header
    title: str  # as people call it
    sample: str | None  # a small file in base64: can a browser draw the format? None: its extra is not here


class Decoding(NamedTuple):
    """What a page that decodes holds."""

    runtime: Runtime
    decoders: tuple[BrowserDecoder, ...]


def decoding_of(bundles: Sequence[Path], package: Path) -> Decoding:
    """Read folders of `progic export --format onnx`, and onnxruntime-web as a tarball or a folder.

    Raises progic's WeightsError for another bundle, InputError for another package, or models that a header
    cannot tell apart.
    """
    decoders: dict[int, BrowserDecoder] = {}
    for folder in bundles:
        decoder = _decoder(folder)
        if other := decoders.get(decoder.fingerprint):
            found = f"found {decoder.name} with the fingerprint {decoder.fingerprint:04x} of {other.name}"
            raise InputError(f"{folder}: {found}; allowed: each model once")
        decoders[decoder.fingerprint] = decoder
    return Decoding(_runtime(package), tuple(decoders.values()))


def _decoder(folder: Path) -> BrowserDecoder:
    facts = bundle_facts(folder)
    graph = graph_bytes(folder / DECODER, facts["sha256"][DECODER])
    return BrowserDecoder(
        facts["model"],
        short_fingerprint(facts["fingerprint"]),
        facts["n_stages"],
        facts["bits_per_index"],
        facts["downsampling_factor"],
        packed(planes(graph)),
        len(graph),
    )


def browser_files() -> list[BrowserFile]:
    """Return the formats of files that `satsim receive` draws too."""
    return [
        BrowserFile(fingerprint, classical.FORMATS[name].title, _sample(name))
        for fingerprint, name in WHOLE_FILES.items()
    ]


def _sample(name: str) -> str | None:
    if classical.lacks(name) is not None:
        return None
    return _text(classical.file_bytes(Image.new("RGB", (8, 8)), name, 50))


def planes(graph: bytes) -> bytes:
    """Return the k-th bytes of all 4-byte numbers, k after k, filled up with zeros; gzip then takes 46 %.

    Half of what our weights take as 32-bit floats is zeros, since they are stored as 16-bit ones.
    """
    filled = graph + bytes(-len(graph) % FLOAT_BYTES)
    return np.frombuffer(filled, np.uint8).reshape(-1, FLOAT_BYTES).T.tobytes()


def packed(data: bytes) -> str:
    """Return bytes as a script element can hold them."""
    return _text(gzip.compress(data, LEVEL, mtime=0))


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _runtime(package: Path) -> Runtime:
    members = _folder_members(package) if package.is_dir() else _tarball_members(package)
    for name, sha256 in SHA256.items():
        found = hashlib.sha256(members[name]).hexdigest()
        if found != sha256:
            version = _version(members[PACKAGE_JSON])
            found = f"onnxruntime-web {version}, with another {name} (sha256 {found[:16]}...)"
            raise InputError(f"{package}: found {found}; allowed: {ALLOWED}")
    return Runtime(packed(members[MODULE]), packed(members[WASM]))


def _folder_members(folder: Path) -> dict[str, bytes]:
    try:
        return {name: (folder / name).read_bytes() for name in (PACKAGE_JSON, *SHA256)}
    except FileNotFoundError as error:
        missing = Path(error.filename).relative_to(folder)
        raise InputError(f"{folder}: found no {missing} in it; allowed: {ALLOWED}") from None


def _tarball_members(path: Path) -> dict[str, bytes]:
    """Read the few members that are wanted, by name; nothing is unpacked."""
    members: dict[str, bytes] = {}
    try:
        with tarfile.open(path) as tarball:
            for name in (PACKAGE_JSON, *SHA256):
                member = tarball.extractfile(f"{TOP}/{name}")
                if member is None:
                    raise KeyError(name)
                members[name] = member.read()
    except KeyError:
        raise InputError(f"{path}: found no {TOP}/{name} in it; allowed: {ALLOWED}") from None
    except FileNotFoundError:
        raise InputError(f"{path}: found no such file; allowed: {ALLOWED}") from None
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise InputError(f"{path}: found no tarball that can be read ({error}); allowed: {ALLOWED}") from None
    return members


def _version(package_json: bytes) -> str:
    try:
        return str(json.loads(package_json)["version"])
    except (ValueError, KeyError, TypeError):
        return "of no version"
