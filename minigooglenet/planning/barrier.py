"""A barrier at which the threads of a team wait for one another without the GIL, between two steps of a plan.

Waking a sleeping thread takes as long as a small layer. A thread that waits here spins for a while instead, without
the GIL.
"""

import functools
import operator
import os
import time

import numpy as np

from minigooglenet import parallel
from minigooglenet.kernels.fast.jit import compiled
from minigooglenet.kernels.fast.waiting import add_atomically, read_atomically

SPINS = 100_000  # iterations before a waiting thread yields the CPU: some tens of microseconds
_ARRIVED, _ROUND, _BROKEN = range(3)


# On Linux a sleep of zero seconds costs fifty microseconds; yielding the CPU costs one.
_yield_cpu = getattr(os, "sched_yield", lambda: time.sleep(0))


class Barrier:
    """A reusable barrier for `team` threads."""

    def __init__(self, team):
        self.team, self.state = team, np.zeros(3, np.int64)
        # Release the others, because this thread will not arrive. In C, so that no interrupt can prevent it.
        self.give_up = functools.partial(operator.setitem, self.state, _BROKEN, 1)

    def wait(self):
        """Return when the whole team has arrived; raise an AbandonedError if a thread has given up."""
        done, round_ = _arrive(self.state, self.team, SPINS)
        while not done:
            _yield_cpu()
            parallel.check_team()
            done = spin(self.state, round_, SPINS)
        if self.state[_BROKEN]:
            raise parallel.AbandonedError("another thread of the team has failed")


@compiled
def _arrive(state, team, spins):
    """Count this thread and wait. Return whether the round is complete, and its number."""
    round_ = read_atomically(state, _ROUND)
    before = add_atomically(state, _ARRIVED, 1)
    if before == team - 1:
        add_atomically(state, _ARRIVED, -team)
        add_atomically(state, _ROUND, 1)
    return spin(state, round_, spins), round_


@compiled
def spin(state, round_, spins):
    """Return whether a round ends or a thread gives up within `spins` iterations."""
    left = spins
    while left > 0 and read_atomically(state, _ROUND) == round_ and read_atomically(state, _BROKEN) == 0:
        left -= 1
    return left > 0
