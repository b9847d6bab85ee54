"""Padding of feature maps with one value, as a layer of its own."""

from minigooglenet import checks, shapes
from minigooglenet.kernels.forms import form_of
from minigooglenet.kernels.signatures import returned
from minigooglenet.parallel import flushed
from minigooglenet.typing import Array, Padding, Shape

__all__ = ["backward", "forward"]


@flushed
def forward(x: Array, padding: Padding, value: float = 0.0) -> Array:
    """Return y (N, C, H + top + bottom, W + left + right) for x (N, C, H, W).

    Parameters
    ----------
    padding : int, (h, w) or ((top, bottom), (left, right))
    value : of the padding

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.kernels.pad.forward(np.ones((1, 1, 1, 2)), ((0, 1), (1, 0)))
    array([[[[0., 1., 1.],
             [0., 0., 0.]]]])
    """
    checks.floating(x, "x", 4)
    padding = shapes.four_sided(padding)
    y = form_of("pad", x.dtype).forward(x, padding, checks.number(value, "value"))
    return returned("pad", "forward", y, ((*x.shape[:2], *output_size(x.shape[2:], padding)), x.dtype))


@flushed
def backward(grad_y: Array, padding: Padding) -> Array:
    """Return grad_x (N, C, H, W): grad_y without the padding.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.kernels.pad.backward(np.arange(6.0).reshape(1, 1, 2, 3), ((0, 1), (1, 0)))
    array([[[[1., 2.]]]])
    """
    checks.floating(grad_y, "grad_y", 4)
    (top, bottom), (left, right) = padding = shapes.four_sided(padding)
    size = grad_y.shape[2] - top - bottom, grad_y.shape[3] - left - right
    if min(size) < 1:
        raise ValueError(f"grad_y is {grad_y.shape[2]} x {grad_y.shape[3]}, not larger than its padding {padding}")
    grad_x = form_of("pad", grad_y.dtype).backward(grad_y, padding)
    return returned("pad", "backward", grad_x, ((*grad_y.shape[:2], *size), grad_y.dtype))


def output_size(size: Shape, padding: shapes.Padding) -> tuple[int, int]:
    """Return (H + top + bottom, W + left + right)."""
    height, width = size
    return height + sum(padding[0]), width + sum(padding[1])
