"""One pool of threads for all work: `parallel_for` splits a range, and every thread does one part.

Two pools of threads on the same cores cost a factor of ten or more: each waits for the other. So there is one pool
here, its tasks run serial kernels, and BLAS (which brings a pool of its own) is held to one thread while they run.

Results must not depend on the number of threads. Work that only writes its own part of the output may be cut anywhere
(`parallel_for`); a sum over the batch is cut in a way that depends on the batch only.
"""

import functools

from minigooglenet.parallel.pool import get_num_threads, run, set_num_threads
from minigooglenet.parallel.regions import computing, flush_with, flushed, flushing
from minigooglenet.parallel.state import THREAD
from minigooglenet.parallel.tasks import AbandonedError
from minigooglenet.parallel.team import alone, as_team, look_after_team, member

__all__ = ["AbandonedError", "alone", "as_team", "computing", "even", "flush_with", "flushed", "flushing"]
__all__ += ["get_num_threads", "look_after_team", "member", "num_workers", "parallel_for", "run", "set_num_threads"]


def parallel_for(task, count: int) -> None:
    """Call `task(start, stop)` so that the ranges cover 0 .. count, one range per thread.

    In a team every thread calls this, and each does its own range; the team waits for itself elsewhere.
    """
    if THREAD.member is not None:
        number, size = THREAD.member
        start, stop = _ranges(count, size)[number]
        if start < stop:
            task(start, stop)
        return
    run([functools.partial(task, *part) for part in _ranges(count, min(count, num_workers()))])


def _ranges(count: int, parts: int) -> list[tuple[int, int]]:
    return [(count * i // parts, count * (i + 1) // parts) for i in range(parts)]


def num_workers() -> int:
    """Return how many threads a `parallel_for` from here would use."""
    if THREAD.member is not None:
        return THREAD.member[1]
    return 1 if THREAD.task else get_num_threads()


def even(least: int, most: int, threads: int | None = None) -> int:
    """Return into how many pieces to cut work, from `least` to `most`, so that the threads here get equally many."""
    threads = threads or num_workers()
    return max(1, min(most, -(-least // threads) * threads))
