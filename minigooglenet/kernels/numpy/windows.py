"""The windows of a pool as a view, and the slices of an image that each kernel position reads.

Both use the same padded image. A view needs no memory: `sliding_window_view` only changes the strides.
"""

import numpy as np


def padded(x, size, kernel_size, stride, padding, fill):
    """Return x (N, C, H, W) with `fill` around it, just large enough for `size` (P, Q) windows.

    In ceil mode the last window may extend past the padding; that part is filled like padding.
    """
    sides = []
    for axis in range(2):
        before, after = padding[axis]
        end = (size[axis] - 1) * stride[axis] + kernel_size[axis]
        sides.append((before, max(after, end - before - x.shape[2 + axis])))
    return np.pad(x, ((0, 0), (0, 0), *sides), constant_values=fill)


def windows(x, size, kernel_size, stride, padding, fill):
    """Return a view (N, C, P, Q, R, S) of the padded image: window (p, q) and its R x S values."""
    image = padded(x, size, kernel_size, stride, padding, fill)
    view = np.lib.stride_tricks.sliding_window_view(image, kernel_size, axis=(2, 3))
    return view[:, :, :: stride[0], :: stride[1]][:, :, : size[0], : size[1]]


def shifts(kernel_size, stride, size, dilation=(1, 1)):
    """Yield (r, s, rows, columns): the slices of the padded image that kernel position (r, s) reads."""
    for r in range(kernel_size[0]):
        for s in range(kernel_size[1]):
            h, w = r * dilation[0], s * dilation[1]
            rows = slice(h, h + stride[0] * (size[0] - 1) + 1, stride[0])
            yield r, s, rows, slice(w, w + stride[1] * (size[1] - 1) + 1, stride[1])
