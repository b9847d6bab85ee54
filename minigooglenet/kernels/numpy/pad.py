"""Padding: np.pad forward, a crop backward."""

import numpy as np


def forward(x, padding, value):
    """Return y (N, C, H + top + bottom, W + left + right)."""
    return np.pad(x, ((0, 0), (0, 0), *padding), constant_values=value)


def backward(grad_y, padding):
    """Return grad_x (N, C, H, W), grad_y without the padding."""
    (top, bottom), (left, right) = padding
    return grad_y[:, :, top : grad_y.shape[2] - bottom, left : grad_y.shape[3] - right].copy()
