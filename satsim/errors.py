"""The errors that satsim raises on purpose; one with a single source, such as UnknownPreset, stands there.

SatsimError                    exit code 1: a failure while running
├── InputError                 exit code 2: something the user can mend
│   ├── ScenarioError          a scenario's key (or the file itself) is wrong
│   ├── TraceError             a recorded trace cannot be read
│   └── RunFolderError         a run folder cannot be written or read
├── Unwritable                 a folder that takes no more files
├── PacketizeError             stages that cannot be put into packets
└── PacketError                bytes that are no packet of ours
    ├── ShortPacket
    ├── BadMagic
    ├── UnknownVersion
    ├── BadCrc
    └── BadField
"""

from pathlib import Path


class SatsimError(Exception):
    """A failure while running."""

    exit_code = 1


class InputError(SatsimError):
    """Something that the user can mend; the message says what was found and what is allowed."""

    exit_code = 2


class ScenarioError(InputError):
    """A scenario that cannot be run, one line a fault: file, key, what was found, what is allowed."""

    def __init__(
        self, file: str, key: str, found: str, allowed: str, others: "tuple[ScenarioError, ...]" = ()
    ) -> None:
        """`file` may also be a command-line override; `key` is dotted, or empty for the file as a whole."""
        self.file, self.key, self.found, self.allowed, self.others = file, key, found, allowed, others
        where = f"{file}: {key}" if key else file
        first = f"{where}: found {found}; allowed: {allowed}"
        super().__init__("\n".join([first, *(str(other) for other in others)]))


class TraceError(InputError):
    """A trace that cannot be read: file, line, what was found, what is allowed."""


class RunFolderError(InputError):
    """A run folder that cannot be written or read."""


class Unwritable(SatsimError):
    """A folder that takes no more files: a full disk, or closed."""

    def __init__(self, folder: Path, reason: str) -> None:
        """`reason` as the system has it."""
        super().__init__(f"{folder}: cannot be written: {reason}")
        self.reason = reason


class PacketizeError(SatsimError):
    """Stages that cannot be put into packets of the link's payload."""


class PacketError(SatsimError):
    """Bytes that are no packet of ours; every fault has its own subclass."""


class ShortPacket(PacketError):
    """Fewer bytes than the header has."""


class BadMagic(PacketError):
    """The first byte is not ours."""


class UnknownVersion(PacketError):
    """A header version that this program does not know."""


class BadCrc(PacketError):
    """The check sum does not match: damaged, cut or lengthened on the way."""


class BadField(PacketError):
    """A header field with a value outside its range, or one that contradicts another."""

    @classmethod
    def check(cls, name: str, value: int, low: int, high: int) -> None:
        """Raise it unless the value is within low..high."""
        if not low <= value <= high:
            allowed = f"{low} to {high}" if low < high else f"{low}"
            raise cls(f"{name} is {value}; allowed: {allowed}")
