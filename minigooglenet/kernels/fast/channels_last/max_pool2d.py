"""Max pooling of images with channels last: the maximum of the window's pixels, for a vector of channels at a time."""

import numpy as np

from minigooglenet.kernels.fast.channels_last.images import flat
from minigooglenet.kernels.fast.jit import compiled
from minigooglenet.kernels.fast.simd import lanes, larger_or_nan, load, store


def bind(x, kernel_size, stride, padding, y):
    """Return [(task, count)] for `parallel_for`; every run pools x (N, C, H, W) into y (N, C, P, Q)."""
    arrays = *flat(x), *flat(y)
    settings = x.shape[1:], y.shape[2:], kernel_size, stride, (padding[0][0], padding[1][0])

    def task(start, stop):
        _pool(*arrays, *settings, start, stop)

    return [(task, len(x) * y.shape[2])]


@compiled
def _pool(x, steps, y, y_steps, shape, windows, kernel, stride, before, start, stop):
    """Compute the output rows start .. stop, counted through all images."""
    (channels, height, width), count = shape, lanes(x)
    offsets = np.empty(kernel[0] * kernel[1], np.int64)
    for row in range(start, stop):
        n, p = row // windows[0], row % windows[0]
        top = p * stride[0] - before[0]
        for q in range(windows[1]):
            left, number = q * stride[1] - before[1], 0
            for h in range(max(0, top), min(height, top + kernel[0])):
                for w in range(max(0, left), min(width, left + kernel[1])):
                    offsets[number] = n * steps[0] + h * steps[2] + w * steps[3]
                    number += 1
            to = n * y_steps[0] + p * y_steps[2] + q * y_steps[3]
            whole = channels // count * count
            for c in range(0, whole, count):
                best = load(x, offsets[0] + c)
                for i in range(1, number):
                    best = larger_or_nan(load(x, offsets[i] + c), best)
                store(y, to + c, best)
            for c in range(whole, channels):
                most = x[offsets[0] + c]
                for i in range(1, number):
                    value = x[offsets[i] + c]
                    if value > most or np.isnan(value):
                        most = value
                y[to + c] = most
