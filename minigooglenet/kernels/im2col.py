"""Convolution as one matrix product, in NumPy.

Every window of the image becomes a column of C * R * S values; a convolution is then weight (K, C*R*S) times columns
(C*R*S, P*Q). The price is memory: a pixel is copied into every window that sees it. `col2im` is the transpose of
`im2col`, not its inverse: where windows overlap it adds.

Weights and settings are not checked against each other here: `conv2d` does that.
"""

import math

import numpy as np

from minigooglenet import shapes


def im2col(x, kernel_size, stride, padding):
    """Return columns (N, C*R*S, P*Q) of x (N, C, H, W)."""
    kernel_size, stride, padding = _in_full(kernel_size, stride, padding)
    images, channels, *input_size = x.shape
    size = shapes.output_size(input_size, kernel_size, stride, padding)
    padded = np.pad(x, ((0, 0), (0, 0), *padding))
    columns = np.empty((images, channels, *kernel_size, *size), x.dtype)
    for r, s, rows, cols in _shifts(kernel_size, stride, size):
        columns[:, :, r, s] = padded[:, :, rows, cols]
    return columns.reshape(images, -1, size[0] * size[1])


def col2im(columns, input_size, kernel_size, stride, padding):
    """Return (N, C, H, W): every column value added where `im2col` read it."""
    kernel_size, stride, padding = _in_full(kernel_size, stride, padding)
    images = columns.shape[0]
    size = shapes.output_size(input_size, kernel_size, stride, padding)
    (top, bottom), (left, right) = padding
    height, width = input_size
    columns = columns.reshape(images, -1, *kernel_size, *size)
    padded = np.zeros((images, columns.shape[1], top + height + bottom, left + width + right), columns.dtype)
    for r, s, rows, cols in _shifts(kernel_size, stride, size):
        padded[:, :, rows, cols] += columns[:, :, r, s]
    return padded[:, :, top : top + height, left : left + width].copy()


def forward(x, weight, bias, stride, padding, groups):
    """Return y (N, K, P, Q) for x (N, C, H, W), weight (K, C/groups, R, S) and bias (K,) or None."""
    kernel_size = weight.shape[2:]
    columns = im2col(x, kernel_size, stride, padding)
    y = _weight_matrices(weight, groups) @ _by_group(columns, groups)
    y = y.reshape(len(x), len(weight), *shapes.output_size(x.shape[2:], kernel_size, stride, padding))
    return y if bias is None else y + bias[:, None, None]


def workspace(x_shape, weight_shape, stride, padding, itemsize):
    """Return the bytes of the columns, of the padded images and of the product before its bias is added."""
    images, channels, height, width = x_shape
    (top, bottom), (left, right) = padding
    positions = math.prod(shapes.output_size((height, width), weight_shape[2:], stride, padding))
    columns = channels * math.prod(weight_shape[2:]) * positions
    padded = channels * (top + height + bottom) * (left + width + right)
    return images * (columns + max(padded, weight_shape[0] * positions)) * itemsize


def backward(grad_y, x, weight, bias, stride, padding, groups):
    """Return (grad_x, grad_weight, grad_bias): a product's gradient is a product with the other factor transposed."""
    kernel_size = weight.shape[2:]
    columns = _by_group(im2col(x, kernel_size, stride, padding), groups)
    grad_products = _by_group(grad_y.reshape(len(x), len(weight), -1), groups)
    grad_weight = (grad_products @ columns.swapaxes(-1, -2)).sum(axis=0).reshape(weight.shape)
    grad_columns = _weight_matrices(weight, groups).swapaxes(-1, -2) @ grad_products
    grad_x = col2im(grad_columns.reshape(len(x), -1, grad_columns.shape[-1]), x.shape[2:], kernel_size, stride, padding)
    return grad_x, grad_weight, None if bias is None else grad_y.sum(axis=(0, 2, 3))


def _in_full(kernel_size, stride, padding):
    return shapes.pair(kernel_size, "kernel_size"), shapes.pair(stride, "stride"), shapes.four_sided(padding)


def _shifts(kernel_size, stride, size):
    """Yield (r, s, rows, columns): the slices of the padded image that kernel position (r, s) meets."""
    for r in range(kernel_size[0]):
        for s in range(kernel_size[1]):
            rows = slice(r, r + stride[0] * (size[0] - 1) + 1, stride[0])
            yield r, s, rows, slice(s, s + stride[1] * (size[1] - 1) + 1, stride[1])


def _by_group(matrix, groups):
    return matrix.reshape(len(matrix), groups, -1, matrix.shape[-1])


def _weight_matrices(weight, groups):
    return weight.reshape(groups, len(weight) // groups, -1)
