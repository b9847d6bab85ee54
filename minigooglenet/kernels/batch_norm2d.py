"""Batch normalisation (Ioffe and Szegedy 2015), by channel: y = weight * (x - mean) / sqrt(var + eps) + bias.

What makes it fast: one channel of all images at a time, which stays in the cache from its sums to its output. The sums
are in float64. Complex arrays, which only the complex step needs, go through NumPy.
"""

import numpy as np

from minigooglenet import checks
from minigooglenet.kernels.compiled import compiled, compiled_sum
from minigooglenet.kernels.images import typed
from minigooglenet.kernels.spreading import flushed, spread


@flushed
def forward(x, weight, bias, mean=None, var=None, eps=1e-5):
    """Normalise x (N, C, H, W) with the batch's own statistics, or with given ones (inference).

    Parameters
    ----------
    weight, bias : (C,)
    mean, var : (C,) or None, both or neither

    Returns
    -------
    y : (N, C, H, W)
    mean, var : (C,) what was used; the batch's variance is the biased one, over N * H * W values
    """
    checks.floating(x, "x", 4)
    weight, bias = (
        checks.parameter(a, name, x.shape[1:2], x.dtype) for a, name in ((weight, "weight"), (bias, "bias"))
    )
    if (mean is None) != (var is None):
        raise ValueError(f"batch norm takes mean and var together, got only {'var' if mean is None else 'mean'}")
    if mean is None:
        values = x.shape[0] * x.shape[2] * x.shape[3]
        if values == 1:
            raise ValueError(f"batch norm needs more than one value per channel to train, got shape {x.shape}")
    else:
        mean, var = (checks.parameter(a, name, x.shape[1:2], x.dtype) for a, name in ((mean, "mean"), (var, "var")))
    eps = x.dtype.type(eps)
    if x.dtype.kind == "c":
        return _forward_complex(x, weight, bias, mean, var, eps)
    train = mean is None
    if train:
        mean, var = np.empty(x.shape[1], x.dtype), np.empty(x.shape[1], x.dtype)
    y = np.empty(x.shape, x.dtype)
    flat = _flat(x), _flat(y)
    constants = [typed(np.ascontiguousarray(a)) for a in (weight, bias, mean, var)]

    def task(start, stop):
        _forward(*flat, *constants, eps, train, start, stop)

    spread(task, x.shape[1], x.size)
    return y, *constants[2:]


@flushed
def backward(grad_y, x, weight, mean, var, eps=1e-5, batch_statistics=True):
    """Return (grad_x, grad_weight, grad_bias).

    `mean` and `var` are the forward's. With `batch_statistics` they depended on x, and the gradient loses its mean and
    its component along the normalised values; with given statistics it is only scaled.
    """
    grad_y = checks.gradient(grad_y, x.shape, x.dtype)
    checks.floating(x, "x", 4)
    weight, mean, var = (
        checks.parameter(array, name, x.shape[1:2], x.dtype)
        for array, name in ((weight, "weight"), (mean, "mean"), (var, "var"))
    )
    eps = x.dtype.type(eps)
    if x.dtype.kind == "c":
        return _backward_complex(grad_y, x, weight, mean, var, eps, batch_statistics)
    grad_x = np.empty(x.shape, x.dtype)
    grad_weight, grad_bias = np.empty(x.shape[1], x.dtype), np.empty(x.shape[1], x.dtype)
    flat = _flat(grad_y), _flat(x), _flat(grad_x)
    constants = [typed(np.ascontiguousarray(a)) for a in (weight, mean, var)]

    def task(start, stop):
        _backward(*flat, *constants, grad_weight, grad_bias, eps, bool(batch_statistics), start, stop)

    spread(task, x.shape[1], x.size)
    return grad_x, grad_weight, grad_bias


def _flat(x):
    return typed(np.ascontiguousarray(x)).reshape(*x.shape[:2], -1)


@compiled
def _forward(x, y, weight, bias, mean, var, eps, train, start, stop):
    count = x.shape[0] * x.shape[2]
    for c in range(start, stop):
        if train:
            # Around one of the values, so that a mean far from zero costs the variance no digits.
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
    """Return the sums of (x - origin) and of its squares over one map."""
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
        # What the mean and the variance pass on, if they came from this batch.
        constant, slope = (total / count, along * inverse * inverse / count) if batch_statistics else (0.0, 0.0)
        _pull_back(grad_y, x, grad_x, c, mean[c], weight[c], mean.dtype.type(inverse), constant, slope)


@compiled_sum
def _products(grad_y, x, n, c, mean):
    """Return the sums of grad_y and of grad_y * (x - mean) over one map."""
    total = along = 0.0
    for i in range(x.shape[2]):
        grad = np.float64(grad_y[n, c, i])
        total += grad
        along += grad * (x[n, c, i] - mean)
    return total, along


@compiled
def _pull_back(grad_y, x, grad_x, c, mean, weight, inverse, constant, slope):
    factor = weight * inverse
    constant, slope = x.dtype.type(constant), x.dtype.type(slope)
    for n in range(len(x)):
        for i in range(x.shape[2]):
            grad_x[n, c, i] = (grad_y[n, c, i] - constant - (x[n, c, i] - mean) * slope) * factor


def _forward_complex(x, weight, bias, mean, var, eps):
    if mean is None:
        mean = x.mean(axis=(0, 2, 3))
        centred = x - _per_channel(mean)
        var = (centred * centred).mean(axis=(0, 2, 3))  # not np.var, whose absolute value would break the complex step
    return (x - _per_channel(mean)) * _per_channel(weight / np.sqrt(var + eps)) + _per_channel(bias), mean, var


def _backward_complex(grad_y, x, weight, mean, var, eps, batch_statistics):
    inverse = 1 / np.sqrt(var + eps)
    normalised = (x - _per_channel(mean)) * _per_channel(inverse)
    grad_bias, grad_weight = grad_y.sum(axis=(0, 2, 3)), (grad_y * normalised).sum(axis=(0, 2, 3))
    if batch_statistics:
        count = x.size // x.shape[1]
        grad_y = grad_y - _per_channel(grad_bias / count) - normalised * _per_channel(grad_weight / count)
    return grad_y * _per_channel(weight * inverse), grad_weight, grad_bias


def _per_channel(values):
    return values[:, None, None]
