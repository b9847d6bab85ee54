"""Global max pooling by definition: compare the values of a channel in order and keep the first maximum."""

import numpy as np


def forward(x):
    """Return (y, argmax), both (N, C): the maximum of each channel and its position h * W + w."""
    y, argmax = x[:, :, 0, 0].copy(), np.zeros(x.shape[:2], np.int64)
    for n, c, h, w in np.ndindex(x.shape):
        value = x[n, c, h, w]
        if value > y[n, c] or (np.isnan(value) and not np.isnan(y[n, c])):
            y[n, c], argmax[n, c] = value, h * x.shape[3] + w
    return y, argmax


def backward(grad_y, argmax, input_size):
    """Return grad_x (N, C, H, W)."""
    grad_x = np.zeros((*grad_y.shape, *input_size), grad_y.dtype)
    for n, c in np.ndindex(grad_y.shape):
        h, w = divmod(int(argmax[n, c]), input_size[1])
        grad_x[n, c, h, w] = grad_y[n, c]
    return grad_x
