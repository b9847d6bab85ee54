"""Average pooling: the sum of each window, divided by a table of divisors.

The divisors differ at the border: padding may count, but the out-of-bounds part of a ceil-mode window never does.
"""

import numpy as np

from minigooglenet import shapes
from minigooglenet.kernels.numpy.windows import padded, shifts, windows


def forward(x, kernel_size, stride, padding, ceil_mode=False, count_include_pad=True):
    """Return y (N, C, P, Q), the mean of each window; sums are in float64."""
    size = shapes.output_size(x.shape[2:], kernel_size, stride, padding, ceil_mode=ceil_mode)
    values = windows(x, size, kernel_size, stride, padding, fill=0)
    sums = values.sum(axis=(-2, -1), dtype=np.result_type(x, np.float64))
    return (sums / _divisors(x.shape[2:], size, kernel_size, stride, padding, count_include_pad)).astype(x.dtype)


def backward(grad_y, input_size, kernel_size, stride, padding, count_include_pad=True):
    """Return grad_x (N, C, H, W): each value of a window gets the window's gradient over the divisor."""
    size = grad_y.shape[2:]
    divisors = _divisors(input_size, size, kernel_size, stride, padding, count_include_pad)
    quotients = grad_y / divisors.astype(grad_y.real.dtype)
    grad_x = np.zeros((*grad_y.shape[:2], *input_size), grad_y.dtype)
    grad_padded = padded(grad_x, size, kernel_size, stride, padding, fill=0)
    for _, _, rows, columns in shifts(kernel_size, stride, size):
        grad_padded[:, :, rows, columns] += quotients
    (top, _), (left, _) = padding
    return grad_padded[:, :, top : top + input_size[0], left : left + input_size[1]].copy()


def _divisors(input_size, size, kernel_size, stride, padding, count_include_pad):
    """Return (P, Q), the number of positions of each window that count."""
    lengths = []
    for axis in range(2):
        along = input_size[axis], kernel_size[axis], stride[axis]
        if count_include_pad:
            lengths.append([shapes.padded_window_length(i, *along, padding[axis]) for i in range(size[axis])])
        else:
            real = (shapes.real_window(i, *along, padding[axis][0]) for i in range(size[axis]))
            lengths.append([end - start for start, end in real])
    return np.multiply.outer(*lengths)
