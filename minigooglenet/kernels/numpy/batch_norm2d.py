"""Batch normalisation by its formula, channel by channel: y = weight * (x - mean) / sqrt(var + eps) + bias."""

import numpy as np

AXES = (0, 2, 3)  # all images and all positions of a channel


def forward(x, weight, bias, mean=None, var=None, eps=1e-5):
    """Return (y, mean, var); by default the mean and the biased variance of the batch, summed in float64."""
    if mean is None:
        wide = np.result_type(x, np.float64)
        exact = x.mean(axis=AXES, dtype=wide)
        centred = x - _per_channel(exact)
        # np.var would take the absolute value; the complex step needs the square itself.
        mean, var = exact.astype(x.dtype), np.mean(centred * centred, axis=AXES).astype(x.dtype)
    y = (x - _per_channel(mean)) * _per_channel(weight / np.sqrt(var + eps)) + _per_channel(bias)
    return y, mean, var


def backward(grad_y, x, weight, mean, var, eps=1e-5, batch_statistics=True):
    """Return (grad_x, grad_weight, grad_bias).

    If the statistics are those of the batch, grad_x loses its mean and its component along the normalised values,
    because batch norm removes such changes of x.
    """
    wide = np.result_type(x, np.float64)
    inverse = 1 / np.sqrt(var + eps)
    normalised = (x - _per_channel(mean)) * _per_channel(inverse)
    grad_bias = grad_y.sum(axis=AXES, dtype=wide)
    grad_weight = np.sum(grad_y * normalised, axis=AXES, dtype=wide)
    grad_normalised = grad_y
    if batch_statistics:
        count = x.size // x.shape[1]
        component = normalised * _per_channel(grad_weight / count)
        grad_normalised = grad_y - _per_channel(grad_bias / count) - component
    grad_x = grad_normalised * _per_channel(weight * inverse)
    return tuple(gradient.astype(x.dtype, copy=False) for gradient in (grad_x, grad_weight, grad_bias))


def _per_channel(values):
    return values[:, None, None]
