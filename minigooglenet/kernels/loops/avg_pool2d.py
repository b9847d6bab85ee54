"""Average pooling by definition: add up a window and divide by the number of positions that count."""

import numpy as np

from minigooglenet import shapes


def forward(x, kernel_size, stride, padding, ceil_mode=False, count_include_pad=True):
    """Return y (N, C, P, Q), the mean of each window; padding counts as zeros, or not at all."""
    size = shapes.output_size(x.shape[2:], kernel_size, stride, padding, ceil_mode=ceil_mode)
    y = np.empty((*x.shape[:2], *size), x.dtype)
    for n, c, p, q in np.ndindex(y.shape):
        total = x.dtype.type(0)
        positions, divisor = _window(p, q, x.shape[2:], kernel_size, stride, padding, count_include_pad)
        for h, w in positions:
            total += x[n, c, h, w]
        y[n, c, p, q] = total / divisor
    return y


def backward(grad_y, input_size, kernel_size, stride, padding, count_include_pad=True):
    """Return grad_x (N, C, H, W): each real position of a window gets the window's gradient over the divisor."""
    grad_x = np.zeros((*grad_y.shape[:2], *input_size), grad_y.dtype)
    for n, c, p, q in np.ndindex(grad_y.shape):
        positions, divisor = _window(p, q, input_size, kernel_size, stride, padding, count_include_pad)
        for h, w in positions:
            grad_x[n, c, h, w] += grad_y[n, c, p, q] / divisor
    return grad_x


def _window(p, q, input_size, kernel_size, stride, padding, count_include_pad):
    """Return the real positions of window (p, q) and its divisor, which never counts out-of-bounds positions."""
    (top, bottom), (left, right) = padding
    positions, counted = [], 0
    for r in range(kernel_size[0]):
        for s in range(kernel_size[1]):
            h, w = p * stride[0] - top + r, q * stride[1] - left + s
            if 0 <= h < input_size[0] and 0 <= w < input_size[1]:
                positions.append((h, w))
            if h < input_size[0] + bottom and w < input_size[1] + right:
                counted += 1
    return positions, counted if count_include_pad else len(positions)
