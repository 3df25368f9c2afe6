"""What a request brings in its body, a photo and after it perhaps a trace, as files of bounded size."""

import os
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request

from satsim.errors import InputError
from satsim.submission import PHOTO, TRACE

MAX_UPLOAD_BYTES = 30_000_000
MAX_TRACE_BYTES = 2_000_000  # a hundred thousand outcomes; satsim.trace would read eight times as many


async def receive(request: Request, folder: Path) -> None:
    """Write the body into `folder`; its last `trace_bytes`, a number in the query, are the trace.

    Raises InputError for a number that cannot be, HTTPException for too large a photo.
    """
    n_trace_bytes = _trace_bytes(request.query_params.get("trace_bytes", "0"))
    n_bytes = 0
    with (folder / PHOTO).open("w+b") as photo:
        async for chunk in request.stream():
            n_bytes += len(chunk)
            if n_bytes > MAX_UPLOAD_BYTES + n_trace_bytes:
                allowed = f"at most {MAX_UPLOAD_BYTES // 1_000_000} MB"
                raise HTTPException(413, f"photo: found a larger file; allowed: {allowed}")
            photo.write(chunk)
        if n_trace_bytes > n_bytes:
            raise InputError(f"trace_bytes: found {n_trace_bytes}; allowed: at most the body's {n_bytes}")
        photo.seek(-n_trace_bytes, os.SEEK_END)
        (folder / TRACE).write_bytes(photo.read())
        photo.seek(-n_trace_bytes, os.SEEK_END)
        photo.truncate()


def _trace_bytes(text: str) -> int:
    found = int(text) if text.isdecimal() and len(text) <= 12 else -1
    if not 0 <= found <= MAX_TRACE_BYTES:
        raise InputError(f"trace: found {text[:12]!r} bytes; allowed: at most {MAX_TRACE_BYTES}")
    return found
