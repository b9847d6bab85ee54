"""Max pooling: the maximum of each window and its position in the window, the argmax.

Of tied values, the first in the window counts (row by row). Padding is never the maximum. A NaN always is, so no NaN
is lost.
"""

import numpy as np

from minigooglenet import checks, shapes
from minigooglenet.kernels.forms import form_of
from minigooglenet.kernels.signatures import Pair, returned
from minigooglenet.parallel import flushed
from minigooglenet.typing import Array, Padding, Size

__all__ = ["backward", "forward"]


@flushed
def forward(
    x: Array,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Padding = 0,
    ceil_mode: bool = False,
    *,
    save: bool = True,
) -> tuple[Array, Array | None]:
    """Pool x (N, C, H, W), float32 or float64.

    Parameters
    ----------
    kernel_size, stride : int or (h, w); the stride is the kernel size by default
    padding : int, (h, w) or ((top, bottom), (left, right)), at most kernel - 1 on a side
    ceil_mode : round the output size up; the last window may then extend past the edge
    save : whether to return the argmax, which only `backward` needs

    Returns
    -------
    y : (N, C, P, Q)
    argmax : (N, C, P, Q) unsigned integers, each the position r * S + s of the maximum in its R x S window; or None

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> y, argmax = mg.kernels.max_pool2d.forward(np.array([[[[1.0, 5.0, 2.0], [4.0, 3.0, 9.0]]]]), 2, stride=1)
    >>> y, argmax[0, 0].tolist()
    (array([[[[5., 9.]]]]), [[1, 3]])
    """
    checks.floating(x, "x", 4, checks.FLOATS)
    kernel_size, stride, padding = shapes.pool_settings(kernel_size, stride, padding)
    shape = (*x.shape[:2], *shapes.output_size(x.shape[2:], kernel_size, stride, padding, ceil_mode=ceil_mode))
    arguments = x, kernel_size, stride, padding, ceil_mode
    form = form_of("max_pool2d", x.dtype)
    if not save and hasattr(form, "infer"):
        return form.infer(*arguments), None
    y, argmax = returned("max_pool2d", "forward", form.forward(*arguments), (shape, x.dtype), (shape, None))
    return y, _as_argmax(argmax, kernel_size) if save else None


@flushed
def backward(
    grad_y: Array,
    argmax: Array,
    input_size: Size,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Padding = 0,
) -> Array:
    """Return grad_x (N, C, H, W): the gradient of each window, added at its argmax; input_size is (H, W).

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> x = np.array([[[[1.0, 5.0, 2.0], [4.0, 3.0, 0.0]]]])
    >>> y, argmax = mg.kernels.max_pool2d.forward(x, 2, stride=1)
    >>> mg.kernels.max_pool2d.backward(np.array([[[[10.0, 1.0]]]]), argmax, (2, 3), 2, stride=1)
    array([[[[ 0., 11.,  0.],
             [ 0.,  0.,  0.]]]])
    """
    input_size = shapes.pair(input_size, "input_size")
    kernel_size, stride, padding = shapes.pool_settings(kernel_size, stride, padding)
    argmax = _as_argmax(argmax, kernel_size)
    shapes.check_pool_windows("argmax", argmax.shape[2:], input_size, kernel_size, stride, padding)
    grad_y = checks.floating(checks.has_shape(grad_y, "grad_y", argmax.shape), "grad_y", 4, checks.FLOATS)
    form = form_of("max_pool2d", grad_y.dtype)
    if not getattr(form, "CHECKS_ARGMAX", False):
        _check_argmax(argmax, input_size, kernel_size, stride, padding)
    if isinstance(form, Pair):  # your code may subtract, and in uint8, 0 - 1 is 255
        argmax = argmax.astype(np.intp)
    grad_x = form.backward(grad_y, argmax, input_size, kernel_size, stride, padding)
    return returned("max_pool2d", "backward", grad_x, ((*grad_y.shape[:2], *input_size), grad_y.dtype))


def _as_argmax(argmax, kernel_size):
    """Return the argmax in the smallest unsigned type that can hold every position of a window."""
    if argmax.dtype.kind not in "iu":
        raise TypeError(f"argmax must be the integers that forward returned, got {argmax.dtype}")
    positions = kernel_size[0] * kernel_size[1]
    smallest = np.min_scalar_type(positions - 1)
    if argmax.dtype != smallest:
        _raise_if_outside((argmax < 0) | (argmax >= positions))
    return argmax.astype(smallest, copy=False)


def _check_argmax(argmax, input_size, kernel_size, stride, padding):
    r, s = np.divmod(argmax.astype(np.intp), kernel_size[1])
    h = np.arange(argmax.shape[2])[:, None] * stride[0] - padding[0][0] + r
    w = np.arange(argmax.shape[3]) * stride[1] - padding[1][0] + s
    _raise_if_outside((r >= kernel_size[0]) | (h < 0) | (h >= input_size[0]) | (w < 0) | (w >= input_size[1]))


def _raise_if_outside(outside):
    if outside.any():
        raise ValueError(
            f"{int(outside.sum())} argmax values point outside their window or outside the image: they come from "
            "another forward pass"
        )
