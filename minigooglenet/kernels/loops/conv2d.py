"""Convolution as its definition: seven nested loops, no idea of speed. Every other form is held against this one.

y[n, k, p, q] = bias[k] + sum over c, r, s of weight[k, c, r, s] * x[n, c, p * stride - top + r, q * stride - left + s]

Positions outside the image are zero. (Strictly this is a cross-correlation: the kernel is not flipped.)
"""

import numpy as np

from minigooglenet import shapes


def forward(x, weight, bias, stride, padding, groups):
    """Return y (N, K, P, Q) for x (N, C, H, W), weight (K, C/groups, R, S) and bias (K,) or None."""
    y = np.zeros((x.shape[0], weight.shape[0], *_output_size(x, weight, stride, padding)), x.dtype)
    for n, k, p, q in np.ndindex(y.shape):
        total = x.dtype.type(0)
        for c, r, s, i, h, w in _touched(x, weight, k, p, q, stride, padding, groups):
            total += weight[k, c, r, s] * x[n, i, h, w]
        y[n, k, p, q] = total if bias is None else total + bias[k]
    return y


def backward(grad_y, x, weight, bias, stride, padding, groups):
    """Return (grad_x, grad_weight, grad_bias): the same loops, each product sent back to its two factors."""
    grad_x, grad_weight = np.zeros_like(x), np.zeros_like(weight, dtype=x.dtype)
    grad_bias = None if bias is None else np.zeros_like(bias, dtype=x.dtype)
    for n, k, p, q in np.ndindex(grad_y.shape):
        for c, r, s, i, h, w in _touched(x, weight, k, p, q, stride, padding, groups):
            grad_x[n, i, h, w] += grad_y[n, k, p, q] * weight[k, c, r, s]
            grad_weight[k, c, r, s] += grad_y[n, k, p, q] * x[n, i, h, w]
        if bias is not None:
            grad_bias[k] += grad_y[n, k, p, q]
    return grad_x, grad_weight, grad_bias


def _output_size(x, weight, stride, padding):
    return shapes.output_size(x.shape[2:], weight.shape[2:], stride, padding)


def _touched(x, weight, k, p, q, stride, padding, groups):
    """Yield (c, r, s, i, h, w): output (k, p, q) multiplies weight[k, c, r, s] by x[:, i, h, w]."""
    (top, _), (left, _) = padding
    filters, channels, kernel_height, kernel_width = weight.shape
    first_channel = k // (filters // groups) * channels
    for c in range(channels):
        for r in range(kernel_height):
            for s in range(kernel_width):
                h, w = p * stride[0] - top + r, q * stride[1] - left + s
                if 0 <= h < x.shape[2] and 0 <= w < x.shape[3]:
                    yield c, r, s, first_channel + c, h, w
