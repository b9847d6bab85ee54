"""Average pooling of images with channels last: float64 sums for all channels of a window."""

import numpy as np

from minigooglenet.kernels.fast.channels_last.images import flat
from minigooglenet.kernels.fast.jit import compiled


def bind(x, windows, y):
    """Return [(task, count)] for `parallel_for`; every run writes the averages of x (N, C, H, W) to y (N, C, P, Q).

    windows : integers (rows (P, 2), columns (Q, 2), divisors (P, Q))
    """
    rows, columns, divisors = windows
    settings = *flat(x), *flat(y), x.shape[1], rows, columns, divisors.astype(np.float64)

    def task(start, stop):
        _average(*settings, start, stop)

    return [(task, len(x) * y.shape[2])]


@compiled
def _average(x, steps, y, y_steps, channels, rows, columns, divisors, start, stop):
    """Compute the output rows start .. stop, counted through all images."""
    sums = np.empty(channels, np.float64)  # float32 sums of large windows would accumulate round-off
    for row in range(start, stop):
        n, p = row // len(rows), row % len(rows)
        for q in range(len(columns)):
            sums[:] = 0
            for h in range(rows[p, 0], rows[p, 1]):
                for w in range(columns[q, 0], columns[q, 1]):
                    at = n * steps[0] + h * steps[2] + w * steps[3]
                    for c in range(channels):
                        sums[c] += x[np.uintp(at + c)]
            to = n * y_steps[0] + p * y_steps[2] + q * y_steps[3]
            for c in range(channels):
                y[np.uintp(to + c)] = sums[c] / divisors[p, q]
