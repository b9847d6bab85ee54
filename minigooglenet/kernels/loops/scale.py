"""A factor and an offset for each channel, by definition."""

import numpy as np


def forward(x, weight, bias):
    """Return y of the shape of x (N, C, ...)."""
    y = np.empty_like(x)
    for index in np.ndindex(x.shape):
        c = index[1]
        y[index] = x[index] * weight[c] + (0 if bias is None else bias[c])
    return y


def backward(grad_y, x, weight, bias):
    """Return (grad_x, grad_weight, grad_bias); grad_bias is None without a bias."""
    grad_x, grad_weight = np.empty_like(x), np.zeros_like(weight)
    grad_bias = None if bias is None else np.zeros_like(bias)
    for index in np.ndindex(x.shape):
        c = index[1]
        grad_x[index] = grad_y[index] * weight[c]
        grad_weight[c] += grad_y[index] * x[index]
        if bias is not None:
            grad_bias[c] += grad_y[index]
    return grad_x, grad_weight, grad_bias
