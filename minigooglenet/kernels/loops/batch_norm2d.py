"""Batch normalisation by definition, channel by channel: y = weight * (x - mean) / sqrt(var + eps) + bias."""

import numpy as np


def forward(x, weight, bias, mean=None, var=None, eps=1e-5):
    """Return (y, mean, var); by default, mean and (biased) variance are those of the batch."""
    if mean is None:
        mean, var = _statistics(x)
    y = np.empty_like(x)
    for n, c, h, w in np.ndindex(x.shape):
        y[n, c, h, w] = weight[c] * (x[n, c, h, w] - mean[c]) / np.sqrt(var[c] + eps) + bias[c]
    return y, mean, var


def backward(grad_y, x, weight, mean, var, eps=1e-5, batch_statistics=True):
    """Return (grad_x, grad_weight, grad_bias), by the chain rule through the mean and the variance."""
    images, channels, height, width = x.shape
    count = images * height * width
    grad_x, grad_weight, grad_bias = np.zeros_like(x), np.zeros_like(weight), np.zeros_like(weight)
    for c in range(channels):
        inverse = 1 / np.sqrt(var[c] + eps)
        grad_mean = grad_var = x.dtype.type(0)
        for n, h, w in np.ndindex(images, height, width):
            upstream, centred = grad_y[n, c, h, w], x[n, c, h, w] - mean[c]
            grad_bias[c] += upstream
            grad_weight[c] += upstream * centred * inverse
            grad_x[n, c, h, w] = upstream * weight[c] * inverse
            grad_mean -= upstream * weight[c] * inverse
            grad_var -= upstream * weight[c] * centred * inverse**3 / 2
        if batch_statistics:
            for n, h, w in np.ndindex(images, height, width):
                grad_x[n, c, h, w] += grad_mean / count + grad_var * 2 * (x[n, c, h, w] - mean[c]) / count
    return grad_x, grad_weight, grad_bias


def _statistics(x):
    images, channels, height, width = x.shape
    mean, var = np.zeros(channels, x.dtype), np.zeros(channels, x.dtype)
    for n, c, h, w in np.ndindex(x.shape):
        mean[c] += x[n, c, h, w] / (images * height * width)
    for n, c, h, w in np.ndindex(x.shape):
        var[c] += (x[n, c, h, w] - mean[c]) ** 2 / (images * height * width)
    return mean, var
