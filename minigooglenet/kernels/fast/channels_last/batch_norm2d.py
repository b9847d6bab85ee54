"""Batch normalisation of images with channels last, with given statistics."""

import numpy as np

from minigooglenet.kernels.fast.channels_last.images import flat
from minigooglenet.kernels.fast.flat import typed
from minigooglenet.kernels.fast.jit import compiled


def bind(x, weight, bias, mean, var, eps, y):
    """Return [(task, count)] for `parallel_for`; every run normalises x (N, C, H, W) and writes y."""
    constants = [typed(np.ascontiguousarray(a)) for a in (weight, bias, mean, var)]
    settings = *flat(x), *flat(y), *constants, x.dtype.type(eps), x.shape[2:]

    def task(start, stop):
        _normalise(*settings, start, stop)

    return [(task, len(x) * x.shape[2])]


@compiled
def _normalise(x, steps, y, y_steps, weight, bias, mean, var, eps, size, start, stop):
    """Compute the rows start .. stop, counted through all images."""
    factors = np.empty(len(weight), x.dtype)
    for c in range(len(weight)):
        factors[c] = weight[c] / np.sqrt(var[c] + eps)
    for row in range(start, stop):
        n, h = row // size[0], row % size[0]
        for w in range(size[1]):
            at = n * steps[0] + h * steps[2] + w * steps[3]
            to = n * y_steps[0] + h * y_steps[2] + w * y_steps[3]
            for c in range(len(weight)):
                y[np.uintp(to + c)] = (x[np.uintp(at + c)] - mean[c]) * factors[c] + bias[c]
