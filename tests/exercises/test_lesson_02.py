"""Lesson 02: all algorithms of its ladder compute the same convolution, and each is timed."""

import numpy as np
import pytest

from minigooglenet.kernels import compiled, conv2d
from minigooglenet.lessons.lesson_02_matrix import ladder


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    return rng.integers(-9, 10, (1, 3, 8, 8)).astype(float), rng.integers(-9, 10, (4, 3, 3, 3)).astype(float)


def test_loops_and_positions_compute_the_convolution(arrays):
    x, w = arrays
    expected = conv2d.forward(x, w, None, 1, 1)
    y = np.zeros(expected.shape[1:])
    ladder.plain_loops(np.pad(x[0], ((0, 0), *ladder.PADDING)), w, y)
    assert np.array_equal(y, expected[0])
    assert np.array_equal(ladder.by_positions(x, w), expected)


def test_every_method_is_timed(arrays):
    times = ladder.seconds_of_each(*arrays)
    missing = {ladder.COMPILED} if compiled.why_not_fast() else set()
    names = {ladder.PYTHON, ladder.COMPILED, ladder.POSITIONS, ladder.ONE_PRODUCT, ladder.ENGINE}
    assert times.keys() == names - missing
    assert min(times.values()) > 0
