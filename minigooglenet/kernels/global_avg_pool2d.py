"""Global average pooling: the mean of each channel's whole map."""

import numpy as np

from minigooglenet import checks


def forward(x):
    """Return y (N, C) for x (N, C, H, W)."""
    checks.floating(x, "x", 4)
    return x.mean(axis=(2, 3))


def backward(grad_y, input_size):
    """Return grad_x (N, C, H, W): every position of a map gets 1 / (H * W) of its mean's gradient."""
    checks.floating(grad_y, "grad_y", 2)
    height, width = input_size
    share = grad_y / grad_y.dtype.type(height * width)
    return np.repeat(share[:, :, None], height * width, axis=2).reshape(*grad_y.shape, height, width)
