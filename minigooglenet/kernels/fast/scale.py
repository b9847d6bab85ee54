"""A factor and an offset for each channel, in one pass; `backward` computes its sums in the same pass as its products.

The gates of `multiply` are factors too, one for each channel of each image.
"""

import numpy as np

from minigooglenet.kernels.fast.flat import typed
from minigooglenet.kernels.fast.jit import compiled, compiled_sum
from minigooglenet.kernels.fast.threads import blocks, parallel_for, pieces


def forward(x, weight, bias):
    """Return y of the shape of x (N, C, ...)."""
    y = np.empty(x.shape, x.dtype)
    for task, count in bind(x, weight, bias, y):
        parallel_for(task, count, x.size, few=1 << 18)
    return y


def bind(x, weight, bias, y):
    """Return [(task, count)] for `parallel_for`; every run writes x * weight + bias to y."""
    weight, bias = (None if values is None else values.astype(x.dtype, copy=False) for values in (weight, bias))
    return [task(x, np.broadcast_to(weight, (len(x), len(weight))), bias, y)]


def task(x, factors, bias, y):
    """Return (task, count); the task writes x (N, C, ...) * factors (N, C) + bias (C,) to y."""
    x, bias = blocks(x), None if bias is None else blocks(bias)

    def task(start, stop):
        for n, first, end in pieces(start, stop, x.shape[1]):
            part = n, slice(first, end)
            offsets = None if bias is None else bias[first:end]
            values, results = (array[part].reshape(end - first, -1) for array in (x, y))
            _forward(values, typed(np.ascontiguousarray(factors[part])), offsets, results)

    return task, x.shape[0] * x.shape[1]


def backward(grad_y, x, weight, bias):
    """Return (grad_x, grad_weight, grad_bias); grad_bias is None without a bias."""
    grad_x, along, total = backward_rows(grad_y, x, np.broadcast_to(weight, x.shape[:2]))
    sums = [channels.sum(axis=0).astype(x.dtype, copy=False) for channels in (along, total)]
    return grad_x, sums[0], None if bias is None else sums[1]


def backward_rows(grad_y, x, factors):
    """Return (grad_y * factors, the sums of grad_y * x, the sums of grad_y), sums (N, C) for each channel and image."""
    grad_x = np.empty(x.shape, x.dtype)
    sums = np.empty((2, x.shape[0] * x.shape[1]))
    arrays = [typed(np.ascontiguousarray(array)).reshape(sums.shape[1], -1) for array in (grad_y, x, grad_x)]
    factors = np.ascontiguousarray(factors).reshape(-1)

    def task(start, stop):
        _backward(*(array[start:stop] for array in arrays), factors[start:stop], sums[:, start:stop])

    parallel_for(task, sums.shape[1], x.size)
    along, total = sums.reshape(2, *x.shape[:2])
    return grad_x, along, total


@compiled
def _forward(x, factors, bias, y):
    for c in range(len(x)):
        factor = factors[c]
        if bias is None:
            for i in range(x.shape[1]):
                y[c, i] = x[c, i] * factor
        else:
            offset = bias[c]
            for i in range(x.shape[1]):
                y[c, i] = x[c, i] * factor + offset


@compiled_sum
def _backward(grad_y, x, grad_x, factors, sums):
    for c in range(len(x)):
        along = total = 0.0
        factor = factors[c]
        for i in range(x.shape[1]):
            upstream = grad_y[c, i]
            along += np.float64(upstream) * x[c, i]
            total += upstream
            grad_x[c, i] = upstream * factor
        sums[0, c], sums[1, c] = along, total
