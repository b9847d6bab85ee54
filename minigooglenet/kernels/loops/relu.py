"""ReLU as its definition: negative values become zero; NaN stays."""

import numpy as np


def forward(x):
    """Return (y, passed) of the shape of x; `passed` is False where the output is zero."""
    y, passed = x.copy(), np.ones(x.shape, bool)
    for place in np.ndindex(x.shape):
        if x[place] <= 0:
            y[place], passed[place] = 0, False
    return y, passed


def backward(grad_y, passed):
    """Return grad_x: the gradient where the value passed, zero elsewhere."""
    grad_x = np.zeros_like(grad_y)
    for place in np.ndindex(passed.shape):
        if passed[place]:
            grad_x[place] = grad_y[place]
    return grad_x
