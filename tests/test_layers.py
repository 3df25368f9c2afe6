"""The contract of layers in pyproject.toml, which `lint-imports` checks: it knows only what it lists."""

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("package", ["progic", "satsim"])
def test_every_module_is_in_a_layer(package: str) -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(each["layers"] for each in contracts if each["name"].startswith(f"{package}:"))
    listed = {name.strip() for layer in layers for name in layer.split(":")}
    files = [file.relative_to(ROOT) for file in (ROOT / package).rglob("*.py") if file.name != "__init__.py"]
    assert listed == {".".join(file.with_suffix("").parts) for file in files}
