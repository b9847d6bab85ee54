"""Batch normalisation (Ioffe and Szegedy 2015), by channel: y = weight * (x - mean) / sqrt(var + eps) + bias."""

from minigooglenet import checks
from minigooglenet.kernels.forms import form_of
from minigooglenet.kernels.signatures import returned
from minigooglenet.parallel import flushed
from minigooglenet.typing import Array

__all__ = ["backward", "forward"]


@flushed
def forward(
    x: Array, weight: Array, bias: Array, mean: Array | None = None, var: Array | None = None, eps: float = 1e-5
) -> tuple[Array, Array, Array]:
    """Normalise x (N, C, H, W) with the statistics of the batch, or with given statistics (inference).

    Parameters
    ----------
    weight, bias : (C,)
    mean, var : (C,); give both or neither

    Returns
    -------
    y : (N, C, H, W)
    mean, var : (C,), the statistics used; the variance of a batch is biased: the mean over N * H * W values

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> x = np.array([1.0, 3.0]).reshape(2, 1, 1, 1)
    >>> y, mean, var = mg.kernels.batch_norm2d.forward(x, np.ones(1), np.zeros(1), eps=0)
    >>> y.ravel(), mean, var
    (array([-1.,  1.]), array([2.]), array([1.]))
    """
    checks.floating(x, "x", 4)
    weight, bias = _per_channel(weight, "weight", x), _per_channel(bias, "bias", x)
    if (mean is None) != (var is None):
        raise ValueError(f"batch norm needs both mean and var, got only {'var' if mean is None else 'mean'}")
    if mean is None:
        if x.shape[0] * x.shape[2] * x.shape[3] == 1:
            raise ValueError(f"batch norm needs more than one value per channel to train, got shape {x.shape}")
    else:
        mean, var = _per_channel(mean, "mean", x), _per_channel(var, "var", x)
    form = form_of("batch_norm2d", x.dtype)
    channels = x.shape[1:2], x.dtype
    values = form.forward(x, weight, bias, mean, var, x.dtype.type(eps))
    return returned("batch_norm2d", "forward", values, (x.shape, x.dtype), channels, channels)


@flushed
def backward(
    grad_y: Array,
    x: Array,
    weight: Array,
    mean: Array,
    var: Array,
    eps: float = 1e-5,
    batch_statistics: bool = True,
) -> tuple[Array, Array, Array]:
    """Return (grad_x, grad_weight, grad_bias) for the `mean` and `var` that `forward` returned.

    With `batch_statistics` they depend on x, so grad_x loses its mean and its component along the normalised values.
    With given statistics the gradient is only scaled.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> x, weight = np.array([1.0, 3.0]).reshape(2, 1, 1, 1), np.ones(1)
    >>> grads = mg.kernels.batch_norm2d.backward(np.ones_like(x), x, weight, np.array([2.0]), np.array([1.0]), eps=0)
    >>> [grad.ravel() for grad in grads]
    [array([0., 0.]), array([0.]), array([2.])]
    """
    grad_y = checks.gradient(grad_y, x.shape, x.dtype)
    checks.floating(x, "x", 4)
    weight, mean, var = (
        _per_channel(array, name, x) for array, name in ((weight, "weight"), (mean, "mean"), (var, "var"))
    )
    form = form_of("batch_norm2d", x.dtype)
    grads = form.backward(grad_y, x, weight, mean, var, x.dtype.type(eps), bool(batch_statistics))
    channels = x.shape[1:2], x.dtype
    return returned("batch_norm2d", "backward", grads, (x.shape, x.dtype), channels, channels)


def _per_channel(array, name, x):
    return checks.parameter(array, f"{name}, with one value per channel of x,", x.shape[1:2], x.dtype)
