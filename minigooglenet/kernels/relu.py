"""ReLU: max(x, 0), value by value. NaN stays NaN."""

import numpy as np

from minigooglenet import checks


def forward(x):
    """Return (y, passed) of the shape of x, float32 or float64; `passed` is False where the output is zero."""
    checks.floating(x, "x", dtypes=checks.FLOATS)
    y = np.maximum(x, x.dtype.type(0))
    return y, ~(y <= 0)


def backward(grad_y, passed):
    """Return grad_x: the gradient where the value passed, zero elsewhere (at exactly zero too)."""
    checks.has_shape(checks.floating(grad_y, "grad_y", dtypes=checks.FLOATS), "grad_y", passed.shape)
    return np.where(passed, grad_y, grad_y.dtype.type(0))
