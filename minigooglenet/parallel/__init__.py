"""One thread pool for all work: `parallel_for` splits a range into one chunk per thread.

Two thread pools on the same cores cost a factor of ten or more, because each waits for the other. So the engine has one
pool whose tasks run serial kernels, and BLAS, which has its own pool, is limited to one thread while they run.

Results must not depend on the number of threads. Work whose chunks write separate parts of the output may be split
anywhere (`parallel_for`). A sum over the batch is split in a way that depends only on the batch.
"""

import functools

from minigooglenet.parallel.pool import get_num_threads, run, set_num_threads
from minigooglenet.parallel.regions import computing, flush_with, flushed, flushing
from minigooglenet.parallel.state import THREAD
from minigooglenet.parallel.tasks import AbandonedError
from minigooglenet.parallel.team import as_team, check_team

__all__ = ["AbandonedError", "as_team", "check_team", "computing", "flush_with", "flushed", "flushing"]
__all__ += ["get_num_threads", "num_chunks", "num_workers", "parallel_for", "ranges", "run", "set_num_threads"]


def parallel_for(task, count: int) -> None:
    """Call `task(start, stop)` for ranges that cover 0 .. count, one range per thread."""
    run([functools.partial(task, *part) for part in ranges(count, min(count, num_workers()))])


def ranges(count: int, parts: int) -> list[tuple[int, int]]:
    """Return (start, stop) of `parts` ranges that cover 0 .. count, as even as possible."""
    return [(count * i // parts, count * (i + 1) // parts) for i in range(parts)]


def num_workers() -> int:
    """Return how many threads `parallel_for` would use if the calling thread called it now."""
    return 1 if THREAD.task else get_num_threads()


def num_chunks(least: int, most: int, threads: int | None = None) -> int:
    """Return a number of chunks from `least` to `most`, a multiple of the number of threads if possible."""
    threads = threads or num_workers()
    return max(1, min(most, -(-least // threads) * threads))
