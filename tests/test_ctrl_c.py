"""Ctrl-C while a command is still importing what it needs."""

from importlib import import_module

import pytest


@pytest.mark.parametrize("name", ["progic", "satsim"])
def test_it_ends_with_a_line_and_130(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(import_module(f"{name}.cli"), "main", stopped)
    with pytest.raises(SystemExit) as caught:
        import_module(f"{name}.__main__").main()
    assert (caught.value.code, capsys.readouterr().err) == (130, f"{name}: stopped\n")
