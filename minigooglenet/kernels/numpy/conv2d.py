"""Convolution as one matrix product: weight (K, C*R*S) times the im2col matrix (C*R*S, P*Q).

Gain: a factor of ten thousand, because the product is one call of a library that uses registers and caches well.
"""

import math

from minigooglenet import shapes
from minigooglenet.kernels.numpy.im2col import col2im, im2col


def forward(x, weight, bias, stride, padding, groups, dilation=(1, 1)):
    """Return y (N, K, P, Q) for x (N, C, H, W), weight (K, C/groups, R, S) and bias (K,) or None."""
    window = weight.shape[2:], stride, padding, dilation
    columns = im2col(x, *window)
    y = _weight_matrices(weight, groups) @ _by_group(columns, groups)
    y = y.reshape(len(x), len(weight), *shapes.output_size(x.shape[2:], *window))
    return y if bias is None else y + bias[:, None, None]


def backward(grad_y, x, weight, bias, stride, padding, groups, dilation=(1, 1)):
    """Return (grad_x, grad_weight, grad_bias): a product's gradient is a product with the other factor transposed."""
    window = weight.shape[2:], stride, padding, dilation
    columns = _by_group(im2col(x, *window), groups)
    grad_products = _by_group(grad_y.reshape(len(x), len(weight), -1), groups)
    grad_weight = (grad_products @ columns.swapaxes(-1, -2)).sum(axis=0).reshape(weight.shape)
    grad_columns = _weight_matrices(weight, groups).swapaxes(-1, -2) @ grad_products
    grad_x = col2im(grad_columns.reshape(len(x), -1, grad_columns.shape[-1]), x.shape[2:], *window)
    return grad_x, grad_weight, None if bias is None else grad_y.sum(axis=(0, 2, 3))


def workspace(x_shape, weight_shape, stride, padding, groups, threads, itemsize, dilation=(1, 1)):
    """Return (0, the bytes of the im2col matrix, and of the padded images or the product before its bias is added)."""
    images, channels, height, width = x_shape
    (top, bottom), (left, right) = padding
    positions = math.prod(shapes.output_size((height, width), weight_shape[2:], stride, padding, dilation))
    columns = channels * math.prod(weight_shape[2:]) * positions
    padded = channels * (top + height + bottom) * (left + width + right)
    return 0, images * (columns + max(padded, weight_shape[0] * positions)) * itemsize


def _by_group(matrix, groups):
    return matrix.reshape(len(matrix), groups, -1, matrix.shape[-1])


def _weight_matrices(weight, groups):
    return weight.reshape(groups, len(weight) // groups, -1)
