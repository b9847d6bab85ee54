"""Local response normalisation across channels as its definition.

y[n, c] = x[n, c] * scale[n, c] ** -beta,  scale[n, c] = k + alpha / size * sum of x[n, j] ** 2 over the `size` channels
j around c (those that exist).
"""

import numpy as np


def forward(x, size, alpha, beta, k):
    """Return y (N, C, H, W)."""
    y = np.empty_like(x)
    for n, c, h, w in np.ndindex(x.shape):
        y[n, c, h, w] = x[n, c, h, w] * _scale(x, n, c, h, w, size, alpha, k) ** -beta
    return y


def backward(grad_y, x, size, alpha, beta, k):
    """Return grad_x: a value meets its own output once as numerator, and every neighbour's output in its scale."""
    grad_x = np.zeros_like(x)
    for n, c, h, w in np.ndindex(x.shape):
        scale = _scale(x, n, c, h, w, size, alpha, k)
        grad_x[n, c, h, w] += grad_y[n, c, h, w] * scale**-beta
        for j in _neighbours(c, x.shape[1], size):
            slope = -beta * x[n, c, h, w] * scale ** (-beta - 1) * 2 * alpha / size * x[n, j, h, w]
            grad_x[n, j, h, w] += grad_y[n, c, h, w] * slope
    return grad_x


def _neighbours(c, channels, size):
    return range(max(0, c - size // 2), min(channels, c + (size - 1) // 2 + 1))


def _scale(x, n, c, h, w, size, alpha, k):
    return k + alpha / size * sum(x[n, j, h, w] ** 2 for j in _neighbours(c, x.shape[1], size))
