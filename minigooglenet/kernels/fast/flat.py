"""A batch as compiled code sees it: one flat array, and how far it is from one image to the next."""

import numpy as np


class _Shared:
    """The memory of an array, as NumPy's array interface describes it."""

    def __init__(self, x):
        self.array = x  # keeps the memory
        self.__array_interface__ = x.__array_interface__ | {"data": (x.__array_interface__["data"][0], False)}


def typed(x):
    """Return the values of x in an array of the one type for which kernels are compiled: aligned and writeable.

    Numba compiles a function once more for read-only arrays. Kernels never write to what they only read.
    """
    if x.flags.writeable and x.flags.aligned:
        return x
    return np.asarray(_Shared(x)) if x.flags.aligned else x.copy()


def flat(x):
    """Return (values, step): x (N, C, ...) without axes, image n beginning at n * step.

    An image that lies in memory as one piece is not copied, so a block of channels of a larger array may be read and
    written through it.
    """
    if len(x) == 0 or x[0].size == 0:
        return np.empty(0, x.dtype), 0
    if not x[0].flags.c_contiguous or x.strides[0] % x.itemsize or x.strides[0] < 0:
        x = np.ascontiguousarray(x)
    x = typed(x)
    step = x.strides[0] // x.itemsize if len(x) > 1 else x[0].size
    values = np.lib.stride_tricks.as_strided(x, ((len(x) - 1) * step + x[0].size,), (x.itemsize,))
    return values, step
