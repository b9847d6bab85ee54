"""ReLU as its definition: negative values become zero; NaN stays."""

import numpy as np


def forward(x):
    """Return (y, mask) of the shape of x; `mask` is False where the output is zero."""
    y, mask = x.copy(), np.ones(x.shape, bool)
    for place in np.ndindex(x.shape):
        if x[place] <= 0:
            y[place], mask[place] = 0, False
    return y, mask


def backward(grad_y, mask):
    """Return grad_x: the gradient where the value passed, zero elsewhere."""
    grad_x = np.zeros_like(grad_y)
    for place in np.ndindex(mask.shape):
        if mask[place]:
            grad_x[place] = grad_y[place]
    return grad_x
