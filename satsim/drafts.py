"""Files of results, put in their place together once all of them are whole."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from satsim.errors import Unwritable

PREFIX = ".draft-"


@contextmanager
def drafted(target: Path) -> Iterator[Path]:
    """Yield a folder to write files into, which then take their places in `target`.

    Raises Unwritable, such as of a full disk: what was in `target` is as it was.
    """
    try:
        with TemporaryDirectory(prefix=PREFIX, dir=target) as name:
            yield Path(name)
            for file in sorted(Path(name).iterdir()):
                file.replace(target / file.name)
    except OSError as error:
        if error.strerror is None or PREFIX not in str(error.filename or PREFIX):
            raise  # of another file, which could not be read
        raise Unwritable(target, error.strerror) from None
