"""Where the points of a sweep are worked on: processes of this machine, or a dask cluster."""

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError, Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from urllib.parse import urlsplit

from progic.heap import keep_freed_memory
from satsim.errors import InputError, SatsimError

CONNECT_S = 10
DASK_SCHEMES = ("tcp", "tls", "ucx", "ws", "wss")
GRACE_S = 2
RETRIES = 3  # of a point whose worker has died


@contextmanager
def local_workers(jobs: int | None) -> Iterator[Executor]:
    """Hand out `jobs` processes of this machine, or one a core, each begun when there is work for it.

    Spawned, since torch's threads do not outlive a fork.
    """
    executor = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _begin)
    results = executor._result_queue
    try:
        yield executor
    except KeyboardInterrupt:
        executor.shutdown(wait=False, cancel_futures=True)  # first: no job is begun after one is ended
        _end(multiprocessing.active_children())  # else their tasks in hand would be waited for
        results._writer.close()  # type: ignore[attr-defined]  # else half a result would be waited for
        raise
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


def _end(workers: Sequence[BaseProcess]) -> None:
    """End workers, after a moment in which they end the programs that they have started."""
    for worker in workers:
        worker.terminate()
    until_s = time.monotonic() + GRACE_S
    for worker in workers:
        worker.join(max(0, until_s - time.monotonic()))
        worker.kill()


def _begin() -> None:
    """Start a worker, which ends when the command is killed: it would wait for its next task for ever."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C comes to all; the command ends its workers
    keep_freed_memory()
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    # last: before it has begun a worker ends without a word, and not in a traceback of what begins it
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))


@contextmanager
def dask_workers(address: str) -> Iterator[Executor]:
    """Hand out a dask cluster, such as `tcp://10.0.0.5:8786`; a point whose worker dies goes to another.

    Its workers need this package and must see the photo at the same path. Raises InputError without dask or
    for what is no address, and SatsimError where no scheduler answers or the cluster is lost.
    """
    _check_address(address)
    try:
        from distributed import Client, KilledWorker
    except ImportError:
        allowed = "a cluster's address after pip install 'progic-satsim[dask]'"
        raise InputError(f"--dask: found {address} but no distributed; allowed: {allowed}") from None
    try:
        client = Client(address, timeout=CONNECT_S, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise SatsimError(f"--dask: no scheduler answers at {address}: {error}") from None
    with client:
        executor: Executor = client.get_executor(pure=False, retries=RETRIES)  # type: ignore[no-untyped-call]
        try:
            yield executor
        except (KilledWorker, CancelledError) as error:
            lost = "the scheduler, or too many workers at one point,"
            go_on = "what is done so far is kept, and the same command goes on from there"
            raise SatsimError(f"--dask: {lost} at {address} ended; {go_on}") from error


def _check_address(address: str) -> None:
    try:
        parts = urlsplit(address if "://" in address else f"tcp://{address}")
        known = parts.scheme in DASK_SCHEMES and parts.hostname and parts.port
    except ValueError:  # of the port
        known = False
    if not known:
        raise InputError(f"--dask: found {address or 'nothing'}; allowed: tcp://HOST:PORT")
