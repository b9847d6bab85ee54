"""Convolution by definition: seven nested loops. Tests compare every other algorithm with this one.

One image of GoogLeNet takes about a quarter of an hour.

y[n, k, p, q] = bias[k] + sum over c, r, s of weight[k, c, r, s] * padded[n, c, h, w]

where h = p * stride + r * dilation, w = q * stride + s * dilation, and `padded` is x with zeros around it.
(Strictly, this is a cross-correlation: the kernel is not rotated.)
"""

import numpy as np

from minigooglenet import shapes


def forward(x, weight, bias, stride, padding, groups, dilation=(1, 1)):
    """Return y (N, K, P, Q) for x (N, C, H, W), weight (K, C/groups, R, S) and bias (K,) or None."""
    padded = np.pad(x, ((0, 0), (0, 0), *padding))
    size = shapes.output_size(x.shape[2:], weight.shape[2:], stride, padding, dilation)
    y = np.zeros((len(x), len(weight), *size), x.dtype)
    for n, k, p, q in np.ndindex(y.shape):
        for c, r, s, i, h, w in _window(weight, k, p, q, stride, groups, dilation):
            y[n, k, p, q] += weight[k, c, r, s] * padded[n, i, h, w]
        if bias is not None:
            y[n, k, p, q] += bias[k]
    return y


def backward(grad_y, x, weight, bias, stride, padding, groups, dilation=(1, 1)):
    """Return (grad_x, grad_weight, grad_bias): the same loops; each product adds to the gradients of its factors."""
    padded = np.pad(x, ((0, 0), (0, 0), *padding))
    grad_padded, grad_weight = np.zeros_like(padded), np.zeros_like(weight)
    grad_bias = None if bias is None else np.zeros_like(bias)
    for n, k, p, q in np.ndindex(grad_y.shape):
        for c, r, s, i, h, w in _window(weight, k, p, q, stride, groups, dilation):
            grad_padded[n, i, h, w] += grad_y[n, k, p, q] * weight[k, c, r, s]
            grad_weight[k, c, r, s] += grad_y[n, k, p, q] * padded[n, i, h, w]
        if bias is not None:
            grad_bias[k] += grad_y[n, k, p, q]
    (top, _), (left, _) = padding
    grad_x = grad_padded[:, :, top : top + x.shape[2], left : left + x.shape[3]].copy()
    return grad_x, grad_weight, grad_bias


def _window(weight, k, p, q, stride, groups, dilation):
    """Yield (c, r, s, i, h, w): output (k, p, q) multiplies weight[k, c, r, s] by padded[:, i, h, w]."""
    filters, channels, kernel_height, kernel_width = weight.shape
    first_channel = k // (filters // groups) * channels
    for c in range(channels):
        for r in range(kernel_height):
            for s in range(kernel_width):
                h, w = p * stride[0] + r * dilation[0], q * stride[1] + s * dilation[1]
                yield c, r, s, first_channel + c, h, w
