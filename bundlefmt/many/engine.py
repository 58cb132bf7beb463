# SPDX-License-Identifier: Apache-2.0
"""Who judges: processes of this machine, of Dask, or of Ray; one call, `submit`, returns a future."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import connection
from typing import Any, Final, Protocol

from bundlefmt.many.extra import extra
from bundlefmt.many.work import Done, Task, Terms, work

ENGINES: Final = ("local", "dask", "ray")
_STORE: Final = 2**27  # bytes of memory that Ray shares: what is demanded goes through it, and lines
_given: list[Terms] = []  # in a process of the pool: what it judges under, sent once


class Engine(Protocol):
    """`jobs` groups are worked on at a time; a future that raises one of `deaths` lost its process."""

    jobs: int
    deaths: tuple[type[BaseException], ...]

    def submit(self, tasks: Sequence[Task]) -> Future[list[Done]]: ...

    def restart(self) -> None:
        """After a death: ready for the next group."""


class Here:
    """This process: what one job needs no other for."""

    jobs = 1
    deaths: tuple[type[BaseException], ...] = ()

    def __init__(self, terms: Terms) -> None:
        self.terms = terms

    def submit(self, tasks: Sequence[Task]) -> Future[list[Done]]:
        done: Future[list[Done]] = Future()
        done.set_result(work(self.terms, tasks))
        return done

    def restart(self) -> None:
        """Nothing dies here but with the whole process."""


class Processes:
    """A pool of processes. They are made by a clean one: this has threads, and perhaps a terminal."""

    deaths: tuple[type[BaseException], ...] = (BrokenExecutor,)

    def __init__(self, terms: Terms, jobs: int) -> None:
        self.terms = terms
        self.jobs = jobs
        self.pool = self._new()

    def _new(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([work.__module__])
        return ProcessPoolExecutor(self.jobs, mp_context=context, initializer=_begin, initargs=(self.terms,))

    def submit(self, tasks: Sequence[Task]) -> Future[list[Done]]:
        return self.pool.submit(_work_given, tasks)

    def restart(self) -> None:
        self.pool.shutdown(wait=False, cancel_futures=True)
        self.pool = self._new()


def _begin(terms: Terms) -> None:
    """A process of the pool begins: interrupts are its parent's to handle, and with it, it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()  # what is loaded stays: it is not looked through for garbage with every bundle
    _given[:] = [terms]
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _work_given(tasks: Sequence[Task]) -> list[Done]:
    return work(_given[0], tasks)


class Dask:
    """Workers of Dask distributed: those of the scheduler at `address`, else processes of this machine."""

    def __init__(self, terms: Terms, jobs: int, address: str | None) -> None:
        distributed = extra("distributed", "dask", "--engine dask")
        self.deaths: tuple[type[BaseException], ...] = (distributed.KilledWorker, CancelledError)
        if address is None:
            self.cluster = distributed.LocalCluster(
                n_workers=jobs, threads_per_worker=1, dashboard_address=None, silence_logs="ERROR"
            )
        else:
            self.cluster = None
        self.client = distributed.Client(self.cluster or address)
        self.jobs = jobs if address is None else sum(self.client.nthreads().values())
        self._terms = terms
        self.restart()
        self.executor = self.client.get_executor(pure=False)

    def submit(self, tasks: Sequence[Task]) -> Future[list[Done]]:
        future: Future[list[Done]] = self.executor.submit(work, self.terms, tasks)
        return future

    def restart(self) -> None:
        """Dask puts another worker in its place, but what was sent once may have been lost with the first."""
        self.terms = self.client.scatter(self._terms, broadcast=True)

    def close(self) -> None:
        self.client.close()
        if self.cluster is not None:
            self.cluster.close()


class Ray:
    """Workers of Ray: those of the cluster at `address`, else processes of this machine."""

    def __init__(self, terms: Terms, jobs: int, address: str | None) -> None:
        # Ray tells its makers of each start unless it is told not to
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        self.ray: Any = extra("ray", "ray", "--engine ray")
        crashed, out_of_memory = self.ray.exceptions.WorkerCrashedError, self.ray.exceptions.OutOfMemoryError
        self.deaths: tuple[type[BaseException], ...] = (crashed, out_of_memory)
        own = (
            {"num_cpus": jobs, "include_dashboard": False, "object_store_memory": _STORE}
            if address is None
            else {"address": address}
        )
        self.ray.init(**own, log_to_driver=False, logging_level="ERROR")
        self.jobs = jobs if address is None else int(self.ray.cluster_resources().get("CPU", jobs))
        self.terms = self.ray.put(terms)
        self.work = self.ray.remote(work)

    def submit(self, tasks: Sequence[Task]) -> Future[list[Done]]:
        future: Future[list[Done]] = self.work.remote(self.terms, list(tasks)).future()
        return future

    def restart(self) -> None:
        """Ray has put another worker in its place."""

    def close(self) -> None:
        self.ray.shutdown()


@contextmanager
def started(name: str, terms: Terms, jobs: int, address: str | None = None) -> Iterator[Engine]:
    """The engine of this name, ended when this ends. Raises MissingExtraError; OSError where none answers."""
    if name != "local":
        distant = (Dask if name == "dask" else Ray)(terms, jobs, address)
        try:
            yield distant
        finally:
            distant.close()
    elif jobs == 1:
        yield Here(terms)
    else:
        local = Processes(terms, jobs)
        try:
            yield local
        finally:
            local.pool.shutdown(wait=True, cancel_futures=True)
