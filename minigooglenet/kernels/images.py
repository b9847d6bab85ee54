"""A batch as compiled code sees it: one flat array, and how far it is from one image to the next."""

import numpy as np


def flat(x):
    """Return (values, step): x (N, C, ...) without axes, image n beginning at n * step.

    An image that lies in memory as one piece is not copied, so a block of channels of a larger array may be read and
    written through it.
    """
    if len(x) == 0 or x[0].size == 0:
        return np.empty(0, x.dtype), 0
    if not x[0].flags.c_contiguous or x.strides[0] % x.itemsize or x.strides[0] < 0:
        x = np.ascontiguousarray(x)
    step = x.strides[0] // x.itemsize if len(x) > 1 else x[0].size
    values = np.lib.stride_tricks.as_strided(x, ((len(x) - 1) * step + x[0].size,), (x.itemsize,))
    return values, step
