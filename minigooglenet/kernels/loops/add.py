"""Addition by definition: value by value."""

import numpy as np


def forward(*xs):
    """Return the sum of arrays of one shape."""
    y = np.zeros_like(xs[0])
    for index in np.ndindex(y.shape):
        for x in xs:
            y[index] += x[index]
    return y


def backward(grad_y, count):
    """Return `count` gradients, each equal to grad_y."""
    return tuple(grad_y.copy() for _ in range(count))
