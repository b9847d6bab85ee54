"""im2col: every window of an image becomes a column of a matrix, so that a convolution is one matrix product.

The price is memory: each pixel is copied into every window that reads it. `col2im` is the transpose of `im2col`, not
its inverse: where windows overlap, it adds.
"""

import numpy as np

from minigooglenet import shapes
from minigooglenet.kernels.numpy.windows import shifts


def im2col(x, kernel_size, stride, padding, dilation=1):
    """Return the im2col matrices (N, C*R*S, P*Q) of x (N, C, H, W)."""
    kernel_size, stride, padding, dilation = _in_full(kernel_size, stride, padding, dilation)
    images, channels, *input_size = x.shape
    size = shapes.output_size(input_size, kernel_size, stride, padding, dilation)
    padded = np.pad(x, ((0, 0), (0, 0), *padding))
    columns = np.empty((images, channels, *kernel_size, *size), x.dtype)
    for r, s, rows, cols in shifts(kernel_size, stride, size, dilation):
        columns[:, :, r, s] = padded[:, :, rows, cols]
    return columns.reshape(images, -1, size[0] * size[1])


def col2im(columns, input_size, kernel_size, stride, padding, dilation=1):
    """Return (N, C, H, W): every value of a column is added at the position from which `im2col` read it."""
    kernel_size, stride, padding, dilation = _in_full(kernel_size, stride, padding, dilation)
    images = columns.shape[0]
    size = shapes.output_size(input_size, kernel_size, stride, padding, dilation)
    (top, bottom), (left, right) = padding
    height, width = input_size
    columns = columns.reshape(images, -1, *kernel_size, *size)
    padded = np.zeros((images, columns.shape[1], top + height + bottom, left + width + right), columns.dtype)
    for r, s, rows, cols in shifts(kernel_size, stride, size, dilation):
        padded[:, :, rows, cols] += columns[:, :, r, s]
    return padded[:, :, top : top + height, left : left + width].copy()


def _in_full(kernel_size, stride, padding, dilation):
    kernel_size, stride = shapes.pair(kernel_size, "kernel_size"), shapes.pair(stride, "stride")
    return kernel_size, stride, shapes.four_sided(padding), shapes.pair(dilation, "dilation")
