"""The web server behind `satsim serve`: one page, runs by random names, progress as server-sent events.

No path comes from a request: runs are found by their names in a table, pictures by their number.
"""

import asyncio
import json
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from progic.errors import ImageError
from progic.images import check_photo
from progic.limits import MAX_PIXELS
from satsim.complaints import cut
from satsim.errors import InputError, RunFolderError
from satsim.intake import check_scenario
from satsim.playback import playback_of
from satsim.run_queue import Job, QueueFullError, RunQueue
from satsim.rundir import REPORT, SCENARIO, Run, picture_files, read_run
from satsim.safe_headers import SafeHeaders
from satsim.settings import BUILT_IN_SCHEMES, Metric
from satsim.submission import (
    FILE,
    MAX_LISTED,
    MOST_OTHERS,
    PHOTO,
    REPAIRS,
    SEARCHES,
    SIDES_PX,
    preset_choices,
    scenario_of,
)
from satsim.units import HEADER_BYTES
from satsim.upload import MAX_TRACE_BYTES, MAX_UPLOAD_BYTES, receive
from satsim.viewer_page import served_page
from satsim.wording import scheme_label

POLL_S, KEEP_ALIVE_POLLS = 0.2, 75  # a stream without news for 15 s says that it lives


@dataclass(frozen=True)
class Server:
    """What all requests share."""

    queue: RunQueue
    inboxes: Path  # where uploads wait, a folder each
    metrics: tuple[Metric, ...]
    first: str | None  # the run that the page opens with


def app_of(server: Server, hosts: Sequence[str]) -> Starlette:
    """Return the application; it answers only requests for one of `hosts`, "*" for any."""
    app = Starlette(
        routes=[
            Route("/", page),
            Mount("/static", StaticFiles(packages=[("satsim", "viewer")])),
            Route("/runs", submit, methods=["POST"]),
            Route("/runs/{name}/progress", progress),
            Route("/runs/{name}/cancel", cancel, methods=["POST"]),
            Route("/runs/{name}/playback.json", playback),
            Route("/runs/{name}/pictures/{number}.png", picture),
            Route("/runs/{name}/folder.zip", folder),
            Route("/runs/{name}/scenario.yaml", scenario),
            Route("/runs/{name}/report.html", report),
        ],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False),
            Middleware(SafeHeaders),
        ],
        exception_handlers={HTTPException: _http_error, InputError: _input_error, OSError: _os_error},
    )
    app.state.server, app.state.is_ending = server, lambda: False
    return app


def listen(app: Starlette, listener: socket.socket) -> None:
    """Serve on a bound socket until a signal ends it."""
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    app.state.is_ending = lambda: server.should_exit  # else streams would be cut, each with a traceback
    server.run(sockets=[listener])


async def page(request: Request) -> Response:
    """The page, with what its form offers."""
    given = {
        "first": _server(request).first,
        "presets": preset_choices(),
        "repairs": {name: text for name, (text, _) in REPAIRS.items()},
        "schemes": {name: scheme_label(name) for name in BUILT_IN_SCHEMES},
        "sides_px": SIDES_PX,
        "searches": SEARCHES,
        "header_bytes": HEADER_BYTES,
        "max_mb": MAX_UPLOAD_BYTES // 1_000_000,
        "max_trace_mb": MAX_TRACE_BYTES // 1_000_000,
        "max_listed": MAX_LISTED,
        "most_others": MOST_OTHERS,
        "max_megapixels": MAX_PIXELS // 1_000_000,
    }
    return HTMLResponse(served_page(given))


async def submit(request: Request) -> Response:
    """Take photo and trace (the body) and the form's fields (the query); answer 202 and the run's name."""
    _check_origin(request)
    server = _server(request)
    inbox = Path(tempfile.mkdtemp(dir=server.inboxes))
    try:
        await receive(request, inbox)
        name = await run_in_threadpool(_queued, server, request, inbox)
    except BaseException as error:
        shutil.rmtree(inbox, ignore_errors=True)
        if isinstance(error, ClientDisconnect):
            return Response(status_code=499)  # nobody is there to read it
        if isinstance(error, InputError | ImageError) and not isinstance(error, QueueFullError):
            raise InputError(_without(inbox, str(error))) from None
        raise
    return JSONResponse({"id": name}, status_code=202)


def _check_origin(request: Request) -> None:
    """Refuse what another site's page sends through the viewer's browser."""
    origin = request.headers.get("origin")
    if origin is not None and _host_of(origin) != request.headers.get("host"):
        raise HTTPException(403, f"found a request from {origin}; allowed: from this page")


def _host_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:  # no address at all
        return ""


def _queued(server: Server, request: Request, inbox: Path) -> str:
    check_photo(inbox / PHOTO)
    fields, schemes = dict(request.query_params), request.query_params.getlist("scheme")
    asked = scenario_of(fields, schemes, server.metrics, inbox)
    (inbox / PHOTO).rename(asked.image.path)
    check_scenario(asked, str(inbox / FILE))
    return server.queue.submit(asked, str(inbox / FILE), inbox)


def _without(inbox: Path, text: str) -> str:
    return text.replace(f"{inbox / FILE}: ", "").replace(f"{inbox}/", "")


async def progress(request: Request) -> Response:
    """The run's status as server-sent events, until it or the server ends; a closed page ends none."""
    stream = _statuses(_job(request), request.app.state.is_ending)
    return StreamingResponse(stream, media_type="text/event-stream", headers={"cache-control": "no-store"})


async def _statuses(job: Job, is_ending: Callable[[], bool]) -> AsyncIterator[str]:
    said, n_silent = None, 0
    while not is_ending():
        status = job.status
        if status != said:
            yield f"data: {json.dumps(status._asdict())}\n\n"
            said, n_silent = status, 0
        if status.state not in ("waiting", "running"):
            return
        await asyncio.sleep(POLL_S)
        n_silent += 1
        if n_silent % KEEP_ALIVE_POLLS == 0:
            yield ": still here\n\n"


async def cancel(request: Request) -> Response:
    """End a run."""
    _check_origin(request)
    _job(request)
    _server(request).queue.cancel(request.path_params["name"])
    return JSONResponse({}, status_code=202)


def playback(request: Request) -> Response:
    """The run as the viewer plays it back."""
    run = _run(request)
    numbers = {file: number for number, file in enumerate(picture_files(run))}
    name = request.path_params["name"]
    return JSONResponse(playback_of(run, lambda file: f"/runs/{name}/pictures/{numbers[file]}.png"))


def picture(request: Request) -> Response:
    """A picture of the run by its number; 0 is the original."""
    files = picture_files(_run(request))
    number = request.path_params["number"]
    file = {str(each): file for each, file in enumerate(files)}.get(number)
    if file is None:  # compared as texts: Python reads no number of more than 4300 digits
        raise HTTPException(404, f"found picture {cut(number)}; allowed: 0 to {len(files) - 1}")
    return _drawn(file, "run", {"cache-control": "private, max-age=86400"})


def folder(request: Request) -> Response:
    """The run folder as a zip file."""
    run = _run(request)
    workplace = tempfile.mkdtemp(dir=_server(request).inboxes)
    remove = BackgroundTask(shutil.rmtree, workplace, ignore_errors=True)
    try:
        file = shutil.make_archive(f"{workplace}/run", "zip", run.folder)
    except OSError:
        shutil.rmtree(workplace, ignore_errors=True)
        raise
    return FileResponse(file, filename=f"{run.scenario.name}.zip", background=remove)


def scenario(request: Request) -> Response:
    """The resolved scenario."""
    run = _run(request)
    return FileResponse(run.folder / SCENARIO, filename=f"{run.scenario.name}.yaml")


def report(request: Request) -> Response:
    """The run's report, which brings its own rules of what it may load: nothing."""
    file = _done(request).folder / REPORT
    rules = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
    return _drawn(file, "report", {"content-security-policy": rules})


def _drawn(file: Path, command: str, headers: dict[str, str]) -> Response:
    if not file.is_file():
        raise HTTPException(
            404, f"found no {file.name} in the run folder; allowed: one that satsim {command} drew"
        )
    return FileResponse(file, headers=headers)


def _server(request: Request) -> Server:
    server: Server = request.app.state.server
    return server


def _job(request: Request) -> Job:
    job = _server(request).queue.find(request.path_params["name"])
    if job is None:
        raise HTTPException(404, "found no run of this name; allowed: one that this server has made")
    return job


def _done(request: Request) -> Job:
    job = _job(request)
    if job.status.state != "done":
        raise HTTPException(409, f"found a run that is {job.status.state}; allowed: one that is done")
    return job


def _run(request: Request) -> Run:
    folder = _done(request).folder
    try:
        return read_run(folder)
    except RunFolderError as error:  # without where the server keeps it
        raise HTTPException(404, str(error).replace(f"{folder}", "the run folder")) from None


def _answer(code: int, text: str) -> Response:
    return JSONResponse({"error": text}, status_code=code)


def _http_error(request: Request, error: Any) -> Response:
    return _answer(error.status_code, error.detail)


def _input_error(request: Request, error: Exception) -> Response:
    return _answer(503 if isinstance(error, QueueFullError) else 422, str(error))


def _os_error(request: Request, error: Any) -> Response:
    return _answer(507, f"the server's disk: {error.strerror or error}")
