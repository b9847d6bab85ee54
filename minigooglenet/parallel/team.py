"""A thread team: threads that run at the same time, so that they may wait for one another."""

import functools
import sys
import weakref

from minigooglenet.parallel.pool import distribute
from minigooglenet.parallel.state import POOL, THREAD


def team_rank() -> tuple[int, int] | None:
    """Return (rank of this thread, size of the team) inside `as_team`, else None."""
    return THREAD.rank


def as_team(work, size: int, abandon=lambda: None) -> bool:
    """Call `work(rank)` on `size` threads at the same time and return True; the threads may wait for one another.

    `abandon()` is called if one thread will not continue, so that the others stop waiting. It should be implemented
    in C, so that no interrupt can prevent it. The first error of any thread is raised.

    Return False without calling `work` if `size` threads are not available: inside a task, or while another team runs.
    """

    def work_with_rank(rank):
        try:
            THREAD.rank = rank, size
            work(rank)
        finally:
            THREAD.rank = None

    if THREAD.task or sys.is_finalizing():
        return False
    reference = weakref.ref(work_with_rank)
    try:
        current = POOL.team.setdefault("work", reference)
        if current is not reference and current() is not None:
            return False  # two teams that each have some of the threads would wait for the others forever
        POOL.team["work"] = reference  # an interrupted team may not have removed its entry
        return distribute([functools.partial(work_with_rank, rank) for rank in range(size)], size, abandon)
    finally:
        if POOL.team.get("work") is reference:
            POOL.team.clear()


def check_team() -> None:
    """Check whether a thread of the team has ended; waiting threads call this from time to time."""
    if THREAD.tasks is not None:
        THREAD.tasks.check_workers()


def alone(task) -> None:
    """Call `task()` on one thread of a team, whose `parallel_for` then runs the whole range."""
    rank, THREAD.rank = THREAD.rank, None
    try:
        task()
    finally:
        THREAD.rank = rank
