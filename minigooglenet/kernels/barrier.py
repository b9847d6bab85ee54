"""A place where threads wait for one another without the interpreter: for the steps of one image, spread over a team.

Waking a sleeping thread takes as long as a small layer. A thread that waits here looks again and again instead, for
a while, and outside of Python's lock.
"""

import functools
import operator
import os
import time

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from minigooglenet import parallel
from minigooglenet.kernels.compiled import compiled

LOOKS = 100_000  # before a waiting thread lets others run: some tens of microseconds
TURN = 20_000  # looks, some microseconds: how far apart threads go on, so that none must sleep for Python's lock
_ARRIVED, _ROUND, _BROKEN = range(3)


# A sleep of zero seconds costs Linux fifty microseconds; giving up the processor costs one.
_let_others_run = getattr(os, "sched_yield", lambda: time.sleep(0))


class Barrier:
    """A barrier for `team` threads, to be used round after round."""

    def __init__(self, team):
        self.team, self.state = team, np.zeros(3, np.int64)
        # Let the others go: this thread will not come any more. In C, so that no interrupt precedes it.
        self.give_up = functools.partial(operator.setitem, self.state, _BROKEN, 1)

    def wait(self):
        """Return once the whole team is here; raise an AbandonedError if one of it has given up."""
        round_, before = _arrive(self.state, self.team)
        while not _passed(self.state, round_, LOOKS, (self.team - 1 - before) * TURN):
            _let_others_run()
            parallel.look_after_team()
        if self.state[_BROKEN]:
            raise parallel.AbandonedError("another thread of the team has failed")


@intrinsic
def _add_atomically(_, values, index, amount):
    def code(context, builder, signature, arguments):
        values, index, amount = arguments
        place = builder.gep(context.make_array(signature.args[0])(context, builder, values).data, [index])
        return builder.atomic_rmw("add", place, amount, "seq_cst")

    return types.int64(values, types.intp, types.int64), code


@intrinsic
def _read_atomically(_, values, index):
    def code(context, builder, signature, arguments):
        values, index = arguments
        place = builder.gep(context.make_array(signature.args[0])(context, builder, values).data, [index])
        return builder.load_atomic(place, "seq_cst", 8, typ=ir.IntType(64))

    return types.int64(values, types.intp), code


@compiled
def _arrive(state, team):
    """Count this thread, and the round as done if it is the last; return the round and how many were here before."""
    round_ = _read_atomically(state, _ROUND)
    before = _add_atomically(state, _ARRIVED, 1)
    if before == team - 1:
        _add_atomically(state, _ARRIVED, -team)
        _add_atomically(state, _ROUND, 1)
    return round_, before


@compiled
def _passed(state, round_, looks, turn):
    for _ in range(looks):
        if _read_atomically(state, _ROUND) != round_ or _read_atomically(state, _BROKEN) != 0:
            for _ in range(turn):
                _read_atomically(state, _BROKEN)
            return True
    return False
