"""A linear layer: one matrix product."""

from minigooglenet import checks, parallel
from minigooglenet.kernels.forms import form_of
from minigooglenet.kernels.signatures import returned
from minigooglenet.parallel import flushed


@flushed
def forward(x, weight, bias=None):
    """Return y = x @ weight.T + bias, (N, O), for x (N, I), weight (O, I) and bias (O,) or None."""
    x, weight, bias = _checked(x, weight, bias)
    with parallel.computing():  # the same bits whatever BLAS is set to
        y = form_of("linear", x.dtype).forward(x, weight, bias)
    return returned("linear", "forward", y, ((len(x), len(weight)), x.dtype))


@flushed
def backward(grad_y, x, weight, bias=None):
    """Return (grad_x (N, I), grad_weight (O, I), grad_bias (O,) or None)."""
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


def output_shape(x_shape, weight_shape):
    """Return (O,) for x_shape (I,) and weight_shape (O, I), or say what does not fit."""
    if x_shape != (weight_shape[1],):
        hint = f"; perhaps Linear({x_shape[0]}, {weight_shape[0]})?" if len(x_shape) == 1 else ""
        if len(x_shape) > 1:
            values = " x ".join(map(str, x_shape))
            hint = f"; perhaps a Flatten before it, if {values} makes {weight_shape[1]}?"
        raise ValueError(f"the linear layer takes {weight_shape[1]} features, got shape {tuple(x_shape)}{hint}")
    return (weight_shape[0],)


def _checked(x, weight, bias):
    checks.floating(x, "x")
    checks.floating(weight, "weight", 2)
    output_shape(x.shape[1:], weight.shape)
    weight = checks.parameter(weight, "weight", weight.shape, x.dtype)
    if bias is not None:
        bias = checks.parameter(bias, "bias", (len(weight),), x.dtype)
    return x, weight, bias
