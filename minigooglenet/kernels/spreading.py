"""Work over threads where it pays, on arrays that may be slices along their channels."""

import functools

import numpy as np

from minigooglenet import checks, parallel
from minigooglenet.kernels.images import typed

FEW = 1 << 17  # waking the threads takes about as long as passing so many values through a cheap kernel


def spread(task, count, values, few=FEW):
    """Call `task(start, stop)` over 0 .. count: at once where the work holds few values, else one range a thread."""
    if values < few and parallel.team() is None:
        with parallel.flushing():
            task(0, count)
    else:
        parallel.spread(task, count)


def flushed(function):
    """Let a function of NumPy compute as compiled kernels do: subnormal numbers are zero (`subnormals`)."""

    @functools.wraps(function)
    def flushing(*args, **kwargs):
        with parallel.flushing():
            return function(*args, **kwargs)

    return flushing


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


def result(out, shape, dtype, x=None):
    """Return the array to write a result into: `out` once it is known to fit, else a new one.

    x : the input, if it is still read while the result is written, so that `out` must not overlap it
    """
    if out is None:
        return np.empty(shape, dtype)
    checks.has_shape(out, "out", shape)
    if out.dtype != dtype:
        raise TypeError(f"out must hold {dtype}, as the input, got {out.dtype}")
    step, image = (out.strides[0], out.nbytes // len(out)) if out.ndim else (0, 0)
    if out.ndim and len(out) > 1 and (step < image or step % out.itemsize):
        raise ValueError(
            f"the images of out must follow one another in memory: an image takes {image} bytes, and out.strides[0] is "
            f"{step}. Pass an array in C order, or a slice of one along its channels."
        )
    if not (out.flags.writeable and blocks(out) is out):
        raise ValueError("out must be writeable, and each of its images must lie in one piece")
    if x is not None and np.may_share_memory(out, x) and np.shares_memory(out, x):
        raise ValueError("out must not overlap the input, which is read while out is written. Pass another array.")
    return out
