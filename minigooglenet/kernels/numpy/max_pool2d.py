"""Max pooling: windows as the last axis of an array, then one call of argmax.

NumPy's `argmax` returns the first of tied values, and prefers a NaN to all other values, as max pooling does.
"""

import numpy as np

from minigooglenet import shapes
from minigooglenet.kernels.numpy.windows import windows


def forward(x, kernel_size, stride, padding, ceil_mode=False):
    """Return (y, argmax), both (N, C, P, Q): the maximum of each window and its position r * S + s in the window."""
    size = shapes.output_size(x.shape[2:], kernel_size, stride, padding, ceil_mode=ceil_mode)
    values = windows(x, size, kernel_size, stride, padding, fill=-np.inf)
    values = values.reshape(*values.shape[:4], -1)
    argmax = values.argmax(axis=-1)
    y = np.take_along_axis(values, argmax[..., None], axis=-1)[..., 0]
    # Padding is never the maximum: in a window of only -inf, the argmax is the first real position.
    return y, np.where(y == -np.inf, _first_real(size, kernel_size, stride, padding), argmax)


def backward(grad_y, argmax, input_size, kernel_size, stride, padding):
    """Return grad_x (N, C, H, W): each window's gradient is added at its argmax.

    `np.add.at` adds once per window. `grad_x[...] += grad_y` would keep the gradient of only one of the windows that
    have the same maximum, and the network would still train.
    """
    grad_x = np.zeros((*grad_y.shape[:2], *input_size), grad_y.dtype)
    n, c, p, q = np.ogrid[tuple(map(slice, grad_y.shape))]
    r, s = np.divmod(argmax.astype(np.intp), kernel_size[1])
    (top, _), (left, _) = padding
    np.add.at(grad_x, (n, c, p * stride[0] - top + r, q * stride[1] - left + s), grad_y)
    return grad_x


def _first_real(size, kernel_size, stride, padding):
    """Return (P, Q), the first position r * S + s of each window that is inside the image."""
    r, s = (np.maximum(0, padding[axis][0] - np.arange(size[axis]) * stride[axis]) for axis in range(2))
    return r[:, None] * kernel_size[1] + s
