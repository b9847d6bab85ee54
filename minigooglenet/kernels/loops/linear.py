"""A linear layer by definition: y[n, o] = bias[o] + sum over i of weight[o, i] * x[n, i]."""

import numpy as np


def forward(x, weight, bias):
    """Return y (N, O) for x (N, I), weight (O, I) and bias (O,) or None."""
    y = np.zeros((len(x), len(weight)), x.dtype)
    for n, o in np.ndindex(y.shape):
        for i in range(x.shape[1]):
            y[n, o] += weight[o, i] * x[n, i]
        if bias is not None:
            y[n, o] += bias[o]
    return y


def backward(grad_y, x, weight, bias):
    """Return (grad_x, grad_weight, grad_bias)."""
    grad_x, grad_weight = np.zeros_like(x), np.zeros_like(weight)
    grad_bias = None if bias is None else np.zeros_like(bias)
    for n, o in np.ndindex(grad_y.shape):
        for i in range(x.shape[1]):
            grad_x[n, i] += grad_y[n, o] * weight[o, i]
            grad_weight[o, i] += grad_y[n, o] * x[n, i]
        if bias is not None:
            grad_bias[o] += grad_y[n, o]
    return grad_x, grad_weight, grad_bias
