"""ReLU of images with channels last, which may be channels of a larger array: where a branch writes into its concat."""

import numpy as np

from minigooglenet.kernels.fast.channels_last.images import flat
from minigooglenet.kernels.fast.jit import compiled


def bind(x, y):
    """Return [(task, count)] for `parallel_for`; every run writes max(x, 0) to y, both (N, C, H, W)."""
    settings = *flat(x), *flat(y), x.shape[1:]

    def task(start, stop):
        _limit(*settings, start, stop)

    return [(task, len(x) * x.shape[2])]


@compiled
def _limit(x, steps, y, y_steps, shape, start, stop):
    """Compute the rows start .. stop, counted through all images."""
    channels, height, width = shape
    for row in range(start, stop):
        n, h = row // height, row % height
        for w in range(width):
            at = n * steps[0] + h * steps[2] + w * steps[3]
            to = n * y_steps[0] + h * y_steps[2] + w * y_steps[3]
            for c in range(channels):
                value = x[np.uintp(at + c)]
                y[np.uintp(to + c)] = value if not value <= 0 else 0  # a NaN stays NaN
