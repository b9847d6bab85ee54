"""ReLU by definition: negative values become zero; NaN stays NaN."""

import numpy as np


def forward(x):
    """Return (y, mask) of the shape of x; `mask` is False where the output is zero."""
    y, mask = x.copy(), np.ones(x.shape, bool)
    for index in np.ndindex(x.shape):
        if x[index] <= 0:
            y[index], mask[index] = 0, False
    return y, mask


def backward(grad_y, mask):
    """Return grad_x: grad_y where the mask is True, zero elsewhere."""
    grad_x = np.zeros_like(grad_y)
    for index in np.ndindex(mask.shape):
        if mask[index]:
            grad_x[index] = grad_y[index]
    return grad_x
