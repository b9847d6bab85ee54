"""Whether two arrays have the same bits, as fast as memory can be read."""

import numpy as np

from minigooglenet.kernels.fast.jit import compiled

TOGETHER = 4096  # values between two looks at the result, so that the compiler can use vectors


@compiled
def differ(a, b, start, stop):
    """Return whether a[start:stop] and b[start:stop], unsigned integers, differ."""
    for first in range(start, stop, TOGETHER):
        difference = a.dtype.type(0)
        for i in range(first, min(stop, first + TOGETHER)):
            difference |= a[np.uintp(i)] ^ b[np.uintp(i)]
        if difference != 0:
            return True
    return False
