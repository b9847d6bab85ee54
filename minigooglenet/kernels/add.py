"""Addition of arrays of one shape."""

import numpy as np

from minigooglenet import checks
from minigooglenet.kernels.fast.threads import spread


def forward(*xs):
    """Return the sum of arrays of one shape, in their dtype."""
    checks.of_one_dtype(xs)
    output_shape(*(x.shape for x in xs))
    y = np.empty(xs[0].shape, xs[0].dtype)
    terms = [np.atleast_1d(x) for x in xs]
    total = y.reshape(terms[0].shape)

    def task(start, stop):
        if len(terms) == 1:
            total[start:stop] = terms[0][start:stop]
            return
        np.add(terms[0][start:stop], terms[1][start:stop], out=total[start:stop])  # one pass, not a copy first
        for term in terms[2:]:
            total[start:stop] += term[start:stop]

    spread(task, len(total), y.size, few=1 << 20)
    return y


def backward(grad_y, count):
    """Return `count` gradients: every term of a sum gets the whole gradient, in an array of its own."""
    checks.floating(grad_y, "grad_y")
    return tuple(grad_y.copy() for _ in range(count))


def output_shape(*x_shapes):
    """Return the one shape of all inputs, or name the input that differs."""
    if not x_shapes:
        raise ValueError("add needs at least one input, got none")
    common = max(x_shapes, key=x_shapes.count)
    for i, shape in enumerate(x_shapes):
        if tuple(shape) != tuple(common):
            other = x_shapes.index(common)
            raise ValueError(f"add needs equal shapes: input {i} is {tuple(shape)}, input {other} is {tuple(common)}")
    return tuple(common)
