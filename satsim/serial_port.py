"""A serial port, 8 data bits, no parity, 1 stop bit, by pyserial (the extra `serial`)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from satsim.errors import InputError, SatsimError

if TYPE_CHECKING:
    from serial import Serial


@contextmanager
def serial_port(device: str, baud: int) -> "Iterator[Serial]":
    """Open a port; raises InputError without pyserial, or for a device that cannot be opened.

    SatsimError, which names it, where it is gone while it is used.
    """
    try:
        import serial
    except ImportError:
        raise InputError("--serial needs pyserial: pip install 'progic-satsim[serial]'") from None
    try:
        port = serial.Serial(device, baud)
    except (serial.SerialException, ValueError) as error:
        raise InputError(f"{device}: cannot be opened: {error}; allowed: a serial device") from None
    with port:
        try:
            yield port
        except _lost() as error:
            raise SatsimError(f"{device}: {error}") from None


def _lost() -> tuple[type[Exception], ...]:
    """Return what a port raises once its device is gone: pyserial's own, and POSIX's that is no OSError."""
    from serial import SerialException

    try:
        import termios
    except ImportError:  # Windows
        return (SerialException,)
    return SerialException, termios.error


def serial_parts(port: "Serial") -> Iterator[bytes]:
    """Give the port's bytes as they come, for ever; SatsimError where it is gone."""
    while True:
        try:
            part = port.read(max(1, port.in_waiting))
        except OSError as error:  # of the system, where pyserial has none of its own
            raise SatsimError(f"{port.name}: {error}") from None
        yield part
