"""Products of arrays: a broadcast forward, so a sum over the repeated axes backward."""

import functools
import operator

import numpy as np


def forward(*xs):
    """Return the product of all inputs."""
    return functools.reduce(operator.mul, of_one_rank(xs))


def backward(grad_y, *xs):
    """Return one gradient per input: grad_y times the other inputs, summed over the axes that were repeated.

    It is not grad_y * y / x, because x may be zero. Sums are in float64.
    """
    same, grads = of_one_rank(xs), []
    for i, x in enumerate(same):
        grad = functools.reduce(operator.mul, same[:i] + same[i + 1 :], grad_y)
        repeated = tuple(axis for axis in range(grad.ndim) if x.shape[axis] == 1 < grad.shape[axis])
        if repeated:
            grad = grad.sum(axis=repeated, dtype=np.result_type(grad, np.float64)).astype(grad.dtype, copy=False)
        grads.append(grad.reshape(xs[i].shape))
    return tuple(grads)


def of_one_rank(xs):
    """Return the inputs with axes of length 1 at their ends, because NumPy would add them in front."""
    rank = max(x.ndim for x in xs)
    return [x.reshape(*x.shape, *[1] * (rank - x.ndim)) for x in xs]
