"""A slice of channels: NumPy's slice, as a copy."""

import numpy as np


def forward(x, start, stop):
    """Return the channels from `start` to `stop` of x (N, C, ...)."""
    return x[:, start:stop].copy()


def backward(grad_y, start, channels):
    """Return grad_x: the gradients at their channels, and 0 elsewhere."""
    grad_x = np.zeros((len(grad_y), channels, *grad_y.shape[2:]), grad_y.dtype)
    grad_x[:, start : start + grad_y.shape[1]] = grad_y
    return grad_x
