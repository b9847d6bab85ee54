"""Loops that are compiled for all cores."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise
from minigooglenet.lessons.lesson_13_fast import rungs
from minigooglenet.lessons.lesson_13_fast.compiling import numba, uncompiled
from minigooglenet.lessons.lesson_13_fast.parallel_loops import judged

conv_numba = Exercise(
    "13.3",
    "compiled loops on all cores",
    "conv_numba(x, w, b, y) -> None; writes y (N, K, P, Q)",
    minutes=12,
    difficulty=2,
    core=False,
    hints=(
        "Which iterations write y[n, k, p, q]? No two threads may write to the same element.",
        "Each iteration of prange should compute all outputs of one filter k, with all other loops inside.",
        "`for k in prange(____):` around the loops over n, p, q, c, u, v, with a new sum for each output",
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
                inputs = x[n, :, p : p + w.shape[2], q : q + w.shape[3]]
                y[n, k, p, q] = b[k] + (inputs * w[k]).sum()


@conv_numba.wrong
@numba.njit(parallel=True)
def two_threads_add_to_one_element(x, w, b, y):
    """If prange runs over c, all threads add to the same elements of y. Let it run over k or n."""
    for n, k, p, q in np.ndindex(y.shape):
        y[n, k, p, q] = b[k]
    for c in numba.prange(w.shape[1]):
        for n, k, p, q in np.ndindex(y.shape):
            for u in range(w.shape[2]):
                for v in range(w.shape[3]):
                    y[n, k, p, q] += x[n, c, p + u, q + v] * w[k, c, u, v]


@conv_numba.wrong
def not_compiled():
    """Your function is not compiled. Pass numba.njit(parallel=True)(conv_numba)."""
    return rungs.loops


@conv_numba.wrong
def object_mode():
    """Your function is compiled in object mode, which uses Python objects and is hardly faster. Use numba.njit."""
    return numba.jit(forceobj=True)(rungs.loops)


@conv_numba.wrong
def prange_without_parallel():
    """You compiled without parallel=True, so prange is the same as range and only one thread works."""
    return numba.njit(uncompiled(conv_numba.reference_function))


@conv_numba.wrong
def range_instead_of_prange():
    """None of your loops uses prange, so only one thread works."""
    return numba.njit(parallel=True)(rungs.loops)


@conv_numba.wrong
@numba.njit(parallel=True)
def sum_in_float32(x, w, b, y):
    """You added in float32, which rounds integers beyond 2**24. Add in the dtype of y."""
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
    """You used index -1, which is the last row or column. x is already padded, so begin at index 0."""
    for k in numba.prange(y.shape[1]):
        for n, p, q in np.ndindex(y.shape[0], y.shape[2], y.shape[3]):
            total = b[k]
            for c, u, v in np.ndindex(w.shape[1:]):
                total += x[n, c, p + u - 1, q + v - 1] * w[k, c, u, v]
            y[n, k, p, q] = total


@conv_numba.wrong
@numba.njit(parallel=True)
def bias_forgotten(x, w, b, y):
    """The bias of each filter is missing. Add b[k] to each output."""
    for k in numba.prange(y.shape[1]):
        for n, p, q in np.ndindex(y.shape[0], y.shape[2], y.shape[3]):
            total = 0.0
            for c, u, v in np.ndindex(w.shape[1:]):
                total += x[n, c, p + u, q + v] * w[k, c, u, v]
            y[n, k, p, q] = total
