"""Convolution: the arguments that it accepts, and the call of the form that computes.

`algorithm` names a form for one call: "loops" (the definition), "im2col" (readable NumPy), "numba" (implicit GEMM, on
all cores), "winograd" (3x3 with fewer multiplications), or your own pair of functions (forward, backward) with the same
arguments. "auto" leaves the choice to `mg.use`.
"""

import numpy as np

from minigooglenet import checks, parallel, shapes
from minigooglenet.kernels import compiled, forms
from minigooglenet.kernels.signatures import pair, returned
from minigooglenet.parallel import flushed

ALGORITHMS = ("loops", "im2col", "numba", "winograd")


@flushed
def forward(x, weight, bias=None, stride=1, padding=0, groups=1, algorithm="auto"):
    """Convolve a batch of images (a cross-correlation, as everywhere in this field).

    Parameters
    ----------
    x : (N, C, H, W) float32, float64 or complex128
    weight : (K, C/groups, R, S)
    bias : (K,) or None
    stride : int or (h, w)
    padding : int, (h, w) or ((top, bottom), (left, right)); zeros
    groups : int that divides C and K
    algorithm : "auto", "loops", "im2col", "numba", "winograd" or a pair (forward, backward)

    Returns
    -------
    y : (N, K, P, Q) in the dtype of x, with P = (H + top + bottom - R) // stride + 1

    Raises
    ------
    TypeError, ValueError
        If an array or a hyperparameter does not fit, with the arithmetic.
    """
    x, weight, bias, stride, padding, shape = _checked(x, weight, bias, stride, padding, groups)
    form = form_named(algorithm, x.dtype, weight.shape, stride, padding)
    with parallel.computing():  # the same bits whatever BLAS is set to
        y = form.forward(x, weight, bias, stride, padding, groups)
    return returned("conv2d", "forward", y, (shape, x.dtype))


@flushed
def backward(grad_y, x, weight, bias=None, stride=1, padding=0, groups=1, algorithm="auto", *, need_inputs=True):
    """Return (grad_x, grad_weight, grad_bias) for an upstream gradient grad_y (N, K, P, Q).

    The other arguments are the forward's. grad_bias is None without a bias. Without `need_inputs`, grad_x is None.
    """
    x, weight, bias, stride, padding, shape = _checked(x, weight, bias, stride, padding, groups)
    grad_y = checks.gradient(grad_y, shape, x.dtype)
    form = form_named(algorithm, x.dtype, weight.shape, stride, padding)
    with parallel.computing():
        if not need_inputs and hasattr(form, "backward_params"):
            return None, *form.backward_params(grad_y, x, weight, bias, stride, padding, groups)
        grads = form.backward(grad_y, x, weight, bias, stride, padding, groups)
    return returned(
        "conv2d",
        "backward",
        grads,
        (x.shape if need_inputs else None, x.dtype),
        (weight.shape, x.dtype),
        (None if bias is None else bias.shape, x.dtype),
    )


def check_algorithm(algorithm, kernel_size, stride, padding) -> None:
    """Raise an error unless `algorithm` is known and can compute such a convolution."""
    if not (isinstance(algorithm, str) and algorithm == "auto"):  # which is for `mg.use` to decide, at each call
        form_named(algorithm, np.dtype(np.float32), (0, 0, *kernel_size), stride, padding)


def form_named(algorithm, dtype, weight_shape, stride, padding):
    """Return the form of an algorithm's name, or of a pair of functions; raise an error if it cannot compute this."""
    if not isinstance(algorithm, str):
        if not isinstance(algorithm, (tuple, list)) or len(algorithm) != 2 or not all(map(callable, algorithm)):
            raise TypeError(f"algorithm as a pair must be two functions (forward, backward), got {algorithm!r}")
        return pair("conv2d", *algorithm)
    if algorithm == "auto":
        return forms.form_of("conv2d", dtype)
    if algorithm not in ALGORITHMS:
        raise ValueError(
            f"algorithm must be 'auto', {', '.join(map(repr, ALGORITHMS))} or a pair of functions, got {algorithm!r}"
        )
    if algorithm == "winograd":
        shapes.check_winograd(weight_shape[2:], stride, padding)
    if algorithm == "loops":
        return forms.module_of("conv2d", "loops")
    if algorithm == "im2col":
        return forms.module_of("conv2d", "numpy")
    if compiled.fast() is None:
        raise ValueError(
            f"algorithm={algorithm!r} needs compiled code, but {compiled.why_not_fast()}. Try algorithm='auto'."
        )
    if dtype.kind == "c":
        return forms.module_of("conv2d", "numpy")
    return compiled.fast().implicit_gemm if algorithm == "numba" else compiled.fast().winograd


def output_shape(x_shape, weight_shape, stride, padding, groups):
    """Return (K, P, Q) for x_shape (C, H, W) and weight_shape (K, C/groups, R, S), or say what does not fit."""
    channels, *input_size = x_shape
    filters, group_channels, *kernel_size = weight_shape
    if channels != group_channels * groups:
        expected = f"{group_channels} x {groups} groups = {group_channels * groups}" if groups > 1 else group_channels
        hint = f"; perhaps Conv2d({channels}, {filters}, ...)?" if groups == 1 else ""
        if x_shape[-1] == group_channels * groups:
            hint = "; perhaps the channels are last? They come first here: (C, H, W), images x.transpose(0, 3, 1, 2)"
        raise ValueError(f"the convolution takes {expected} input channels, got {channels} (C, H, W = {x_shape}){hint}")
    return filters, *shapes.output_size(input_size, kernel_size, stride, padding)


def _checked(x, weight, bias, stride, padding, groups):
    checks.floating(x, "x", 4)
    checks.floating(weight, "weight", 4)
    groups = shapes.integer(groups, "groups", 1)
    if weight.shape[0] % groups:
        raise ValueError(f"groups must divide the filters: {weight.shape[0]} filters, {groups} groups")
    stride, padding = shapes.pair(stride, "stride"), shapes.four_sided(padding)
    shape = output_shape(x.shape[1:], weight.shape, stride, padding, groups)
    weight = checks.parameter(weight, "weight", weight.shape, x.dtype)
    if bias is not None:
        bias = checks.parameter(bias, "bias", (weight.shape[0],), x.dtype)
    return x, weight, bias, stride, padding, (x.shape[0], *shape)
