"""Max pooling by definition: compare the values of a window in order and keep the first maximum."""

import numpy as np

from minigooglenet import shapes


def forward(x, kernel_size, stride, padding, ceil_mode=False):
    """Return (y, argmax), both (N, C, P, Q): the maximum of each window and its position r * S + s."""
    size = shapes.output_size(x.shape[2:], kernel_size, stride, padding, ceil_mode=ceil_mode)
    y = np.empty((*x.shape[:2], *size), x.dtype)
    argmax = np.empty(y.shape, np.int64)
    (top, _), (left, _) = padding
    for n, c, p, q in np.ndindex(y.shape):
        best, position = None, None
        for r in range(kernel_size[0]):
            for s in range(kernel_size[1]):
                h, w = p * stride[0] - top + r, q * stride[1] - left + s
                if not (0 <= h < x.shape[2] and 0 <= w < x.shape[3]):
                    continue  # padding is never the maximum
                value = x[n, c, h, w]
                first_nan = np.isnan(value) and not (position is not None and np.isnan(best))
                if position is None or value > best or first_nan:
                    best, position = value, r * kernel_size[1] + s
        y[n, c, p, q], argmax[n, c, p, q] = best, position
    return y, argmax


def backward(grad_y, argmax, input_size, kernel_size, stride, padding):
    """Return grad_x (N, C, H, W): each window's gradient is added at its argmax."""
    grad_x = np.zeros((*grad_y.shape[:2], *input_size), grad_y.dtype)
    (top, _), (left, _) = padding
    for n, c, p, q in np.ndindex(grad_y.shape):
        r, s = divmod(int(argmax[n, c, p, q]), kernel_size[1])
        grad_x[n, c, p * stride[0] - top + r, q * stride[1] - left + s] += grad_y[n, c, p, q]
    return grad_x
