"""One way to spread work over cores.

Two pools of threads on the same cores cost a factor of ten or more: each waits for the other. So there is one pool
here, its tasks run serial kernels, and BLAS (which brings a pool of its own) is held to one thread while they run.

Results must not depend on the number of threads. Work that only writes its own part of the output may be cut anywhere
(`spread`); a sum over the batch runs over parts whose number depends on the batch alone (`fixed_parts`).
"""

import collections
import contextlib
import contextvars
import ctypes
import functools
import os
import queue
import threading
from dataclasses import dataclass, field

import threadpoolctl

from minigooglenet import inherited
from minigooglenet.shapes import integer

MOST_PARTS = 16  # a sum over the batch is cut into at most so many parts, which bounds its memory and its parallelism

_lock = threading.RLock()
_team: dict = {}  # {"work": what the one team does}: taken and given back in one step, whatever interrupts
_inside = threading.local()
_threads: int | None = None
_pool = None
_regions = None
_helpers: set[int] = set()  # the threads of the pool, as the system numbers them
_caller: tuple[int, set[int]] | None = None  # the processor that they keep away from, and all that there are


def get_num_threads() -> int:
    """Return how many threads the engine uses: `set_num_threads`, else MINIGOOGLENET_NUM_THREADS, else every core."""
    global _threads
    if _threads is None:
        given = os.environ.get("MINIGOOGLENET_NUM_THREADS", "").strip()
        if given and not (given.isascii() and given.isdigit() and int(given) > 0):
            raise ValueError(f"MINIGOOGLENET_NUM_THREADS must be a whole number of at least 1, got {given!r}")
        _threads = int(given) if given else _available_cores()
    return _threads


def set_num_threads(n: int) -> None:
    """Use `n` threads from now on. Results stay the same to the bit; only the time changes."""
    global _threads, _pool
    n = integer(n, "the number of threads", 1)
    with _lock:
        if _pool is not None and n != _threads:
            _pool.close()
            _pool = None
            _helpers.clear()
        _threads = n


def _available_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@functools.cache
def _blas():
    return threadpoolctl.ThreadpoolController().select(user_api="blas")


@dataclass
class _Regions:
    """Which regions hold BLAS to one thread, and what gives it back."""

    open: set = field(default_factory=set)
    limiter: object = None


@contextlib.contextmanager
def one_blas_thread():
    """Hold BLAS to one thread inside; the outermost region gives back what was set before, after an exception too."""
    regions, region = _regions, object()
    try:
        with _lock:
            regions.open.add(region)
            if regions.limiter is None:
                _take_control()
                regions.limiter = _blas().limit(limits=1)
        yield
    finally:
        with _lock:
            regions.open.discard(region)
            if not regions.open:
                _give_back(regions)


def _give_back(regions: _Regions) -> None:
    if regions.limiter is not None:
        _take_control()
        regions.limiter.restore_original_limits()
        regions.limiter = None
        _take_control()


def _take_control() -> None:
    # threadpoolctl lets only the first thread that set a limit change it again. Here the lock decides whose turn it is.
    for library in _blas().lib_controllers:
        clear = getattr(library, "clear_controlling_thread", None)
        if clear is not None:
            clear(force=True)


def _begin_helper() -> None:
    helper = threading.get_native_id()
    _helpers.add(helper)
    _keep_away(helper)
    _limit_own_blas()


def _limit_own_blas() -> None:
    # A BLAS on OpenMP counts threads per calling thread: the pool's threads hold theirs to one for good.
    for library in _blas().lib_controllers:
        if getattr(library, "threading_layer", None) == "openmp":
            library.set_num_threads(1)


def fixed_parts(count: int) -> list[tuple[int, int]]:
    """Cut `count` items into ranges (start, stop), as a function of `count` alone."""
    return _ranges(count, min(count, MOST_PARTS))


def _ranges(count: int, parts: int) -> list[tuple[int, int]]:
    return [(count * i // parts, count * (i + 1) // parts) for i in range(parts)]


def spread(task, count: int) -> None:
    """Call `task(start, stop)` so that the ranges cover 0 .. count, one range per thread.

    In a team every thread calls this, and each does its own range; the team waits for itself elsewhere.
    """
    place = team()
    if place is not None:
        number, size = place
        start, stop = _ranges(count, size)[number]
        if start < stop:
            task(start, stop)
        return
    run([functools.partial(task, *part) for part in _ranges(count, min(count, width()))])


def width() -> int:
    """Return how many threads a `spread` from here would use."""
    if team() is not None:
        return team()[1]
    return 1 if getattr(_inside, "task", False) else get_num_threads()


def even(least: int, most: int, threads: int | None = None) -> int:
    """Return into how many pieces to cut work, from `least` to `most`, so that the threads here get equally many."""
    threads = threads or width()
    return max(1, min(most, -(-least // threads) * threads))


def team() -> tuple[int, int] | None:
    """Return (this thread's number, how many there are) inside `as_team`, else None."""
    return getattr(_inside, "team", None)


class AbandonedError(RuntimeError):
    """What a member of a team raises because another has failed, whose error is the one to tell."""


def as_team(work, size: int, abandon=lambda: None) -> bool:
    """Call `work(number)` on `size` threads at once, which may wait for one another; raise the first error of any.

    `abandon()` is called when one of them will not come any more, so that the others stop waiting.

    Return False, with nothing done, where so many threads are not to be had: inside a task, or beside another team.
    """

    def member(number):
        try:
            _inside.team = number, size
            work(number)
        finally:
            _inside.team = None

    if getattr(_inside, "task", False):
        return False
    try:
        if _team.setdefault("work", work) is not work:
            return False  # two teams that each hold some of the threads would wait for the others for ever
        return _share([functools.partial(member, number) for number in range(size)], size, abandon)
    finally:
        if _team.get("work") is work:
            _team.clear()


def alone(task) -> None:
    """Call `task()` on one thread of a team, which then does all of what it spreads."""
    place, _inside.team = team(), None
    try:
        task()
    finally:
        _inside.team = place


def run(tasks: list) -> None:
    """Run functions without arguments, on the pool where that helps, and raise the first error of any.

    The calling thread takes its share of the tasks, so that only the other threads need waking.
    """
    if len(tasks) < 2 or get_num_threads() == 1 or getattr(_inside, "task", False):
        with one_blas_thread():
            for task in tasks:
                task()
    else:
        _share(tasks)


def _share(tasks, least=1, abandon=lambda: None):
    """Run tasks on all threads and return True; or return False if there are fewer than `least`."""
    # Each helper sees the caller's np.errstate, which NumPy keeps in the context.
    shared = _Shared(tasks)
    with one_blas_thread(), _staying() as caller:
        try:
            with _lock:  # so that nobody closes the pool between two of them
                pool = _the_pool()
                helpers = min(len(tasks) - 1, len(pool.threads))
                if helpers + 1 < least:
                    return False
                _keep_helpers_away(caller)
                for _ in range(helpers):
                    pool.jobs.put((contextvars.copy_context(), shared))
            shared.work()
        except BaseException:  # Ctrl-C
            abandon()
            raise
        finally:
            shared.end()  # nothing runs on behind the caller's back
    if shared.errors:
        raise min(shared.errors, key=lambda error: (isinstance(error[1], AbandonedError), error[0]))[1]
    return True


class _Shared:
    """Tasks that several threads take one after the other.

    All that threads share here is made in C and atomic, so that Ctrl-C at any moment leaves no lock behind.
    """

    def __init__(self, tasks):
        self.waiting, self.errors = collections.deque(enumerate(tasks)), []
        self.inherited = inherited.snapshot()
        self.helping, self.ended = collections.deque(), queue.SimpleQueue()

    def work(self):
        """Take tasks until none waits."""
        try:
            _inside.task = True  # a task that spreads work itself must not wait for the threads that it occupies
            while self.waiting:
                number, task = self.waiting.popleft()
                try:
                    task()
                except Exception as error:
                    self.errors.append((number, error))
        except IndexError:
            pass  # another thread took the last one
        finally:
            _inside.task = False

    def help(self):
        """Work on one of the pool's threads."""
        self.helping.append(None)
        inherited.adopt(self.inherited)
        try:
            self.work()
        finally:
            self.helping.pop()
            self.ended.put(None)

    def end(self):
        """Return when no helper works any more; one that comes later finds nothing to do."""
        self.waiting.clear()
        while self.helping:
            self.ended.get()


class _Pool:
    """Threads that wait for jobs (context, shared) until they are told to go."""

    def __init__(self, size):
        self.jobs, self.threads = queue.SimpleQueue(), []
        for number in range(size):
            thread = threading.Thread(target=self._serve, name=f"minigooglenet_{number}", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                break  # the system gives no more threads: fewer do the work
            self.threads.append(thread)

    def _serve(self):
        _begin_helper()
        while (job := self.jobs.get()) is not None:
            context, shared = job
            context.run(shared.help)
            del job, context, shared  # what they hold is freed while this thread waits

    def close(self):
        for _ in self.threads:
            self.jobs.put(None)


# The scheduler of a virtual machine may wake a thread on the very processor of the thread that wakes it, because the
# other processor sleeps, and leave both there for many milliseconds. So while work is shared, the calling thread stays
# where it is, and its helpers, which are this module's own threads, keep away from there.


@contextlib.contextmanager
def _staying():
    """Keep the calling thread on its processor inside; yield (that processor, all that it may use), or None."""
    processor = _processor()
    allowed = set() if processor is None else os.sched_getaffinity(0)
    if len(allowed) < 2 or processor not in allowed:
        yield None
        return
    try:
        os.sched_setaffinity(0, {processor})
        yield processor, allowed
    finally:
        os.sched_setaffinity(0, allowed)


def _keep_helpers_away(caller):
    """Let the helpers use any processor but the caller's: said before they wake, for they may wake there."""
    global _caller
    if caller is None or caller == _caller:
        return
    _caller = caller
    for helper in list(_helpers):
        _keep_away(helper)


def _keep_away(helper):
    if _caller is not None:
        processor, allowed = _caller
        try:
            os.sched_setaffinity(helper, allowed - {processor})
        except OSError:
            _helpers.discard(helper)  # it has ended


def _find_processor():
    """Return the function that tells on which processor it is called, or that returns None where none tells."""
    try:
        function = ctypes.CDLL(None).sched_getcpu if hasattr(os, "sched_setaffinity") else None
    except (OSError, AttributeError):  # not every C library of Linux has it
        function = None
    return (lambda: None) if function is None else function


_processor = _find_processor()


def _the_pool() -> _Pool:
    global _pool
    if _pool is None:
        _pool = _Pool(max(1, get_num_threads() - 1))
    return _pool


def _start_anew() -> None:
    # A forked child inherits the pool but none of its threads, perhaps a lock that nobody will release, and BLAS held
    # to one thread by regions whose threads are not there to leave them.
    global _pool, _lock, _regions, _caller
    _caller = None
    _team.clear()
    _helpers.clear()
    inherited, _pool, _lock, _regions = _regions, None, threading.RLock(), _Regions()
    if inherited is not None:
        _give_back(inherited)


_start_anew()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)
