"""A batch for compiled code: one flat array, and the distance from one image to the next."""

import numpy as np


class _Shared:
    """The memory of an array, as NumPy's array interface describes it."""

    def __init__(self, x):
        self.array = x  # keeps the memory
        self.__array_interface__ = x.__array_interface__ | {"data": (x.__array_interface__["data"][0], False)}


def typed(x):
    """Return x as an aligned and writeable array, the only type for which kernels are compiled.

    Numba would compile a function again for read-only arrays. Kernels never write to their inputs.
    """
    if x.flags.writeable and x.flags.aligned:
        return x
    return np.asarray(_Shared(x)) if x.flags.aligned else x.copy()


def flat(x):
    """Return (values, step): x (N, C, ...) as a flat array in which image n starts at n * step.

    Contiguous images are not copied, so a block of channels of a larger array can be read and written through it.
    """
    if x.size == 0:
        return np.empty(0, x.dtype), 0
    if x.flags.c_contiguous:
        return typed(x).reshape(-1), x.size // len(x)
    if not x[0].flags.c_contiguous or x.strides[0] % x.itemsize or x.strides[0] < 0:
        x = np.ascontiguousarray(x)
    x = typed(x)
    step = x.strides[0] // x.itemsize if len(x) > 1 else x[0].size
    values = np.lib.stride_tricks.as_strided(x, ((len(x) - 1) * step + x[0].size,), (x.itemsize,))
    return values, step
