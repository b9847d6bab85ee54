"""Local response normalisation of images with channels last: the squares of some pixels, padded with zero channels."""

import numpy as np

from minigooglenet.kernels.fast.channels_last.images import flat
from minigooglenet.kernels.fast.jit import compiled
from minigooglenet.kernels.fast.local_response_norm import times_power

TOGETHER = 1 << 11  # values of the pixels that are normalised together: they fit into the L1 cache


def bind(x, size, alpha, beta, k, y):
    """Return [(task, count)] for `parallel_for`; every run computes y from x, both (N, C, H, W)."""
    constants = [x.dtype.type(value) for value in (alpha / size, beta, k)]
    settings = *flat(x), *flat(y), x.shape[1:], size, *constants

    def task(start, stop):
        _normalise(*settings, start, stop)

    return [(task, len(x) * x.shape[2])]


@compiled
def _normalise(x, steps, y, y_steps, shape, size, ratio, beta, k, start, stop):
    """Compute the rows start .. stop, counted through all images."""
    channels, height, width = shape
    pitch, together = channels + size - 1, max(1, TOGETHER // channels)
    squares, total = np.zeros(together * pitch + size, x.dtype), np.empty(together * pitch, x.dtype)
    for row in range(start, stop):
        at = row // height * steps[0] + row % height * steps[2]
        to = row // height * y_steps[0] + row % height * y_steps[2]
        for first in range(0, width, together):
            some = min(together, width - first)
            for i in range(some):
                source, begin = at + (first + i) * steps[3], i * pitch + size // 2
                for c in range(channels):
                    value = x[np.uintp(source + c)]
                    squares[np.uintp(begin + c)] = value * value
            total[:] = 0
            for shift in range(size):
                for i in range(some * pitch):
                    total[np.uintp(i)] += squares[np.uintp(i + shift)]
            for i in range(some * pitch):
                total[np.uintp(i)] = k + ratio * total[np.uintp(i)]
            for i in range(some):
                source, target = at + (first + i) * steps[3], to + (first + i) * y_steps[3]
                times_power(x, source, total, i * pitch, beta, y, target, channels)
