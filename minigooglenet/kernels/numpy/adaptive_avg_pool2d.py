"""Adaptive average pooling: the mean of a slice for each of the P x Q outputs.

Two matrix products would be shorter, but zero times NaN is NaN, so a NaN would reach windows that do not contain it.
"""

import numpy as np

from minigooglenet import shapes


def forward(x, output_size):
    """Return y (N, C, P, Q), the mean of each window; sums are in float64."""
    y = np.empty((*x.shape[:2], *output_size), x.dtype)
    for p, q, window in _slices(x.shape[2:], output_size):
        y[:, :, p, q] = x[window].mean(axis=(2, 3), dtype=np.result_type(x, np.float64))
    return y


def backward(grad_y, input_size):
    """Return grad_x (N, C, H, W): each window's gradient is divided equally among its values."""
    grad_x = np.zeros((*grad_y.shape[:2], *input_size), grad_y.dtype)
    for p, q, window in _slices(input_size, grad_y.shape[2:]):
        values = grad_x[window]  # a view
        values += grad_y[:, :, p, q, None, None] / grad_y.real.dtype.type(values.shape[2] * values.shape[3])
    return grad_x


def _slices(input_size, output_size):
    """Yield (p, q, the slices of its window)."""
    for p, q in np.ndindex(*output_size):
        rows = shapes.adaptive_window(p, input_size[0], output_size[0])
        columns = shapes.adaptive_window(q, input_size[1], output_size[1])
        yield p, q, (slice(None), slice(None), slice(*rows), slice(*columns))
