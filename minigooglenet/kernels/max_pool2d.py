"""Max pooling: the maximum of each window, and which position it has.

Ties go to the first in window order (row by row). Padding never wins. A NaN wins over everything, so none is lost.
"""

import numpy as np

from minigooglenet import checks, shapes
from minigooglenet.kernels.forms import form_of
from minigooglenet.kernels.signatures import Pair, returned
from minigooglenet.parallel import flushed


@flushed
def forward(x, kernel_size, stride=None, padding=0, ceil_mode=False, *, save=True):
    """Pool x (N, C, H, W), float32 or float64.

    Parameters
    ----------
    kernel_size, stride : int or (h, w); the stride is the kernel size by default
    padding : int, (h, w) or ((top, bottom), (left, right)), at most kernel - 1 on a side
    ceil_mode : round the output size up; the last window may then reach past the padding
    save : whether to return the argmax, which only a backward needs

    Returns
    -------
    y : (N, C, P, Q)
    argmax : (N, C, P, Q) unsigned integers, each the position r * S + s of the maximum in its R x S window; or None
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
def backward(grad_y, argmax, input_size, kernel_size, stride=None, padding=0):
    """Return grad_x (N, C, H, W): each window's gradient added at its argmax, for input_size = (H, W)."""
    kernel_size, stride, padding = shapes.pool_settings(kernel_size, stride, padding)
    argmax = _as_argmax(argmax, kernel_size)
    shapes.check_pool_windows("argmax", argmax.shape[2:], input_size, kernel_size, stride, padding)
    grad_y = checks.floating(checks.has_shape(grad_y, "grad_y", argmax.shape), "grad_y", 4, checks.FLOATS)
    form = form_of("max_pool2d", grad_y.dtype)
    if not getattr(form, "CHECKS_ARGMAX", False):
        _check_argmax(argmax, input_size, kernel_size, stride, padding)
    argmax = argmax.astype(np.intp) if isinstance(form, Pair) else argmax  # you may subtract, and as uint8 0 - 1 is 255
    grad_x = form.backward(grad_y, argmax, input_size, kernel_size, stride, padding)
    return returned("max_pool2d", "backward", grad_x, ((*grad_y.shape[:2], *input_size), grad_y.dtype))


def _as_argmax(argmax, kernel_size):
    """Return positions in the smallest unsigned type that holds those of a window."""
    if argmax.dtype.kind not in "iu":
        raise TypeError(f"argmax must be integers as the forward returned them, got {argmax.dtype}")
    positions = kernel_size[0] * kernel_size[1]
    smallest = np.min_scalar_type(positions - 1)
    if argmax.dtype != smallest:
        _raise_strays((argmax < 0) | (argmax >= positions))
    return argmax.astype(smallest, copy=False)


def _check_argmax(argmax, input_size, kernel_size, stride, padding):
    r, s = np.divmod(argmax.astype(np.intp), kernel_size[1])
    h = np.arange(argmax.shape[2])[:, None] * stride[0] - padding[0][0] + r
    w = np.arange(argmax.shape[3]) * stride[1] - padding[1][0] + s
    _raise_strays((r >= kernel_size[0]) | (h < 0) | (h >= input_size[0]) | (w < 0) | (w >= input_size[1]))


def _raise_strays(outside):
    if outside.any():
        raise ValueError(
            f"{int(outside.sum())} argmax values point outside their window or outside the image: they come from "
            "another forward pass"
        )
