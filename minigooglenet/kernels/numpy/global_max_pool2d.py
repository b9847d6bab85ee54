"""Global max pooling: every channel as one row, then argmax, which returns the first of equal values, or a NaN."""

import numpy as np


def forward(x):
    """Return (y, argmax), both (N, C): the maximum of each channel and its position h * W + w."""
    rows = x.reshape(*x.shape[:2], -1)
    argmax = rows.argmax(axis=2)
    return np.take_along_axis(rows, argmax[:, :, None], axis=2)[:, :, 0], argmax


def backward(grad_y, argmax, input_size):
    """Return grad_x (N, C, H, W)."""
    grad_x = np.zeros((*grad_y.shape, input_size[0] * input_size[1]), grad_y.dtype)
    np.put_along_axis(grad_x, argmax[:, :, None], grad_y[:, :, None], axis=2)
    return grad_x.reshape(*grad_y.shape, *input_size)
