"""A linear layer: one matrix product."""

import math

from minigooglenet import checks, parallel
from minigooglenet.kernels.forms import form_of
from minigooglenet.kernels.signatures import returned
from minigooglenet.parallel import flushed
from minigooglenet.typing import Array, Shape

__all__ = ["backward", "forward"]


@flushed
def forward(x: Array, weight: Array, bias: Array | None = None) -> Array:
    """Return y = x @ weight.T + bias, (N, O), for x (N, I), weight (O, I) and bias (O,) or None.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.kernels.linear.forward(np.array([[1.0, 2.0]]), np.array([[1.0, 1.0], [0.0, 3.0]]), np.array([0.5, 0.0]))
    array([[3.5, 6. ]])
    """
    x, weight, bias = _checked(x, weight, bias)
    with parallel.computing():  # bit-identical for every number of BLAS threads
        y = form_of("linear", x.dtype).forward(x, weight, bias)
    return returned("linear", "forward", y, ((len(x), len(weight)), x.dtype))


@flushed
def backward(grad_y: Array, x: Array, weight: Array, bias: Array | None = None) -> tuple[Array, Array, Array | None]:
    """Return (grad_x (N, I), grad_weight (O, I), grad_bias (O,) or None).

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.kernels.linear.backward(np.array([[1.0]]), np.array([[5.0, 7.0]]), np.array([[2.0, 3.0]]))
    (array([[2., 3.]]), array([[5., 7.]]), None)
    """
    x, weight, bias = _checked(x, weight, bias)
    grad_y = checks.gradient(grad_y, (len(x), len(weight)), x.dtype)
    with parallel.computing():
        grads = form_of("linear", x.dtype).backward(grad_y, x, weight, bias)
    return returned(
        "linear",
        "backward",
        grads,
        (x.shape, x.dtype),
        (weight.shape, x.dtype),
        (None if bias is None else bias.shape, x.dtype),
    )


def output_shape(x_shape: Shape, weight_shape: Shape) -> Shape:
    """Return (O,) for x_shape (I,) and weight_shape (O, I), or raise an error."""
    if x_shape != (weight_shape[1],):
        hint = f". Try Linear({x_shape[0]}, {weight_shape[0]})." if len(x_shape) == 1 else ""
        if len(x_shape) > 1:
            features = math.prod(x_shape)
            values = f"{' x '.join(map(str, x_shape))} = {features} features"
            hint = f". A Flatten layer before it would give {values}, not {weight_shape[1]}."
            if features == weight_shape[1]:
                hint = f". Add a Flatten layer before it: {values}."
        raise ValueError(f"the linear layer expects {weight_shape[1]} features, got shape {tuple(x_shape)}{hint}")
    return (weight_shape[0],)


def _checked(x, weight, bias):
    checks.floating(x, "x")
    checks.floating(weight, "weight", 2)
    output_shape(x.shape[1:], weight.shape)
    weight = checks.parameter(weight, "weight", weight.shape, x.dtype)
    if bias is not None:
        bias = checks.parameter(bias, "bias", (len(weight),), x.dtype)
    return x, weight, bias
