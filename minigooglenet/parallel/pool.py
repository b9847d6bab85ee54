"""How many threads compute; the workers, which are the engine's own threads; and how tasks are shared with them."""

import contextvars
import os
import queue
import sys
import threading
from collections import deque

from minigooglenet.parallel import affinity, blas
from minigooglenet.parallel.regions import compute_for_good, computing
from minigooglenet.parallel.state import POOL, THREAD
from minigooglenet.parallel.tasks import Tasks, is_running
from minigooglenet.shapes import integer

SECONDS_TO_START = 2  # after which a thread that has not begun counts as ended


def get_num_threads() -> int:
    """Return how many threads the engine uses: `set_num_threads`, else MINIGOOGLENET_NUM_THREADS, else every core."""
    if POOL.num_threads is None:
        given = os.environ.get("MINIGOOGLENET_NUM_THREADS", "").strip()
        if given and not (given.isascii() and given.isdigit() and int(given) > 0):
            raise ValueError(f"MINIGOOGLENET_NUM_THREADS must be a whole number of at least 1, got {given!r}")
        affinity.get_pinning()  # a wrong setting is said here, and not in the middle of a layer
        POOL.num_threads = int(given) if given else affinity.allowed()
    return POOL.num_threads


def set_num_threads(n: int) -> None:
    """Use `n` threads from now on. Results stay the same to the bit; only the time changes."""
    n = integer(n, "the number of threads", 1)
    with POOL.lock:
        if POOL.workers is not None and n != POOL.num_threads:
            POOL.workers.close()
            POOL.workers = None
            POOL.worker_ids.clear()
        POOL.num_threads = n


def run(tasks: list) -> None:
    """Run functions without arguments, on all threads where that helps, and raise the first error of any.

    The calling thread takes its share of the tasks, so that only the other threads need waking. After an error the
    other tasks still run, but not after Ctrl-C, an exit or another exception that is not an `Exception`.
    """
    if len(tasks) < 2 or get_num_threads() == 1 or THREAD.task or sys.is_finalizing():
        with computing():
            for task in tasks:
                task()
    else:
        share(tasks)


def share(functions, least=1, abandon=lambda: None) -> bool:
    """Run functions on all threads and return True; or return False if there are fewer than `least`."""
    tasks = Tasks(functions, abandon)
    with computing():
        known = blas.libraries()
        with affinity.pinned():
            try:
                with POOL.lock:  # so that nobody closes the queue of jobs between two of them
                    workers = tasks.workers = _the_workers()
                    count = min(len(functions) - 1, len(workers.threads))
                    if count + 1 < least:
                        return False
                    for _ in range(count):
                        # Each worker sees the caller's np.errstate, which NumPy keeps in the context.
                        workers.jobs.put((contextvars.copy_context(), tasks))
                THREAD.tasks = tasks
                tasks.work()
            except BaseException:  # Ctrl-C
                abandon()
                raise
            finally:
                THREAD.tasks = None
                try:
                    tasks.end()  # nothing runs on after the call
                finally:
                    tasks.end()  # not after Ctrl-C either
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
    """What `Thread.start` waits for: not for ever, if a thread is ended before it begins."""

    def wait(self, timeout=None):
        return super().wait(SECONDS_TO_START if timeout is None else timeout)


class Workers:
    """As many threads as `size`, which wait for jobs (context, tasks) until they are told to go."""

    def __init__(self, size):
        self.size = size
        self.jobs, self.threads, self.dead = queue.SimpleQueue(), [], deque()
        self.started = 0

    def fill(self) -> bool:
        """Start threads until there are `size`, or as many as the system gives; return whether all are there."""
        self.dead.clear()
        self.threads = list(filter(is_running, self.threads))
        while len(self.threads) < self.size:
            thread = threading.Thread(target=self._serve, name=f"minigooglenet_{self.started}", daemon=True)
            thread._started = _Started()
            self.started += 1
            try:
                thread.start()
            except (RuntimeError, MemoryError):
                return False  # fewer do the work
            self.threads.append(thread)
        return True

    def _serve(self):
        try:
            _begin_worker()
            while (job := self.jobs.get()) is not None:
                context, tasks = job
                context.run(tasks.help)
                del job, context, tasks  # what they hold is freed while this thread waits
            self.jobs.put(None)  # for the next thread
        except BaseException as error:
            self.dead.append(error)
            raise

    def close(self):
        """Let all threads end, also one that nobody knows of because its start was interrupted."""
        self.jobs.put(None)
