"""Calls that compile the kernels of a first image which `compile_ahead` leaves to other processes."""

import numpy as np

from minigooglenet.kernels.fast import channels_last, max_pool2d, winograd


def _transformed():
    transformed, _ = winograd.transforming(np.ones((8, 8, 3, 3), np.float32), 1)
    transformed[0][:] = 0  # not transformed here, because the first process compiles that kernel
    return transformed


def _winograd():
    x, bias = np.ones((1, 8, 24, 24), np.float32), np.ones(8, np.float32)
    ((task, count),) = winograd.bind(x, _transformed(), bias, ((1, 1), (1, 1)), winograd.NO_LIMITS, np.empty_like(x))
    task(0, count)


def _max_pooling():
    max_pool2d.infer(np.ones((1, 8, 24, 24), np.float32), (3, 3), (2, 2), ((0, 1), (0, 1)))


def _images():
    return np.ones((1, 24, 24, 8), np.float32).transpose(0, 3, 1, 2)


def _max_pooling_last():
    ((task, count),) = channels_last.max_pool2d.bind(_images(), (3, 3), (1, 1), ((1, 1), (1, 1)), _images())
    task(0, count)


def _winograd_last():
    arrays, settings = (_images(), _transformed()[0], np.ones(8, np.float32)), (((1, 1), (1, 1)), winograd.NO_LIMITS)
    ((task, count),) = channels_last.winograd.bind(*arrays, *settings, _images())
    task(0, count)


PARTS = _max_pooling, _winograd, _winograd_last, _max_pooling_last  # in the order of `compile_ahead.PARTS`
