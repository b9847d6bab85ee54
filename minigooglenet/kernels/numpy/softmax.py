"""Softmax along axis 1: exp of each score, divided by their sum."""

import numpy as np


def forward(x):
    """Return y (N, C, ...). The largest score is subtracted first: exp of a difference of at most 0 cannot overflow."""
    y = np.exp(shifted(x))
    y /= y.sum(axis=1, keepdims=True)
    return y


def backward(grad_y, y):
    """Return grad_x from the output y: y * (grad_y - sum of grad_y * y along axis 1)."""
    return y * (grad_y - (grad_y * y).sum(axis=1, keepdims=True))


def shifted(x):
    """Return x minus its largest (real) value along axis 1."""
    return x - x.real.max(axis=1, keepdims=True)
