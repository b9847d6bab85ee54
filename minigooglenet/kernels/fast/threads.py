"""Work over threads where it pays, on arrays that may be slices along their channels."""

import numpy as np

from minigooglenet import parallel
from minigooglenet.kernels.fast.flat import typed

FEW = 1 << 17  # waking the threads takes about as long as passing so many values through a cheap kernel


def parallel_for(task, count, values, few=FEW):
    """Call `task(start, stop)` over 0 .. count: at once where the work holds few values, else one range a thread.

    Every operation is `parallel.flushed` already, so a task that runs at once is, too.
    """
    if values < few and parallel.team_rank() is None:
        task(0, count)
    else:
        parallel.parallel_for(task, count)


def blocks(x):
    """Return x itself if each of its images lies in one piece, else a copy in C order.

    A slice along the channels of a larger (N, C, ...) array passes: each of its images still lies in one piece.
    """
    return typed(x) if x.flags.c_contiguous or (x.ndim > 1 and x[0].flags.c_contiguous) else np.ascontiguousarray(x)


def rows(*arrays):
    """Return views (1, values) of arrays that lie in one piece, (N, values of an image) where one of them does not."""
    count = 1 if all(array.flags.c_contiguous for array in arrays) else len(arrays[0])
    return [array.reshape(count, -1) for array in arrays]


def pieces(start, stop, channels):
    """Cut places start .. stop of (N, C), counted over both axes, into (image, first channel, end channel)."""
    while start < stop:
        image, first = divmod(start, channels)
        end = min(channels, first + stop - start)
        yield image, first, end
        start += end - first
