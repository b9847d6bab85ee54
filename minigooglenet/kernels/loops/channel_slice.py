"""A slice of channels by definition: output channel i is channel start + i of the input."""

import numpy as np


def forward(x, start, stop):
    """Return the channels from `start` to `stop` of x (N, C, ...)."""
    y = np.empty((len(x), stop - start, *x.shape[2:]), x.dtype)
    for i in range(stop - start):
        y[:, i] = x[:, start + i]
    return y


def backward(grad_y, start, channels):
    """Return grad_x: each gradient moves back to its channel; the other channels have no influence."""
    grad_x = np.zeros((len(grad_y), channels, *grad_y.shape[2:]), grad_y.dtype)
    for i in range(grad_y.shape[1]):
        grad_x[:, start + i] = grad_y[:, i]
    return grad_x
