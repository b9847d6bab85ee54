"""Convolution: checks its arguments and calls an algorithm.

`algorithm` chooses one for this call: "loops" (the definition), "im2col" (readable NumPy), "numba" (implicit GEMM on
all cores), "winograd" (3x3 with fewer multiplications), or your own pair of functions (forward, backward) with the same
arguments. "auto" leaves the choice to `mg.use`.
"""

from typing import Any

import numpy as np

from minigooglenet import checks, parallel, shapes
from minigooglenet.kernels import compiled, forms
from minigooglenet.kernels.signatures import pair, returned
from minigooglenet.parallel import flushed
from minigooglenet.typing import Array, Padding, Pair, Shape, Size

__all__ = ["backward", "forward"]

ALGORITHMS = ("loops", "im2col", "numba", "winograd")


@flushed
def forward(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Size = 1,
    padding: Padding = 0,
    groups: int = 1,
    algorithm: str | Pair = "auto",
    *,
    dilation: Size = 1,
) -> Array:
    """Convolve a batch of images. Strictly, this is a cross-correlation, as everywhere in deep learning.

    Parameters
    ----------
    x : (N, C, H, W) float32, float64 or complex128
    weight : (K, C/groups, R, S)
    bias : (K,) or None
    stride : int or (h, w)
    padding : int, (h, w) or ((top, bottom), (left, right)); zeros
    groups : int that divides C and K
    algorithm : "auto", "loops", "im2col", "numba", "winograd" or a pair (forward, backward)
    dilation : int or (h, w), the distance between neighbouring kernel positions in pixels

    Returns
    -------
    y : (N, K, P, Q) in the dtype of x, with P = (H + top + bottom - (dilation * (R - 1) + 1)) // stride + 1

    Raises
    ------
    TypeError, ValueError
        If an array or a hyperparameter does not fit; the message shows the arithmetic.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> x, weight = np.arange(9.0).reshape(1, 1, 3, 3), np.ones((1, 1, 2, 2))
    >>> mg.kernels.conv2d.forward(x, weight)
    array([[[[ 8., 12.],
             [20., 24.]]]])
    """
    x, weight, bias, stride, padding, keywords, shape = _checked(x, weight, bias, stride, padding, groups, dilation)
    form = form_named(algorithm, x.dtype, weight.shape, stride, padding, **keywords)
    with parallel.computing():  # bit-identical for every number of BLAS threads
        y = form.forward(x, weight, bias, stride, padding, groups, **keywords)
    return returned("conv2d", "forward", y, (shape, x.dtype))


@flushed
def backward(
    grad_y: Array,
    x: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Size = 1,
    padding: Padding = 0,
    groups: int = 1,
    algorithm: str | Pair = "auto",
    *,
    dilation: Size = 1,
    need_inputs: bool = True,
) -> tuple[Array | None, Array, Array | None]:
    """Return (grad_x, grad_weight, grad_bias) for an upstream gradient grad_y (N, K, P, Q).

    The other arguments are those of `forward`. grad_bias is None without a bias, grad_x is None if `need_inputs` is
    False.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> x, weight, grad_y = np.arange(9.0).reshape(1, 1, 3, 3), np.ones((1, 1, 2, 2)), np.ones((1, 1, 2, 2))
    >>> grad_x, grad_weight, _ = mg.kernels.conv2d.backward(grad_y, x, weight)
    >>> grad_x[0, 0]
    array([[1., 2., 1.],
           [2., 4., 2.],
           [1., 2., 1.]])
    >>> grad_weight[0, 0]
    array([[ 8., 12.],
           [20., 24.]])
    """
    x, weight, bias, stride, padding, keywords, shape = _checked(x, weight, bias, stride, padding, groups, dilation)
    grad_y = checks.gradient(grad_y, shape, x.dtype)
    form = form_named(algorithm, x.dtype, weight.shape, stride, padding, **keywords)
    with parallel.computing():
        if not need_inputs and hasattr(form, "backward_params"):
            grad_weight, grad_bias = form.backward_params(grad_y, x, weight, bias, stride, padding, groups, **keywords)
            return None, grad_weight, grad_bias
        grads = form.backward(grad_y, x, weight, bias, stride, padding, groups, **keywords)
    return returned(
        "conv2d",
        "backward",
        grads,
        (x.shape if need_inputs else None, x.dtype),
        (weight.shape, x.dtype),
        (None if bias is None else bias.shape, x.dtype),
    )


def keywords_of(dilation: tuple[int, int]) -> dict[str, tuple[int, int]]:
    """Return {"dilation": (h, w)} for a form, or {} if it is (1, 1), because your own pair may not take it."""
    return {} if dilation == (1, 1) else {"dilation": dilation}


def check_algorithm(algorithm: str | Pair, kernel_size: tuple[int, int], *settings: Any) -> None:
    """Raise an error unless `algorithm` can compute a convolution with these `settings`: stride, padding, dilation."""
    if not (isinstance(algorithm, str) and algorithm == "auto"):  # `mg.use` decides about "auto", at each call
        form_named(algorithm, np.dtype(np.float32), (0, 0, *kernel_size), *settings)


def form_named(algorithm, dtype, weight_shape, stride, padding, dilation=(1, 1)):
    """Return the module or Pair that computes `algorithm`; raise an error if it cannot compute such a convolution."""
    if not isinstance(algorithm, str):
        if not isinstance(algorithm, (tuple, list)) or len(algorithm) != 2 or not all(map(callable, algorithm)):
            raise TypeError(f"algorithm must be a name or a pair of functions (forward, backward), got {algorithm!r}")
        return pair("conv2d", *algorithm, **keywords_of(dilation))
    if algorithm == "auto":
        form = forms.form_of("conv2d", dtype)
        return pair("conv2d", *form, **keywords_of(dilation)) if isinstance(form, tuple) else form
    if algorithm not in ALGORITHMS:
        raise ValueError(
            f"algorithm must be 'auto', {', '.join(map(repr, ALGORITHMS))} or a pair of functions, got {algorithm!r}"
        )
    if algorithm == "winograd" and not shapes.winograd_applies(weight_shape[2:], stride, padding, dilation):
        raise ValueError(
            f"Winograd's algorithm computes 3x3 convolutions with stride and dilation 1 and padding of at most 2, got "
            f"a {weight_shape[2]}x{weight_shape[3]} kernel, stride {stride}, dilation {dilation}, padding {padding}. "
            "Try algorithm='auto'."
        )
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


def output_shape(x_shape: Shape, weight_shape: Shape, stride: Any, padding: Any, groups: int, dilation: Any) -> Shape:
    """Return (K, P, Q) for x_shape (C, H, W) and weight_shape (K, C/groups, R, S), or raise an error."""
    (channels, height, width), (filters, group_channels, rows, columns) = x_shape, weight_shape
    if channels != group_channels * groups:
        expected = f"{group_channels} x {groups} groups = {group_channels * groups}" if groups > 1 else group_channels
        hint = f". Try Conv2d({channels}, {filters}, ...)." if groups == 1 else ""
        if x_shape[-1] == group_channels * groups:
            hint = (
                ". The channels seem to come last; this engine expects them first, (C, H, W): "
                "x.transpose(0, 3, 1, 2) for a batch."
            )
        raise ValueError(
            f"the convolution expects {expected} input channels, got {channels} (C, H, W = {x_shape}){hint}"
        )
    return filters, *shapes.output_size((height, width), (rows, columns), stride, padding, dilation)


def _checked(x, weight, bias, stride, padding, groups, dilation):
    checks.floating(x, "x", 4)
    checks.floating(weight, "weight", 4)
    groups = shapes.integer(groups, "groups", 1)
    if weight.shape[0] % groups:
        raise ValueError(f"groups must divide the number of filters: {weight.shape[0]} filters, {groups} groups")
    stride, padding = shapes.pair(stride, "stride"), shapes.four_sided(padding)
    dilation = shapes.pair(dilation, "dilation")
    shape = output_shape(x.shape[1:], weight.shape, stride, padding, groups, dilation)
    weight = checks.parameter(weight, "weight", weight.shape, x.dtype)
    if bias is not None:
        bias = checks.parameter(bias, "bias", (weight.shape[0],), x.dtype)
    return x, weight, bias, stride, padding, keywords_of(dilation), (x.shape[0], *shape)
