"""Batch normalisation (Ioffe and Szegedy 2015), by channel: y = weight * (x - mean) / sqrt(var + eps) + bias."""

from minigooglenet import checks
from minigooglenet.kernels.forms import form_of
from minigooglenet.kernels.signatures import returned
from minigooglenet.parallel import flushed


@flushed
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
    else:
        mean, var = (checks.parameter(a, name, x.shape[1:2], x.dtype) for a, name in ((mean, "mean"), (var, "var")))
    form = form_of("batch_norm2d", x.dtype)
    channels = x.shape[1:2], x.dtype
    values = form.forward(x, weight, bias, mean, var, x.dtype.type(eps))
    return returned("batch_norm2d", "forward", values, (x.shape, x.dtype), channels, channels)


@flushed
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
    form = form_of("batch_norm2d", x.dtype)
    grads = form.backward(grad_y, x, weight, mean, var, x.dtype.type(eps), bool(batch_statistics))
    channels = x.shape[1:2], x.dtype
    return returned("batch_norm2d", "backward", grads, (x.shape, x.dtype), channels, channels)
