"""Products of arrays by definition: value by value, with axes of length 1 repeated."""

import math

import numpy as np


def forward(*xs):
    """Return the product of all inputs."""
    y = np.ones(_output_shape(xs), xs[0].dtype)
    for index in np.ndindex(y.shape):
        for x in xs:
            y[index] *= x[_source(index, x)]
    return y


def backward(grad_y, *xs):
    """Return one gradient per input: every output adds its gradient times the other inputs."""
    grads = tuple(np.zeros_like(x) for x in xs)
    for index in np.ndindex(grad_y.shape):
        values = [x[_source(index, x)] for x in xs]
        for i, (grad, x) in enumerate(zip(grads, xs, strict=True)):
            grad[_source(index, x)] += grad_y[index] * math.prod(values[:i] + values[i + 1 :])
    return grads


def _output_shape(xs):
    """Return the largest size along every axis."""
    rank = max(x.ndim for x in xs)
    return tuple(max(x.shape[axis] for x in xs if axis < x.ndim) for axis in range(rank))


def _source(index, x):
    """Return the index of the value of x that belongs to an output: 0 along an axis of length 1."""
    return tuple(i if size > 1 else 0 for i, size in zip(index, x.shape, strict=False))
