"""Batch normalisation, one channel of all images at a time.

What makes it fast: a channel stays in the cache between its sums and its output. The sums are in float64.
"""

import numpy as np

from minigooglenet.kernels.fast.flat import typed
from minigooglenet.kernels.fast.jit import compiled, compiled_sum
from minigooglenet.kernels.fast.threads import parallel_for, pieces


def forward(x, weight, bias, mean=None, var=None, eps=1e-5):
    """Return (y, mean, var)."""
    eps = x.dtype.type(eps)
    train = mean is None
    if train:
        mean, var = np.empty(x.shape[1], x.dtype), np.empty(x.shape[1], x.dtype)
    y = np.empty(x.shape, x.dtype)
    flat = _flat(x), _flat(y)
    constants = [typed(np.ascontiguousarray(a)) for a in (weight, bias, mean, var)]

    def task(start, stop):
        _forward(*flat, *constants, eps, train, start, stop)

    parallel_for(task, x.shape[1], x.size)
    return y, *constants[2:]


def bind(x, weight, bias, mean, var, eps, y):
    """Return [(task, count)] for `parallel_for`; every run normalises x with the given statistics and writes y."""
    images = [(_flat(x[n : n + 1]), _flat(y[n : n + 1])) for n in range(len(x))]
    constants, eps = [typed(np.ascontiguousarray(a)) for a in (weight, bias, mean, var)], x.dtype.type(eps)

    def task(start, stop):
        for n, first, end in pieces(start, stop, x.shape[1]):
            _forward(*images[n], *constants, eps, False, first, end)

    return [(task, len(x) * x.shape[1])]


def backward(grad_y, x, weight, mean, var, eps=1e-5, batch_statistics=True):
    """Return (grad_x, grad_weight, grad_bias)."""
    eps = x.dtype.type(eps)
    grad_x = np.empty(x.shape, x.dtype)
    grad_weight, grad_bias = np.empty(x.shape[1], x.dtype), np.empty(x.shape[1], x.dtype)
    flat = _flat(grad_y), _flat(x), _flat(grad_x)
    constants = [typed(np.ascontiguousarray(a)) for a in (weight, mean, var)]

    def task(start, stop):
        _backward(*flat, *constants, grad_weight, grad_bias, eps, bool(batch_statistics), start, stop)

    parallel_for(task, x.shape[1], x.size)
    return grad_x, grad_weight, grad_bias


def _flat(x):
    return typed(np.ascontiguousarray(x)).reshape(*x.shape[:2], -1)


@compiled
def _forward(x, y, weight, bias, mean, var, eps, train, start, stop):
    count = x.shape[0] * x.shape[2]
    for c in range(start, stop):
        if train:
            # Relative to one of the values, so that a mean far from zero causes no cancellation in the variance.
            origin = np.float64(x[0, c, 0])
            total = squares = 0.0
            for n in range(len(x)):
                sums = _sums(x, n, c, origin)
                total, squares = total + sums[0], squares + sums[1]
            mean[c] = origin + total / count
            var[c] = squares / count - (total / count) ** 2
            if var[c] < 0:  # by rounding
                var[c] = 0
        factor = weight[c] / np.sqrt(var[c] + eps)
        for n in range(len(x)):
            for i in range(x.shape[2]):
                y[n, c, i] = (x[n, c, i] - mean[c]) * factor + bias[c]


@compiled_sum
def _sums(x, n, c, origin):
    """Return the sums of (x - origin) and of its squares over one channel of one image."""
    total = squares = 0.0
    for i in range(x.shape[2]):
        value = x[n, c, i] - origin
        total += value
        squares += value * value
    return total, squares


@compiled
def _backward(grad_y, x, grad_x, weight, mean, var, grad_weight, grad_bias, eps, batch_statistics, start, stop):
    count = x.shape[0] * x.shape[2]
    for c in range(start, stop):
        inverse = 1 / np.sqrt(np.float64(var[c] + eps))
        total = along = 0.0
        for n in range(len(x)):
            sums = _products(grad_y, x, n, c, np.float64(mean[c]))
            total, along = total + sums[0], along + sums[1]
        grad_bias[c], grad_weight[c] = total, along * inverse
        # The gradients through the mean and the variance, if they are statistics of this batch.
        constant, factor = (total / count, along * inverse * inverse / count) if batch_statistics else (0.0, 0.0)
        _grad_input(grad_y, x, grad_x, c, mean[c], weight[c], mean.dtype.type(inverse), constant, factor)


@compiled_sum
def _products(grad_y, x, n, c, mean):
    """Return the sums of grad_y and of grad_y * (x - mean) over one channel of one image."""
    total = along = 0.0
    for i in range(x.shape[2]):
        grad = np.float64(grad_y[n, c, i])
        total += grad
        along += grad * (x[n, c, i] - mean)
    return total, along


@compiled
def _grad_input(grad_y, x, grad_x, c, mean, weight, inverse, constant, factor):
    scale = weight * inverse
    constant, factor = x.dtype.type(constant), x.dtype.type(factor)
    for n in range(len(x)):
        for i in range(x.shape[2]):
            grad_x[n, c, i] = (grad_y[n, c, i] - constant - (x[n, c, i] - mean) * factor) * scale
