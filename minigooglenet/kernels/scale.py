"""A factor and an offset for each channel: y = x * weight + bias."""

from minigooglenet import checks
from minigooglenet.kernels.forms import form_of
from minigooglenet.kernels.signatures import returned
from minigooglenet.parallel import flushed
from minigooglenet.typing import Array, Shape

__all__ = ["backward", "forward"]


@flushed
def forward(x: Array, weight: Array, bias: Array | None = None) -> Array:
    """Return y = x * weight + bias, channel by channel, for x (N, C, ...), weight (C,) and bias (C,) or None.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> x = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> mg.kernels.scale.forward(x, np.array([10.0, 100.0]), np.array([0.5, 0.0]))
    array([[ 10.5, 200. ],
           [ 30.5, 400. ]])
    """
    weight, bias = _checked(x, weight, bias)
    y = form_of("scale", x.dtype).forward(x, weight, bias)
    return returned("scale", "forward", y, (x.shape, x.dtype))


@flushed
def backward(grad_y: Array, x: Array, weight: Array, bias: Array | None = None) -> tuple[Array, Array, Array | None]:
    """Return (grad_x (N, C, ...), grad_weight (C,), grad_bias (C,) or None).

    One weight multiplies all positions of its channel in all images, so its gradient is a sum over them.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> x = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> mg.kernels.scale.backward(np.ones((2, 2)), x, np.array([10.0, 100.0]))
    (array([[ 10., 100.],
           [ 10., 100.]]), array([4., 6.]), None)
    """
    weight, bias = _checked(x, weight, bias)
    grad_y = checks.gradient(grad_y, x.shape, x.dtype)
    grads = form_of("scale", x.dtype).backward(grad_y, x, weight, bias)
    channels = weight.shape, x.dtype
    no_bias = None if bias is None else bias.shape, x.dtype
    return returned("scale", "backward", grads, (x.shape, x.dtype), channels, no_bias)


def output_shape(x_shape: Shape, channels: int) -> Shape:
    """Return x_shape (C, ...), or raise an error if C is not the number of weights."""
    if x_shape[:1] != (channels,):
        got = f"got {x_shape[0]} (shape {x_shape})" if x_shape else "got shape ()"
        hint = f". Try Scale({x_shape[0]})." if x_shape else ""
        raise ValueError(f"scale has weights for {channels} channels, {got}{hint}")
    return x_shape


def _checked(x, weight, bias):
    checks.with_classes(x)
    output_shape(x.shape[1:], checks.floating(weight, "weight").size)
    weight = checks.parameter(weight, "weight, with one value per channel of x,", x.shape[1:2], x.dtype)
    if bias is not None:
        bias = checks.parameter(bias, "bias, with one value per channel of x,", x.shape[1:2], x.dtype)
    return weight, bias
