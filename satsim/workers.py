"""Where the points of a sweep are worked on: processes of this machine, or a dask cluster."""

import multiprocessing
import os
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager

from progic.heap import keep_freed_memory
from satsim.errors import InputError, SatsimError

CONNECT_S = 10
RETRIES = 3  # of a point whose worker has died


@contextmanager
def local_workers(jobs: int) -> Iterator[Executor]:
    """Hand out `jobs` processes of this machine; spawned, since torch's threads do not outlive a fork."""
    executor = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _begin)
    try:
        yield executor
    except KeyboardInterrupt:
        executor.shutdown(
            wait=False, cancel_futures=True
        )  # first, else those of ended workers are failed twice
        for worker in multiprocessing.active_children():  # else their tasks in hand would be waited for
            worker.terminate()
        raise
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


def _begin() -> None:
    """Start a worker, which ends when the command is killed: it would wait for its next task for ever."""
    keep_freed_memory()
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def dask_workers(address: str) -> Iterator[Executor]:
    """Hand out a dask cluster, such as `tcp://10.0.0.5:8786`; a point whose worker dies goes to another.

    Its workers need this package and must see the photo at the same path. Raises InputError without dask,
    and SatsimError where no scheduler answers.
    """
    try:
        from distributed import Client
    except ImportError:
        allowed = "a cluster's address after pip install 'progic-satsim[dask]'"
        raise InputError(f"--dask: found {address} but no distributed; allowed: {allowed}") from None
    try:
        client = Client(address, timeout=CONNECT_S, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise SatsimError(f"--dask: no scheduler answers at {address}: {error}") from None
    with client:
        executor: Executor = client.get_executor(pure=False, retries=RETRIES)  # type: ignore[no-untyped-call]
        yield executor
