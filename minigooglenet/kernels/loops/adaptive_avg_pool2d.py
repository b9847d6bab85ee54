"""Adaptive average pooling by definition: window p of P covers an axis from p / P to (p + 1) / P.

Its start is rounded down and its end up, so that every position is covered.
"""

import math

import numpy as np


def forward(x, output_size):
    """Return y (N, C, P, Q), the mean of each window."""
    y = np.zeros((*x.shape[:2], *output_size), x.dtype)
    for n, c, p, q in np.ndindex(y.shape):
        positions = _window(p, q, x.shape[2:], output_size)
        for h, w in positions:
            y[n, c, p, q] += x[n, c, h, w]
        y[n, c, p, q] /= len(positions)
    return y


def backward(grad_y, input_size):
    """Return grad_x (N, C, H, W): each window's gradient is divided equally among its positions."""
    grad_x = np.zeros((*grad_y.shape[:2], *input_size), grad_y.dtype)
    for n, c, p, q in np.ndindex(grad_y.shape):
        positions = _window(p, q, input_size, grad_y.shape[2:])
        for h, w in positions:
            grad_x[n, c, h, w] += grad_y[n, c, p, q] / len(positions)
    return grad_x


def _window(p, q, input_size, output_size):
    (height, width), (windows_h, windows_w) = input_size, output_size
    rows = range(math.floor(p * height / windows_h), math.ceil((p + 1) * height / windows_h))
    columns = range(math.floor(q * width / windows_w), math.ceil((q + 1) * width / windows_w))
    return [(h, w) for h in rows for w in columns]
