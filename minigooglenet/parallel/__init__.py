"""One pool of threads for all work: `parallel_for` cuts a range, and every thread does one part.

Two pools of threads on the same cores cost a factor of ten or more: each waits for the other. So there is one pool
here, its tasks run serial kernels, and BLAS (which brings a pool of its own) is held to one thread while they run.

Results must not depend on the number of threads. Work that only writes its own part of the output may be cut anywhere
(`parallel_for`); a sum over the batch is cut in a way that depends on the batch only.
"""

import contextvars
import functools
import os
import sys
import threading
import weakref

from minigooglenet.parallel import affinity, blas
from minigooglenet.parallel.holds import held, undo_now, within
from minigooglenet.parallel.workers import AbandonedError, Pool, Shared
from minigooglenet.shapes import integer

__all__ = ["AbandonedError"]

_lock = threading.RLock()
_team: dict = {}  # {"work": a weak reference to what the one team does}
_inside = threading.local()
_threads: int | None = None
_pool = None
_register = (lambda: 0), (lambda state: None), 0  # until the kernels say how to read and write it


def get_num_threads() -> int:
    """Return how many threads the engine uses: `set_num_threads`, else MINIGOOGLENET_NUM_THREADS, else every core."""
    global _threads
    if _threads is None:
        given = os.environ.get("MINIGOOGLENET_NUM_THREADS", "").strip()
        if given and not (given.isascii() and given.isdigit() and int(given) > 0):
            raise ValueError(f"MINIGOOGLENET_NUM_THREADS must be a whole number of at least 1, got {given!r}")
        affinity.get_pinning()  # a wrong setting is said here, and not in the middle of a layer
        _threads = int(given) if given else affinity.allowed()
    return _threads


def set_num_threads(n: int) -> None:
    """Use `n` threads from now on. Results stay the same to the bit; only the time changes."""
    global _threads, _pool
    n = integer(n, "the number of threads", 1)
    with _lock:
        if _pool is not None and n != _threads:
            _pool.close()
            _pool = None
            affinity.forget_helpers()
        _threads = n


def flush_with(read, write, bits) -> None:
    """Take functions that read and write a thread's floating-point register, and the bits by which it flushes.

    They come from compiled code (`kernels/fast/subnormals.py`), which may never be loaded.
    """
    global _register
    _register = read, write, bits
    _compiled_register.cache_clear()


@functools.cache
def _compiled_register():
    read, write, _ = _register
    write(read())  # compiled now, and not when an interrupted thread puts its state back
    return _register


def flushing():
    """Return a context manager in which the calling thread takes subnormal numbers for zero.

    The outermost one of a thread puts the thread's state back: also after an exception, and whatever instruction an
    interrupt hits (`holds`).
    """
    hold = None
    try:
        hold = _flush()
        return within(hold)
    except BaseException:
        del hold
        raise


def flushed(function):
    """Let a function compute with subnormal numbers taken for zero: a decorator."""

    @functools.wraps(function)
    def flushing_function(*args, **kwargs):
        with flushing():
            return function(*args, **kwargs)

    return flushing_function


def _flush():
    reference = getattr(_inside, "flushing", None)
    hold = None if reference is None else reference()
    try:
        if hold is None:
            read, write, bits = _compiled_register()
            state = read()
            hold = held([functools.partial(write, state)])
            _inside.flushing = weakref.ref(hold)
            write(state | bits)
        return hold
    except BaseException:
        del hold
        raise


def computing():
    """Return a context manager in which the engine computes: one thread for BLAS, and subnormal numbers are zero.

    The outermost one of a thread puts the thread's state back, and the last one of all threads gives BLAS its threads
    back: also after an exception, and whatever instruction an interrupt hits (`holds`).
    """
    reference = getattr(_inside, "computing", None)
    hold = None if reference is None else reference()
    try:
        if hold is None:
            hold = held(give_back := [])
            hold.other = _flush(), blas.hold()
            _inside.computing = weakref.ref(hold)
            _limit_own(give_back)
        return within(hold)
    except BaseException:
        del hold
        raise


def _limit_own(give_back):
    for library, count in blas.of_this_thread():
        give_back.append(functools.partial(library.set, count))
        library.set(1)


def _begin_helper() -> None:
    affinity.begin_helper()
    _inside.helper = True
    read, write, bits = _compiled_register()
    write(read() | bits)
    _limit_own([])


def _ranges(count: int, parts: int) -> list[tuple[int, int]]:
    return [(count * i // parts, count * (i + 1) // parts) for i in range(parts)]


def parallel_for(task, count: int) -> None:
    """Call `task(start, stop)` so that the ranges cover 0 .. count, one range per thread.

    In a team every thread calls this, and each does its own range; the team waits for itself elsewhere.
    """
    place = member()
    if place is not None:
        number, size = place
        start, stop = _ranges(count, size)[number]
        if start < stop:
            task(start, stop)
        return
    run([functools.partial(task, *part) for part in _ranges(count, min(count, num_workers()))])


def num_workers() -> int:
    """Return how many threads a `parallel_for` from here would use."""
    if member() is not None:
        return member()[1]
    return 1 if getattr(_inside, "task", False) else get_num_threads()


def even(least: int, most: int, threads: int | None = None) -> int:
    """Return into how many pieces to cut work, from `least` to `most`, so that the threads here get equally many."""
    threads = threads or num_workers()
    return max(1, min(most, -(-least // threads) * threads))


def member() -> tuple[int, int] | None:
    """Return (this thread's number, how many there are) inside `as_team`, else None."""
    return getattr(_inside, "team", None)


def as_team(work, size: int, abandon=lambda: None) -> bool:
    """Call `work(number)` on `size` threads at once, which may wait for one another; raise the first error of any.

    `abandon()` is called when one of them will not come any more, so that the others stop waiting. It should be a
    function of C, which no interrupt can precede.

    Return False, with nothing done, where so many threads are not to be had: inside a task, or beside another team.
    """

    def work_as_member(number):
        try:
            _inside.team = number, size
            work(number)
        finally:
            _inside.team = None

    if getattr(_inside, "task", False) or sys.is_finalizing():
        return False
    mine = weakref.ref(work_as_member)
    try:
        holder = _team.setdefault("work", mine)
        if holder is not mine and holder() is not None:
            return False  # two teams that each hold some of the threads would wait for the others for ever
        _team["work"] = mine  # a team that was interrupted may have left without a word
        return _share([functools.partial(work_as_member, number) for number in range(size)], size, abandon)
    finally:
        if _team.get("work") is mine:
            _team.clear()


def look_after_team() -> None:
    """Let a team that waits find out that one of its threads has ended: called now and then by those who wait."""
    shared = getattr(_inside, "shared", None)
    if shared is not None:
        shared.look_after()


def alone(task) -> None:
    """Call `task()` on one thread of a team, which then does every range of its `parallel_for`."""
    place, _inside.team = member(), None
    try:
        task()
    finally:
        _inside.team = place


def run(tasks: list) -> None:
    """Run functions without arguments, on the pool where that helps, and raise the first error of any.

    The calling thread takes its share of the tasks, so that only the other threads need waking. After an error the
    other tasks still run, but not after Ctrl-C, an exit or another exception that is not an `Exception`.
    """
    if len(tasks) < 2 or get_num_threads() == 1 or getattr(_inside, "task", False) or sys.is_finalizing():
        with computing():
            for task in tasks:
                task()
    else:
        _share(tasks)


def _share(tasks, least=1, abandon=lambda: None):
    """Run tasks on all threads and return True; or return False if there are fewer than `least`."""
    shared = Shared(tasks, abandon, _inside)
    with computing():
        known = blas.libraries()
        with affinity.pinned():
            try:
                with _lock:  # so that nobody closes the pool between two of them
                    pool = shared.pool = _the_pool()
                    helpers = min(len(tasks) - 1, len(pool.threads))
                    if helpers + 1 < least:
                        return False
                    for _ in range(helpers):
                        # Each helper sees the caller's np.errstate, which NumPy keeps in the context.
                        pool.jobs.put((contextvars.copy_context(), shared))
                _inside.shared = shared
                shared.work()
            except BaseException:  # Ctrl-C
                abandon()
                raise
            finally:
                _inside.shared = None
                try:
                    shared.end()  # nothing runs on after the call
                finally:
                    shared.end()  # not after Ctrl-C either
    if affinity.is_pinned() and blas.libraries() is not known:
        blas.correct(known, affinity.allowed())
    shared.raise_errors()
    return True


def _the_pool() -> Pool:
    global _pool
    if _pool is None:
        _pool = Pool(max(1, get_num_threads() - 1), _begin_helper)
        _pool.fill()
    elif _pool.dead:
        _pool.fill()
    return _pool


def _start_anew() -> None:
    # A forked child inherits the pool but none of its threads, perhaps a lock that nobody will release, and the state
    # of threads that are not there to put it back.
    global _pool, _lock
    _pool, _lock = None, threading.RLock()
    _team.clear()
    undo_now(getattr(_inside, "computing", None))
    undo_now(getattr(_inside, "flushing", None))
    if getattr(_inside, "helper", False):  # one of the engine's threads has forked
        read, write, bits = _register
        write(read() & ~bits)
    affinity.start_in_child()
    blas.start_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)
