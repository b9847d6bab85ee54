"""A thread team: threads that run at the same time, so that they may wait for one another."""

import functools
import sys
import weakref

from minigooglenet.parallel.pool import distribute
from minigooglenet.parallel.state import POOL, THREAD


def as_team(work, size: int, abandon=lambda: None) -> bool:
    """Call `work(rank)` on `size` threads at the same time and return True; the threads may wait for one another.

    `abandon()` is called if one thread will not continue, so that the others stop waiting. It should be implemented
    in C, so that no interrupt can prevent it. The first error of any thread is raised.

    Return False without calling `work` if `size` threads are not available: inside a task, or while another team runs.
    """

    def member(rank):  # which this call keeps, unlike a method
        work(rank)

    if THREAD.task or sys.is_finalizing():
        return False
    reference = weakref.ref(member)
    try:
        current = POOL.team.setdefault("work", reference)
        if current is not reference and current() is not None:
            return False  # two teams that each have some of the threads would wait for the others forever
        POOL.team["work"] = reference  # an interrupted team may not have removed its entry
        return distribute([functools.partial(member, rank) for rank in range(size)], size, abandon)
    finally:
        if POOL.team.get("work") is reference:
            POOL.team.clear()


def check_team() -> None:
    """Check whether a thread of the team has ended; waiting threads call this from time to time."""
    if THREAD.tasks is not None:
        THREAD.tasks.check_workers()
