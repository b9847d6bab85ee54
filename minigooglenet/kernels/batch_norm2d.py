"""Batch normalisation (Ioffe and Szegedy 2015), by channel: y = weight * (x - mean) / sqrt(var + eps) + bias."""

import numpy as np

from minigooglenet import checks


def forward(x, weight, bias, mean=None, var=None, eps=1e-5):
    """Normalise x (N, C, H, W) with the batch's own statistics, or with given ones (inference).

    Parameters
    ----------
    weight, bias : (C,)
    mean, var : (C,) or None, both or neither

    Returns
    -------
    y : (N, C, H, W)
    mean, var : (C,) what was used; the batch's variance is the biased one, over N * H * W values
    """
    checks.floating(x, "x", 4)
    weight, bias = (
        checks.parameter(a, name, x.shape[1:2], x.dtype) for a, name in ((weight, "weight"), (bias, "bias"))
    )
    if (mean is None) != (var is None):
        raise ValueError(f"batch norm takes mean and var together, got only {'var' if mean is None else 'mean'}")
    if mean is None:
        values = x.shape[0] * x.shape[2] * x.shape[3]
        if values == 1:
            raise ValueError(f"batch norm needs more than one value per channel to train, got shape {x.shape}")
        mean = x.mean(axis=(0, 2, 3))
        centred = x - _per_channel(mean)
        var = (centred * centred).mean(axis=(0, 2, 3))  # not np.var, whose absolute value would break the complex step
    else:
        mean, var = (checks.parameter(a, name, x.shape[1:2], x.dtype) for a, name in ((mean, "mean"), (var, "var")))
        centred = x - _per_channel(mean)
    centred *= _per_channel(weight / np.sqrt(var + x.dtype.type(eps)))
    centred += _per_channel(bias)
    return centred, mean, var


def backward(grad_y, x, weight, mean, var, eps=1e-5, batch_statistics=True):
    """Return (grad_x, grad_weight, grad_bias).

    `mean` and `var` are the forward's. With `batch_statistics` they depended on x, and the gradient loses its mean and
    its component along the normalised values; with given statistics it is only scaled.
    """
    grad_y = checks.gradient(grad_y, x.shape, x.dtype)
    checks.floating(x, "x", 4)
    weight, mean, var = (
        checks.parameter(array, name, x.shape[1:2], x.dtype)
        for array, name in ((weight, "weight"), (mean, "mean"), (var, "var"))
    )
    inverse = 1 / np.sqrt(var + x.dtype.type(eps))
    normalised = (x - _per_channel(mean)) * _per_channel(inverse)
    grad_bias = grad_y.sum(axis=(0, 2, 3))
    grad_weight = (grad_y * normalised).sum(axis=(0, 2, 3))
    if not batch_statistics:
        return grad_y * _per_channel(weight * inverse), grad_weight, grad_bias
    count = x.dtype.type(x.shape[0] * x.shape[2] * x.shape[3])
    centred = grad_y - _per_channel(grad_bias / count) - normalised * _per_channel(grad_weight / count)
    return centred * _per_channel(weight * inverse), grad_weight, grad_bias


def _per_channel(values):
    return values[:, None, None]
