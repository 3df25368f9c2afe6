"""Options with values that cannot be: the message names the option, not the scenario's key behind it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from satsim.cli import app
from satsim.commands.options import address_of, overrides_of
from satsim.errors import InputError


@pytest.mark.parametrize(
    ("command", "option", "value"),
    [
        ("run", "--image", ""),
        ("run", "--seed", "-1"),
        ("compare", "--runs", "0"),
        ("tune", "--runs", "100001"),
        ("run", "--metrics", ""),
        ("compare", "--metrics", "dists,dist"),
        ("tune", "--loss", "nan"),
    ],
)
def test_the_option_is_named(
    command: str, option: str, value: str, toy_scenario: Path, tmp_path: Path
) -> None:
    ended = CliRunner().invoke(app, [command, str(toy_scenario), option, value, "-o", str(tmp_path / "out")])
    assert (ended.exit_code, option in ended.output, "override" in ended.output) == (2, True, False)
    assert not (tmp_path / "out").exists()


def test_nothing_is_sent_to_port_0() -> None:
    with pytest.raises(InputError, match="allowed: HOST:PORT, such as"):
        address_of("127.0.0.1:0")
    assert address_of("0", "127.0.0.1") == ("127.0.0.1", 0)


@pytest.mark.parametrize("host", ["", "\udcff", "a..b", "x" * 64 + "\u00fc"])
def test_what_can_name_no_host_is_refused(host: str) -> None:
    """Python's sockets end in a TypeError at the second, and take the first for all addresses."""
    with pytest.raises(InputError, match="allowed: HOST:PORT, such as"):
        address_of(f"{host}:5005")
    served = CliRunner().invoke(app, ["serve", "--host", host, "--port", "0"])
    assert (served.exit_code, "--host: found" in served.stderr) == (2, True)


def test_packets_of_no_folder_are_refused(tmp_path: Path) -> None:
    ended = CliRunner().invoke(app, ["receive", "--files", "", "--once", "-o", str(tmp_path / "out")])
    assert (ended.exit_code, "--files" in ended.output, (tmp_path / "out").exists()) == (2, True, False)


def test_metrics_keep_their_order_of_which_the_first_is_shown() -> None:
    assert overrides_of(None, None, None, None, "ms_ssim,psnr") == ["metrics=[ms_ssim, psnr_db]"]
