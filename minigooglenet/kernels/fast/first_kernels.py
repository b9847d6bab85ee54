"""Calls that compile the kernels of a first image which `compile_ahead` leaves to other processes."""

import numpy as np

from minigooglenet.kernels.fast import max_pool2d, winograd


def _winograd():
    x, bias = np.ones((1, 8, 24, 24), np.float32), np.ones(8, np.float32)
    transformed, _ = winograd.transforming(np.ones((8, 8, 3, 3), np.float32), 1)
    transformed[0][:] = 0  # not transformed here, because the first process compiles that kernel
    ((task, count),) = winograd.bind(x, transformed, bias, ((1, 1), (1, 1)), winograd.NO_LIMITS, np.empty_like(x))
    task(0, count)


def _max_pooling():
    max_pool2d.infer(np.ones((1, 8, 24, 24), np.float32), (3, 3), (2, 2), ((0, 1), (0, 1)))


PARTS = _max_pooling, _winograd  # in the order of `compile_ahead.PARTS`
