"""A factor and an offset for each channel: a broadcast forward, so a sum backward."""

import numpy as np


def forward(x, weight, bias):
    """Return y of the shape of x (N, C, ...)."""
    y = x * _per_channel(weight, x)
    return y if bias is None else y + _per_channel(bias, x)


def backward(grad_y, x, weight, bias):
    """Return (grad_x, grad_weight, grad_bias), with sums in float64; grad_bias is None without a bias."""
    axes = 0, *range(2, x.ndim)  # all images and all positions of a channel
    wide = np.result_type(x, np.float64)
    grad_weight = np.sum(grad_y * x, axis=axes, dtype=wide).astype(x.dtype, copy=False)
    grad_bias = None if bias is None else grad_y.sum(axis=axes, dtype=wide).astype(x.dtype, copy=False)
    return grad_y * _per_channel(weight, x), grad_weight, grad_bias


def _per_channel(values, x):
    return values.reshape(-1, *[1] * (x.ndim - 2))
