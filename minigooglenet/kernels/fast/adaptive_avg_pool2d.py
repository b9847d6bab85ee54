"""Adaptive average pooling: the loops of average pooling, with other windows."""

import numpy as np

from minigooglenet import shapes
from minigooglenet.kernels.fast.avg_pool2d import averages, averages_task, backward_averages


def forward(x, output_size):
    """Return y (N, C, P, Q)."""
    return averages(x, output_size, windows_of(x.shape[2:], output_size))


def bind(x, output_size, y):
    """Return [(task, count)] for `parallel_for`; every run pools x into y."""
    return [averages_task(x, y, windows_of(x.shape[2:], output_size))]


def backward(grad_y, input_size):
    """Return grad_x (N, C, H, W)."""
    return backward_averages(grad_y, input_size, windows_of(input_size, grad_y.shape[2:]))


def windows_of(input_size, output_size):
    """Return the ranges of the windows along each axis, (P, 2) and (Q, 2), and their divisors (P, Q)."""
    rows, columns = (
        np.array([shapes.adaptive_window(i, size, count) for i in range(count)])
        for size, count in zip(input_size, output_size, strict=True)
    )
    return rows, columns, np.multiply.outer(rows[:, 1] - rows[:, 0], columns[:, 1] - columns[:, 0])
