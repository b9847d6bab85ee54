"""Local response normalisation across channels by definition.

y[n, c] = x[n, c] * scale[n, c] ** -beta,  scale[n, c] = k + alpha / size * sum of x[n, j] ** 2 over the `size` channels
j around c (those that exist).
"""

import numpy as np


def forward(x, size, alpha, beta, k):
    """Return (y, scale), both (N, C, H, W)."""
    y, scale = np.empty_like(x), np.empty_like(x)
    for n, c, h, w in np.ndindex(x.shape):
        squares = sum(x[n, j, h, w] ** 2 for j in _neighbours(c, x.shape[1], size))
        scale[n, c, h, w] = k + alpha / size * squares
        y[n, c, h, w] = x[n, c, h, w] * scale[n, c, h, w] ** -beta
    return y, scale


def backward(grad_y, x, scale, size, alpha, beta):
    """Return grad_x: a value is the numerator of its output, and is in the scale of every neighbouring output."""
    grad_x = np.zeros_like(x)
    for n, c, h, w in np.ndindex(x.shape):
        z = scale[n, c, h, w]
        grad_x[n, c, h, w] += grad_y[n, c, h, w] * z**-beta
        for j in _neighbours(c, x.shape[1], size):
            derivative = -beta * x[n, c, h, w] * z ** (-beta - 1) * 2 * alpha / size * x[n, j, h, w]
            grad_x[n, j, h, w] += grad_y[n, c, h, w] * derivative
    return grad_x


def _neighbours(c, channels, size):
    return range(max(0, c - size // 2), min(channels, c + (size - 1) // 2 + 1))
