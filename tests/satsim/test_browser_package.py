"""What a page that decodes is made of: which package, bundle or command is taken, and what is refused."""

import base64
import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from progic.errors import WeightsError
from satsim import browser_decoder, cli
from satsim.browser_decoder import MODULE, PACKAGE_JSON, WASM, decoding_of, planes
from satsim.errors import InputError


def test_planes_are_the_same_bytes_in_another_order() -> None:
    assert planes(bytes(range(6))) == bytes([0, 4, 1, 5, 2, 0, 3, 0])


def tarball(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as target:
        for name, data in members.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(data)
            target.addfile(member, io.BytesIO(data))
    return path


MEMBERS = {PACKAGE_JSON: b'{"version": "1.2.3"}', MODULE: b"module", WASM: b"wasm"}


def unpacked(path: Path, members: dict[str, bytes]) -> Path:
    for name, data in members.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


@pytest.mark.parametrize("write", [tarball, unpacked])
def test_a_package_is_read_as_a_tarball_or_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path, dict[str, bytes]], Path]
) -> None:
    digests = {name: hashlib.sha256(MEMBERS[name]).hexdigest() for name in (MODULE, WASM)}
    monkeypatch.setattr(browser_decoder, "SHA256", digests)
    runtime = decoding_of([], write(tmp_path / "package", MEMBERS)).runtime
    assert [gzip.decompress(base64.b64decode(each)) for each in runtime] == [b"module", b"wasm"]


@pytest.mark.parametrize("write", [tarball, unpacked])
def test_another_package_is_refused(tmp_path: Path, write: Callable[[Path, dict[str, bytes]], Path]) -> None:
    place = tmp_path / "package"
    with pytest.raises(InputError, match="found onnxruntime-web 1.2.3, with another dist/.*; allowed: onnx"):
        decoding_of([], write(place, MEMBERS))
    other = tmp_path / "other"
    with pytest.raises(
        InputError, match=f"{other}: found no .*{WASM} in it; allowed: onnxruntime-web-1.30.0"
    ):
        decoding_of([], write(other, {PACKAGE_JSON: b"{}", MODULE: b""}))


def test_what_is_no_package_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("notes")
    with pytest.raises(InputError, match="notes.txt: found no tarball that can be read"):
        decoding_of([], tmp_path / "notes.txt")
    with pytest.raises(InputError, match="nowhere.tgz: found no such file; allowed: onnxruntime-web"):
        decoding_of([], tmp_path / "nowhere.tgz")


def bundle(folder: Path, fingerprint: str = "ab" * 32, graph: str = "decoder.onnx") -> Path:
    folder.mkdir()
    (folder / graph).write_bytes(b"graph")
    shape = {"n_stages": 3, "bits_per_index": 9, "downsampling_factor": 16}
    digests = {graph: hashlib.sha256(b"graph").hexdigest()}
    facts = {
        "format": "progic bundle 1",
        "model": "toy",
        "fingerprint": fingerprint,
        "sha256": digests,
        **shape,
    }
    (folder / "bundle.json").write_text(json.dumps(facts))
    return folder


def test_other_bundles_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="found decoder.pt; allowed: decoder.onnx"):
        decoding_of([bundle(tmp_path / "torchscript", graph="decoder.pt")], tmp_path)
    two = [bundle(tmp_path / "one"), bundle(tmp_path / "two", "abab" + "00" * 30)]
    with pytest.raises(InputError, match="two: found toy with the fingerprint abab of toy; allowed: each mo"):
        decoding_of(two, tmp_path)
    (tmp_path / "one" / "decoder.onnx").write_bytes(b"another graph")
    with pytest.raises(WeightsError, match=r"decoder.onnx: sha256 is .*, allowed .*"):
        decoding_of(two, tmp_path)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (
            ["out.html"],
            "found out.html; allowed: a run folder and a file to write, or with --decoder the file",
        ),
        (["a", "b", "c"], "found a b c; allowed: a run folder and a file to write"),
        (
            ["out.html", "--decoder", "bundle"],
            "--onnxruntime-web: found none with --decoder; allowed: onnxrunt",
        ),
        (
            ["a", "out.html", "--onnxruntime-web", "x.tgz"],
            "--decoder: found none with --onnxruntime-web; allow",
        ),
        (["out.html", "--decoder", "nowhere", "--onnxruntime-web", "x.tgz"], "nowhere/bundle.json: No such"),
    ],
)
def test_bad_input_ends_with_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], complaint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli.app, ["page", *arguments])
    assert result.exit_code == 2
    assert complaint in result.stderr
    assert list(tmp_path.iterdir()) == []
