"""Adaptive average pooling: the mean of each window, the windows so placed that every map gives the same output size.

The windows are not all alike: of 14 values for 4 outputs they start at 0, 3, 7 and 10. The loops are average pooling's.
"""

import numpy as np

from minigooglenet import checks, shapes
from minigooglenet.kernels.avg_pool2d import averages, shares


def forward(x, output_size, *, out=None):
    """Pool x (N, C, H, W), float32, float64 or complex128, to output_size (P, Q) or one number for both.

    `out` (N, C, P, Q), perhaps a slice along the channels of a larger array, is where y is written if given.

    Returns
    -------
    y : (N, C, P, Q)
    """
    checks.floating(x, "x", 4)
    output_size = shapes.pair(output_size, "output_size")
    return averages(x, output_size, _windows(x.shape[2:], output_size), out)


def backward(grad_y, input_size):
    """Return grad_x (N, C, H, W): each window's gradient shared among its values, for input_size = (H, W)."""
    checks.floating(grad_y, "grad_y", 4)
    input_size = shapes.pair(input_size, "input_size")
    return shares(grad_y, input_size, _windows(input_size, grad_y.shape[2:]))


def _windows(input_size, output_size):
    rows, columns = (
        np.array([shapes.adaptive_window(i, size, count) for i in range(count)])
        for size, count in zip(input_size, output_size, strict=True)
    )
    return rows, columns, np.multiply.outer(rows[:, 1] - rows[:, 0], columns[:, 1] - columns[:, 0])
