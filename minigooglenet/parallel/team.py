"""A team: threads that work at the same time, so that they may wait for one another."""

import functools
import sys
import weakref

from minigooglenet.parallel.pool import share
from minigooglenet.parallel.state import POOL, THREAD


def member() -> tuple[int, int] | None:
    """Return (this thread's number, how many there are) inside `as_team`, else None."""
    return THREAD.member


def as_team(work, size: int, abandon=lambda: None) -> bool:
    """Call `work(number)` on `size` threads at once, which may wait for one another; raise the first error of any.

    `abandon()` is called when one of them will not come any more, so that the others stop waiting. It should be a
    function of C, which no interrupt can precede.

    Return False, with nothing done, where so many threads are not to be had: inside a task, or beside another team.
    """

    def work_as_member(number):
        try:
            THREAD.member = number, size
            work(number)
        finally:
            THREAD.member = None

    if THREAD.task or sys.is_finalizing():
        return False
    mine = weakref.ref(work_as_member)
    try:
        holder = POOL.team.setdefault("work", mine)
        if holder is not mine and holder() is not None:
            return False  # two teams that each hold some of the threads would wait for the others for ever
        POOL.team["work"] = mine  # a team that was interrupted may have left without a word
        return share([functools.partial(work_as_member, number) for number in range(size)], size, abandon)
    finally:
        if POOL.team.get("work") is mine:
            POOL.team.clear()


def look_after_team() -> None:
    """Let a team that waits find out that one of its threads has ended: called now and then by those who wait."""
    if THREAD.tasks is not None:
        THREAD.tasks.look_after()


def alone(task) -> None:
    """Call `task()` on one thread of a team, which then does every range of its `parallel_for`."""
    place, THREAD.member = THREAD.member, None
    try:
        task()
    finally:
        THREAD.member = place
