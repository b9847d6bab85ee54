"""Addition as its definition: value by value."""

import numpy as np


def forward(*xs):
    """Return the sum of arrays of one shape."""
    y = np.zeros_like(xs[0])
    for place in np.ndindex(y.shape):
        for x in xs:
            y[place] += x[place]
    return y


def backward(grad_y, count):
    """Return `count` gradients: every term of a sum gets the whole gradient."""
    return tuple(grad_y.copy() for _ in range(count))
