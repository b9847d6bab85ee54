"""The number of threads, the worker threads, and how tasks are distributed to them."""

import contextvars
import os
import queue
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from minigooglenet.parallel import affinity, blas, spinning
from minigooglenet.parallel.regions import compute_for_good, computing
from minigooglenet.parallel.state import POOL, THREAD
from minigooglenet.parallel.tasks import Tasks, is_running
from minigooglenet.shapes import integer

SECONDS_TO_START = 2  # a thread that has not started by then counts as ended


def get_num_threads() -> int:
    """Return the number of threads that the engine uses.

    It is the value of `set_num_threads`, else of the environment variable MINIGOOGLENET_NUM_THREADS, else the number of
    cores that this process may use.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> mg.get_num_threads() >= 1
    True
    """
    if POOL.num_threads is None:
        given = os.environ.get("MINIGOOGLENET_NUM_THREADS", "").strip()
        if given and not (given.isascii() and given.isdigit() and int(given) > 0):
            raise ValueError(f"MINIGOOGLENET_NUM_THREADS must be an integer of at least 1, got {given!r}")
        affinity.get_pinning(), spinning.get_spinning()  # report a wrong setting here, not in the middle of a layer
        POOL.num_threads = int(given) if given else affinity.allowed()
    threads: int = POOL.num_threads
    return threads


def set_num_threads(n: int) -> None:
    """Use `n` threads from now on. Results are bit-identical for every number of threads; only the time changes.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> before = mg.get_num_threads()
    >>> mg.set_num_threads(1)
    >>> mg.get_num_threads()
    1
    >>> mg.set_num_threads(before)
    """
    n = integer(n, "the number of threads", 1)
    with POOL.lock:
        if POOL.workers is not None and n != POOL.num_threads:
            POOL.workers.close()
            POOL.workers = None
            POOL.worker_ids.clear()
        POOL.num_threads = n


def run(tasks: Sequence[Callable[[], object]]) -> None:
    """Run functions without arguments on all threads, and raise the first error.

    The calling thread runs tasks too, so that only the other threads must be woken. After an error the remaining tasks
    still run, unless the exception is Ctrl-C, an exit, or anything else that is not an `Exception`.
    """
    if len(tasks) < 2 or get_num_threads() == 1 or THREAD.task or sys.is_finalizing():
        with computing():
            for task in tasks:
                task()
    else:
        distribute(tasks)


def distribute(functions, least=1, abandon=lambda: None) -> bool:
    """Run functions on all threads and return True; return False if fewer than `least` threads are available."""
    tasks = Tasks(functions, abandon)
    with computing():
        known = blas.libraries()
        with affinity.pinned():
            try:
                with POOL.lock:  # so that no one closes the job queue between two jobs
                    workers = tasks.workers = _the_workers()
                    count = min(len(functions) - 1, len(workers.threads))
                    if count + 1 < least:
                        return False
                    for _ in range(count):
                        # Workers use the caller's np.errstate, which NumPy stores in the context.
                        workers.jobs.put((contextvars.copy_context(), tasks))
                    workers.signals.begun[0] += 1
                THREAD.tasks = tasks
                tasks.work()
            except BaseException:  # Ctrl-C
                abandon()
                raise
            finally:
                THREAD.tasks = None
                try:
                    tasks.end()  # no task runs after this call returns
                finally:
                    tasks.end()  # not even after Ctrl-C
    if affinity.is_pinned() and blas.libraries() is not known:
        blas.correct(known, affinity.allowed())
    tasks.raise_errors()
    return True


def _the_workers():
    if POOL.workers is None:
        POOL.workers = Workers(max(1, get_num_threads() - 1))
        POOL.workers.fill()
    elif POOL.workers.dead:
        POOL.workers.fill()
    return POOL.workers


def _begin_worker():
    affinity.begin_worker()
    compute_for_good()


class _Started(threading.Event):
    """The event that `Thread.start` waits for, with a timeout: a thread may be ended before it begins."""

    def wait(self, timeout=None):
        return super().wait(SECONDS_TO_START if timeout is None else timeout)


class Workers:
    """`size` worker threads, which wait for jobs (context, tasks) until the pool is closed."""

    def __init__(self, size):
        self.size = size
        self.jobs: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.signals = spinning.Signals()
        self.threads: list[threading.Thread] = []
        self.dead: deque[BaseException] = deque()
        self.started = 0

    def fill(self) -> bool:
        """Start threads until `size` threads run, or the system allows no more; return whether all of them run."""
        self.dead.clear()
        self.threads = list(filter(is_running, self.threads))
        while len(self.threads) < self.size:
            name, rank = f"minigooglenet_{self.started}", self.started % self.size
            thread = threading.Thread(target=self._serve, args=(rank,), name=name, daemon=True)
            thread._started = _Started()  # type: ignore[attr-defined]
            self.started += 1
            try:
                thread.start()
            except (RuntimeError, MemoryError):
                return False  # fewer threads do the work
            self.threads.append(thread)
        return True

    def _serve(self, rank):
        try:
            _begin_worker()
            while (job := self._next_job(rank)) is not None:
                context, tasks = job
                context.run(tasks.run_in_worker)
                del job, context, tasks  # free their memory while this thread waits
            self.jobs.put(None)  # so that the next thread ends too
        except BaseException as error:
            self.dead.append(error)
            raise

    def _next_job(self, rank):
        """Return the next job, or None if this thread should end. For a short time, wait for it without sleeping."""
        while True:
            seen = int(self.signals.begun[0])
            try:
                return self.jobs.get_nowait()
            except queue.Empty:
                if not self.signals.wait_for_job(seen, rank):
                    return self.jobs.get()

    def close(self):
        """Let all threads end, including one that is not in the list because its start was interrupted."""
        self.jobs.put(None)
