"""Lesson 13's instruments: they count steps and products and find a race without a clock."""

import numpy as np
from numeric import needs_numba

from minigooglenet.exercises import check
from minigooglenet.lessons.lesson_13_fast.compiling import numba
from minigooglenet.lessons.lesson_13_fast.instruments import Watched, products, steps


def test_steps_counts_the_busiest_line_and_leaves_libraries_out():
    def loop(n):
        total = 0
        for i in range(n):
            total += np.pad(np.ones(i + 1), 1).sum()
        return total

    busiest, calls = steps(loop, (7,))
    assert 7 <= busiest <= 8
    assert calls["pad"] == 7


def test_only_data_times_filter_is_a_product():
    data, filters = np.arange(3.0), np.arange(2.0)
    assert products(lambda d, g: (d[0] - 2 * d[1]) * (g[0] + g[1]) / 2 + d[2], data, filters) == 1
    assert products(np.outer, data, filters) == 6
    assert products(lambda d, g: np.array([[1.0, -1, 0]]) @ d, data, filters) == 0


def test_two_steps_that_write_one_number_meet():
    seen = Watched(np.zeros((2, 3)))
    for k in seen.prange(2):
        for _ in seen.prange(3):  # only the outermost loop is parallel
            seen[k] = seen[k] + 1
    assert (seen.clash, seen.tasks) == (None, 2)
    for c in seen.prange(2):
        seen[0, 1] += c
    assert seen.clash == (0, 1)


@needs_numba
def test_a_function_that_reads_outside_is_told_in_the_words_of_python():
    @numba.njit(parallel=True)
    def outside(x, w, b, y):
        for k in numba.prange(y.shape[1]):
            y[0, k, 0, 0] = x[0, 0, 0, x.shape[3]]

    result = check("13.3", outside)
    assert result.status == "wrong"
    assert "IndexError" in result.what


def test_a_function_that_is_not_written_is_not_yet_before_and_after_compiling():
    def conv_numba(x, w, b, y):
        raise NotImplementedError("exercise 13.3: write this")

    assert check("13.3", conv_numba).status == "not yet"
    assert check("13.3", numba.njit(parallel=True)(conv_numba)).status == "not yet"
    assert check("13.3", ...).status == "not yet"
