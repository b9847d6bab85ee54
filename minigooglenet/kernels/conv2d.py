"""Convolution: what may be asked, and which form of it computes.

Four forms share one signature: `loops` (the definition), `im2col` (readable NumPy), `numba` (a product without columns,
on all cores) and `winograd` (3x3 with fewer multiplications). `auto` picks by shapes and dtype alone, so that the same
call gives the same bits everywhere. A pair of functions (forward, backward) of that signature stands in for a form:
a convolution that you wrote can run a whole network.
"""

import inspect

import numpy as np

from minigooglenet import checks, parallel, shapes
from minigooglenet.kernels import direct, im2col, spreading, winograd
from minigooglenet.kernels.loops import conv2d as loops

ARGUMENTS = ("x", "weight", "bias", "stride", "padding", "groups")
ALGORITHMS = {"loops": loops, "im2col": im2col, "numba": direct, "winograd": winograd}
# The rule of `choose`: where the two forms were about equally fast, measured on GoogLeNet's and smaller layers.
LEAST_TILES, LEAST_CHANNELS = 32, 8


@spreading.flushed
def forward(
    x, weight, bias=None, stride=1, padding=0, groups=1, algorithm="auto", *, relu=False, out=None, kernels=None
):
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
    relu : return max(y, 0) instead, which costs the fast forms nothing
    out : (N, K, P, Q) array to write to and return; a block of channels of a larger array will do. Its images must
        follow one another in memory.
    kernels : `winograd.prepare(weight, groups)`, where the same weights serve many times

    Returns
    -------
    y : (N, K, P, Q) in the dtype of x, with P = (H + top + bottom - R) // stride + 1

    Raises
    ------
    TypeError, ValueError
        If an array or a setting does not fit, with the arithmetic.
    """
    x, weight, bias, stride, padding, shape = _checked(x, weight, bias, stride, padding, groups)
    if out is not None:
        out = spreading.result(out, shape, x.dtype)
        if any(a is not None and np.may_share_memory(out, a) for a in (x, weight, bias)):  # still to be read
            out[...] = forward(x, weight, bias, stride, padding, groups, algorithm, relu=relu, kernels=kernels)
            return out
    if algorithm == "auto":
        algorithm = choose(x.shape, weight.shape, stride, padding, x.dtype)
    own_forward, _ = functions(algorithm)
    if algorithm in ("numba", "winograd") and x.dtype.kind == "f":
        extra = {"kernels": kernels} if algorithm == "winograd" else {}
        return own_forward(x, weight, bias, stride, padding, groups, relu=relu, out=out, **extra)
    with parallel.computing():  # the same bits whatever BLAS is set to
        y = own_forward(x, weight, bias, stride, padding, groups)
    y = _returned(y, "y of the convolution", shape, x.dtype)
    if relu:
        return np.maximum(y, y.dtype.type(0), out=out)
    if out is None:
        return y
    out[...] = y
    return out


@spreading.flushed
def backward(grad_y, x, weight, bias=None, stride=1, padding=0, groups=1, algorithm="auto", *, inputs=True):
    """Return (grad_x, grad_weight, grad_bias) for an upstream gradient grad_y (N, K, P, Q).

    The other arguments are the forward's. grad_bias is None without a bias, grad_x unless `inputs`.
    """
    x, weight, bias, stride, padding, shape = _checked(x, weight, bias, stride, padding, groups)
    grad_y = checks.gradient(grad_y, shape, x.dtype)
    if algorithm == "auto":
        algorithm = choose(x.shape, weight.shape, stride, padding, x.dtype)
    _, own_backward = functions(algorithm)
    if algorithm in ("numba", "winograd") and x.dtype.kind == "f":
        return own_backward(grad_y, x, weight, bias, stride, padding, groups, inputs=inputs)
    with parallel.computing():
        grads = own_backward(grad_y, x, weight, bias, stride, padding, groups)
    if not isinstance(grads, (tuple, list)) or len(grads) != 3:
        raise ValueError(
            f"the backward of a convolution must return (grad_x, grad_weight, grad_bias), got {type(grads).__name__}"
        )
    grad_x, grad_weight, grad_bias = grads
    return (
        _returned(grad_x, "grad_x of the convolution", x.shape, x.dtype) if inputs else None,
        _returned(grad_weight, "grad_weight of the convolution", weight.shape, x.dtype),
        None if bias is None else _returned(grad_bias, "grad_bias of the convolution", bias.shape, x.dtype),
    )


def choose(x_shape, weight_shape, stride, padding, dtype):
    """Return the form that `auto` takes for x (N, C, H, W) and weight (K, C/groups, R, S): "winograd" or "numba".

    Winograd's form pays where 3x3 kernels move by one over enough tiles of 4 x 4 outputs in the whole batch: its
    transformed weights are four times as large and take time to read. It rounds more, so only float32 takes it.

    The choice depends on the size of the batch. So the results of an image alone and in a batch may differ by the
    round-off error of the two forms: up to 4e-6 of the largest value. Name an algorithm to get the same bits.
    """
    if dtype != np.float32 or not winograd.applies(weight_shape, stride, padding):
        return "numba"
    tiles = winograd.tiles(shapes.output_size(x_shape[2:], weight_shape[2:], stride, padding))
    enough = x_shape[0] * tiles >= LEAST_TILES and min(weight_shape[:2]) >= LEAST_CHANNELS
    return "winograd" if enough else "numba"


def may_be_winograd(weight_shape, stride, padding, dtype, algorithm="auto"):
    """Tell whether Winograd's form may compute such a convolution, whatever the size of the images."""
    if algorithm == "auto":
        large = (1 << 10, 0, 1 << 10, 1 << 10)
        return choose(large, weight_shape, stride, padding, dtype) == "winograd"
    if algorithm == "winograd":
        winograd.check(weight_shape, stride, padding)
    return algorithm == "winograd"


def workspace(x_shape, weight_shape, stride, padding, groups, algorithm, threads, itemsize=4):
    """Return (bytes of transformed weights, bytes of workspace) that a `forward` holds beside x, the weight and y.

    The arguments are those of a `forward` of float32 arrays on `threads` threads. What a pair of your own
    functions holds is unknown, so it counts as 0.
    """
    settings = x_shape, weight_shape, stride, padding, groups
    if algorithm == "auto":
        algorithm = choose(x_shape, weight_shape, stride, padding, np.dtype(f"f{itemsize}"))
    if algorithm == "winograd":
        return winograd.workspace(*settings, threads, itemsize)
    if algorithm == "numba":
        return 0, direct.workspace(*settings, threads, itemsize)
    return 0, im2col.workspace(*settings[:-1], itemsize) if algorithm == "im2col" else 0


def functions(algorithm):
    """Return (forward, backward) of an algorithm's name, or of a pair of functions as it is."""
    if isinstance(algorithm, (tuple, list)):
        if len(algorithm) != 2 or not all(callable(function) for function in algorithm):
            raise TypeError("algorithm as a pair must be two functions (forward, backward)")
        for function, arguments in zip(algorithm, (ARGUMENTS, ("grad_y", *ARGUMENTS)), strict=True):
            _check_signature(function, arguments)
        return tuple(algorithm)
    form = ALGORITHMS.get("numba" if algorithm == "auto" else algorithm) if isinstance(algorithm, str) else None
    if form is None:
        raise ValueError(
            f"algorithm must be 'auto', {', '.join(map(repr, ALGORITHMS))} or a pair of functions, got {algorithm!r}"
        )
    return form.forward, form.backward


def _check_signature(function, arguments):
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError as error:
        name = getattr(function, "__name__", "the function")
        raise TypeError(f"{name} of your pair is called as {name}({', '.join(arguments)}): {error}") from error
    except ValueError:
        pass  # some compiled functions do not tell their arguments


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


def _returned(array, name, shape, dtype):
    # A reader's own pair of functions comes through here too: its mistakes deserve the same sentences.
    if not isinstance(array, np.ndarray):
        got = "None; perhaps a missing return?" if array is None else type(array).__name__
        raise TypeError(f"{name} must be a NumPy array, got {got}")
    return checks.has_shape(array, name, shape).astype(dtype, copy=False)
