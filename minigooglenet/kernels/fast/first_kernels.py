"""Calls that compile the kernels of a first image which `compile_ahead` leaves to other processes."""

import numpy as np

from minigooglenet.kernels.fast import max_pool2d, winograd


def _winograd():
    x, weight, bias = (np.ones(shape, np.float32) for shape in ((1, 8, 24, 24), (8, 8, 3, 3), (8,)))
    winograd.forward(x, weight, bias, (1, 1), ((1, 1), (1, 1)), 1)


def _max_pooling():
    max_pool2d.infer(np.ones((1, 8, 24, 24), np.float32), (3, 3), (2, 2), ((0, 1), (0, 1)))


PARTS = _winograd, _max_pooling  # in the order of `compile_ahead.PARTS`
