"""What is slow to compute, kept in a folder: a file each, named by the digest of all that it depends on."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from progic.replacing import replacing

Key = Mapping[str, object]  # what a value depends on; plain data


def digest_of(key: Key) -> str:
    """The sha256 of plain data, 64 hex digits; the order of keys does not count."""
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()


class Kept:
    """A folder of values that were computed once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, key: Key, compute: Callable[[], object]) -> Any:
        """Return the value kept for `key`, as JSON gives it back, or compute and keep it."""
        path = self.folder / f"{digest_of(key)}.json"
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):  # none yet, or not whole
            content = None
        if content is not None:
            return content
        text = json.dumps(compute())
        self.folder.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial:
            partial.write_text(text, encoding="utf-8")
        return json.loads(text)
