"""Loops, compiled for all cores."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise
from minigooglenet.lessons.lesson_13_fast import rungs
from minigooglenet.lessons.lesson_13_fast.compiling import numba, uncompiled
from minigooglenet.lessons.lesson_13_fast.parallel_loops import judged

conv_numba = Exercise(
    "13.3",
    "the loops, compiled, on all cores",
    "conv_numba(x, w, b, y) -> None; writes y (N, K, P, Q)",
    minutes=12,
    difficulty=2,
    core=False,
    hints=(
        "Who writes y[n, k, p, q]? No two threads may write the same number.",
        "Let each step of prange own whole outputs: one filter k, with all loops that belong to it inside.",
        "`for k in prange(____):` around the loops over n, p, q, c, u, v, with a sum of its own for each output",
    ),
)


@conv_numba.judge
def conv_numba_judge(answer):
    return judged(conv_numba, answer)


@conv_numba.reference
@numba.njit(parallel=True)
def conv_numba_reference(x, w, b, y):
    for k in numba.prange(y.shape[1]):
        for n in range(y.shape[0]):
            for p in range(y.shape[2]):
                for q in range(y.shape[3]):
                    total = b[k]
                    for c in range(w.shape[1]):
                        for u in range(w.shape[2]):
                            for v in range(w.shape[3]):
                                total += x[n, c, p + u, q + v] * w[k, c, u, v]
                    y[n, k, p, q] = total


@conv_numba.right
@numba.njit(parallel=True)
def conv_numba_over_images_and_filters(x, w, b, y):
    for nk in numba.prange(y.shape[0] * y.shape[1]):
        n, k = nk // y.shape[1], nk % y.shape[1]
        for p in range(y.shape[2]):
            for q in range(y.shape[3]):
                seen = x[n, :, p : p + w.shape[2], q : q + w.shape[3]]
                y[n, k, p, q] = b[k] + (seen * w[k]).sum()


@conv_numba.wrong
@numba.njit(parallel=True)
def two_threads_add_into_one_cell(x, w, b, y):
    """Parallel over c, all threads add to the same y: run over k or n."""
    for n, k, p, q in np.ndindex(y.shape):
        y[n, k, p, q] = b[k]
    for c in numba.prange(w.shape[1]):
        for n, k, p, q in np.ndindex(y.shape):
            for u in range(w.shape[2]):
                for v in range(w.shape[3]):
                    y[n, k, p, q] += x[n, c, p + u, q + v] * w[k, c, u, v]


@conv_numba.wrong
def not_compiled():
    """It is a function of plain Python: give numba.njit(parallel=True)(conv_numba)."""
    return rungs.loops


@conv_numba.wrong
def object_mode():
    """In object mode Python's own objects do the work, hardly faster than Python."""
    return numba.jit(forceobj=True)(rungs.loops)


@conv_numba.wrong
def prange_without_parallel():
    """Without parallel=True prange is range: one thread does all."""
    return numba.njit(uncompiled(conv_numba.reference_function))


@conv_numba.wrong
def range_for_prange():
    """Compiled, but no loop is a prange: one thread does all."""
    return numba.njit(parallel=True)(rungs.loops)


@conv_numba.wrong
@numba.njit(parallel=True)
def sum_in_float32(x, w, b, y):
    """Whole numbers beyond 2**24 were rounded: the sum is kept in float32."""
    for k in numba.prange(y.shape[1]):
        total = np.zeros(1, np.float32)
        for n, p, q in np.ndindex(y.shape[0], y.shape[2], y.shape[3]):
            total[0] = b[k]
            for c, u, v in np.ndindex(w.shape[1:]):
                total[0] += x[n, c, p + u, q + v] * w[k, c, u, v]
            y[n, k, p, q] = total[0]


@conv_numba.wrong
@numba.njit(parallel=True)
def index_wraps_at_the_start(x, w, b, y):
    """Column -1 is the last one: nobody checks bounds in compiled code."""
    for k in numba.prange(y.shape[1]):
        for n, p, q in np.ndindex(y.shape[0], y.shape[2], y.shape[3]):
            total = b[k]
            for c, u, v in np.ndindex(w.shape[1:]):
                total += x[n, c, p + u - 1, q + v - 1] * w[k, c, u, v]
            y[n, k, p, q] = total


@conv_numba.wrong
@numba.njit(parallel=True)
def bias_forgotten(x, w, b, y):
    """Every map is short by its filter's bias."""
    for k in numba.prange(y.shape[1]):
        for n, p, q in np.ndindex(y.shape[0], y.shape[2], y.shape[3]):
            total = 0.0
            for c, u, v in np.ndindex(w.shape[1:]):
                total += x[n, c, p + u, q + v] * w[k, c, u, v]
            y[n, k, p, q] = total
