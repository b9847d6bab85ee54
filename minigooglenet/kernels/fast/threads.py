"""Split work over threads if it pays, for arrays that may be slices along their channels."""

import numpy as np

from minigooglenet import parallel
from minigooglenet.kernels.fast.flat import typed

FEW = 1 << 17  # waking the threads takes about as long as computing so many values in a cheap kernel


def parallel_for(task, count, values, few=FEW):
    """Call `task(start, stop)` for ranges that cover 0 .. count: one range for few values, else one range per thread.

    Every operation is already `parallel.flushed`, so a task in the calling thread is too.
    """
    if values < few:
        task(0, count)
    else:
        parallel.parallel_for(task, count)


def blocks(x):
    """Return x itself if each of its images is contiguous, else a copy in C order.

    A slice along the channels of a larger (N, C, ...) array is not copied: each of its images is still contiguous.
    """
    return typed(x) if x.flags.c_contiguous or (x.ndim > 1 and x[0].flags.c_contiguous) else np.ascontiguousarray(x)


def rows(*arrays):
    """Return views (1, values) if all arrays are contiguous, else views (N, values of an image)."""
    count = 1 if all(array.flags.c_contiguous for array in arrays) else len(arrays[0])
    return [array.reshape(count, -1) for array in arrays]


def pieces(start, stop, channels):
    """Yield (image, first channel, end channel) for the flat indices start .. stop into (N, C)."""
    while start < stop:
        image, first = divmod(start, channels)
        end = min(channels, first + stop - start)
        yield image, first, end
        start += end - first
