"""Log-softmax along axis 1 by definition: x - max, minus the logarithm of the sum of exp(x - max)."""

import numpy as np


def forward(x):
    """Return y (N, C, ...)."""
    y = np.empty_like(x)
    for n, *rest in np.ndindex(x.shape[0], *x.shape[2:]):
        values = [x[(n, c, *rest)] for c in range(x.shape[1])]
        largest = max(value.real for value in values)
        total = sum(np.exp(value - largest) for value in values)
        for c, value in enumerate(values):
            y[(n, c, *rest)] = value - largest - np.log(total)
    return y


def backward(grad_y, y):
    """Return grad_x from the full Jacobian dy[c] / dx[j] = (c == j) - exp(y[j])."""
    grad_x = np.zeros_like(y)
    for n, *rest in np.ndindex(y.shape[0], *y.shape[2:]):
        for c in range(y.shape[1]):
            for j in range(y.shape[1]):
                grad_x[(n, j, *rest)] += grad_y[(n, c, *rest)] * ((c == j) - np.exp(y[(n, j, *rest)]))
    return grad_x
