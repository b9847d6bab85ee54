"""ReLU: max(x, 0), value by value. NaN stays NaN."""

import numpy as np

from minigooglenet import checks


def forward(x):
    """Return y of the shape of x, float32 or float64."""
    checks.floating(x, "x", dtypes=checks.FLOATS)
    return np.maximum(x, x.dtype.type(0))


def backward(grad_y, y):
    """Return grad_x: the gradient passes where the output y is not zero (at exactly zero it does not)."""
    grad_y = checks.gradient(grad_y, y.shape, y.dtype)
    return np.where(y <= 0, y.dtype.type(0), grad_y)
