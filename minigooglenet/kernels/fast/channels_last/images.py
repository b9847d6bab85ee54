"""Images in compiled code: a flat array, the steps of its axes, and padded copies of some rows."""

from typing import NamedTuple

import numpy as np

from minigooglenet.kernels.fast.flat import typed
from minigooglenet.kernels.fast.jit import compiled
from minigooglenet.kernels.fast.simd import copy, fill


class Steps(NamedTuple):
    """How many values further on in memory the next image, channel, row and pixel is."""

    image: int
    channel: int
    row: int
    pixel: int


def flat(x):
    """Return (values, Steps) of x (N, C, H, W): a flat array that begins with the first value of x.

    Nothing is copied if channels are neighbours (channels last), or the pixels of a row (a network's input).
    """
    x = typed(x)  # an unaligned x is copied
    steps = Steps(*(stride // x.itemsize for stride in x.strides))
    for view in (x, x.transpose(0, 2, 3, 1)):
        if view.flags.c_contiguous:
            return view.reshape(-1), steps
    if any(stride % x.itemsize or stride < 0 for stride in x.strides) or 1 not in (steps.channel, steps.pixel):
        return flat(np.ascontiguousarray(x))
    count = 1 + sum((length - 1) * step for length, step in zip(x.shape, steps, strict=True)) if x.size else 0
    return np.lib.stride_tricks.as_strided(x, (count,), (x.itemsize,)), steps


def pixel_step(y, steps):
    """Return the step from one pixel of y (N, K, P, Q) to the next, through all rows and images."""
    images, _, rows, columns = y.shape
    lengths = (columns, steps.pixel), (rows, steps.row), (images, steps.image)
    return next((step for length, step in lengths if length > 1), y.shape[1])


@compiled
def packed_steps(steps, channels, rows, width):
    """Return (channel, row, pixel) steps of a copy that `pack` makes."""
    return (1, width * channels, channels) if steps[1] == 1 else (rows * width, width, 1)


@compiled
def pack(x, at, steps, channels, size, rows, left, width, out, to):
    """Copy some rows of an image, with padding, to out[to:]; the order of the axes stays the same.

    rows : (first, number, number of a copy: the distance between its channels, if these are not last)
    left, width : columns of zeros on the left, and all columns of a row
    """
    (height, across), (_, channel, row, pixel), zero = size, steps, x.dtype.type(0)
    planes, unit = (1, channels) if channel == 1 else (channels, 1)
    inside = max(0, min(across, width - left))
    begin, end = left * unit, (left + inside) * unit
    for c in range(planes):
        target = to + c * rows[2] * width
        for h in range(rows[0], rows[0] + rows[1]):
            if 0 <= h < height and inside > 0:
                fill(out, target, begin, zero)
                source = at + c * channel + h * row
                if pixel == unit:
                    copy(x, source, out, target + begin, end - begin)
                else:
                    for w in range(inside):
                        copy(x, source + w * pixel, out, target + begin + w * unit, unit)
                fill(out, target + end, width * unit - end, zero)
            else:
                fill(out, target, width * unit, zero)
            target += width * unit


@compiled
def pack_last(x, at, steps, channels, size, rows, left, width, out):
    """Copy some rows of an image, with padding, to `out`, (rows, width, C), whatever its axes' order.

    rows : (first, number)
    """
    to = 0
    for h in range(rows[0], rows[0] + rows[1]):
        for w in range(-left, width - left):
            inside = 0 <= h < size[0] and 0 <= w < size[1]
            source = at + h * steps[2] + w * steps[3]
            for c in range(channels):
                out[to + c] = x[source + c * steps[1]] if inside else x.dtype.type(0)
            to += channels
