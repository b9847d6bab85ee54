"""Lesson 13: its instruments count steps and find a race without measuring time."""

import gc

import numpy as np
import pytest
from numeric import assert_close, needs_numba

from minigooglenet.exercises import check
from minigooglenet.exercises.find import find
from minigooglenet.kernels import conv2d
from minigooglenet.lessons.lesson_13_fast.compiling import numba
from minigooglenet.lessons.lesson_13_fast.instruments import Watched, growth, steps


def _loop(n):
    total = 0
    for i in range(n):
        total += np.pad(np.ones(i + 1), 1).sum()
    return total


def test_steps_counts_own_lines_and_calls_only():
    few, many = steps(_loop, (7,)), steps(_loop, (9,))
    assert 7 <= max(few.lines.values()) <= 8
    assert {file for file, _ in few.lines} == {__file__}
    assert few.calls["pad"] == 7
    where, before, after = growth(few, many)
    assert "total += np.pad" in where or "for i in range(n)" in where
    assert after - before == 2
    assert growth(few, steps(_loop, (7,))) is None


@pytest.mark.parametrize("number", ["13.4", "13.7"])
def test_winograd_reference_matches_the_convolution(number):
    exercise = find(number)
    for seed in range(5):
        for d, g in exercise.drawn(seed):
            images, filters = (np.atleast_2d(values)[None, None] for values in (d, g))
            y = conv2d.forward(images, filters)[0, 0]
            assert_close(exercise.reference_function(d, g), y.reshape(exercise.reference_function(d, g).shape))


def test_two_iterations_writing_one_value_clash():
    seen = Watched(np.zeros((2, 3)))
    for k in seen.prange(2):
        for _ in seen.prange(3):  # only the outermost loop is parallel
            seen[k] = seen[k] + 1
    assert (seen.clash, seen.tasks) == (None, 2)
    for c in seen.prange(2):
        seen[0, 1] += c
    assert seen.clash == (0, 1)


@needs_numba
def test_out_of_bounds_read_shows_index_error():
    @numba.njit(parallel=True)
    def outside(x, w, b, y):
        for k in numba.prange(y.shape[1]):
            y[0, k, 0, 0] = x[0, 0, 0, x.shape[3]]

    result = check("13.3", outside)
    assert result.status == "wrong"
    assert "IndexError" in result.what


def test_unwritten_function_gives_not_yet_even_compiled():
    def conv_numba(x, w, b, y):
        raise NotImplementedError("exercise 13.3: write this")

    assert check("13.3", conv_numba).status == "not yet"
    assert check("13.3", numba.njit(parallel=True)(conv_numba)).status == "not yet"
    assert check("13.3", ...).status == "not yet"


def test_garbage_collection_is_not_counted_as_a_call():
    def collect(phase, info):
        pass

    def answer(n):
        return [[] for _ in range(n)]

    before = gc.get_threshold()
    gc.callbacks.append(collect)
    gc.set_threshold(1)
    try:
        counted = steps(answer, (500,))
    finally:
        gc.set_threshold(*before)
        gc.callbacks.remove(collect)
    assert "collect" not in counted.calls
    assert gc.isenabled()
