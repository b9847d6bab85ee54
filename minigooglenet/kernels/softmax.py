"""Softmax over axis 1: scores to probabilities."""

import numpy as np

from minigooglenet import checks
from minigooglenet.kernels.spreading import flushed


@flushed
def forward(x):
    """Return y of the shape of x (N, C, ...): positive, summing to one along axis 1.

    The largest score is taken off first: exp of 1e4 overflows, exp of a difference of at most 0 does not.
    """
    checks.with_classes(x)
    y = np.exp(shifted(x))
    y /= y.sum(axis=1, keepdims=True)
    return y


@flushed
def backward(grad_y, y):
    """Return grad_x from the output y: y * (grad_y - sum of grad_y * y along axis 1)."""
    grad_y = checks.gradient(grad_y, y.shape, y.dtype)
    return y * (grad_y - (grad_y * y).sum(axis=1, keepdims=True))


def shifted(x):
    """Return x less its largest (real) value along axis 1."""
    return x - x.real.max(axis=1, keepdims=True)
