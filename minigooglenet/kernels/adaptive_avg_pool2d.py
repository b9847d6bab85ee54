"""Adaptive average pooling: the mean of each window, with windows chosen so that the output has a given size.

The windows differ in size and spacing: for 14 values and 4 outputs they start at 0, 3, 7 and 10.
"""

from minigooglenet import checks, shapes
from minigooglenet.kernels.forms import form_of
from minigooglenet.kernels.signatures import returned
from minigooglenet.parallel import flushed
from minigooglenet.typing import Array, Size

__all__ = ["backward", "forward"]


@flushed
def forward(x: Array, output_size: Size) -> Array:
    """Return y (N, C, P, Q) for x (N, C, H, W), float32, float64 or complex128; output_size is (P, Q), or P = Q.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.kernels.adaptive_avg_pool2d.forward(np.arange(16.0).reshape(1, 1, 4, 4), 2)
    array([[[[ 2.5,  4.5],
             [10.5, 12.5]]]])
    """
    checks.floating(x, "x", 4)
    output_size = shapes.pair(output_size, "output_size")
    y = form_of("adaptive_avg_pool2d", x.dtype).forward(x, output_size)
    return returned("adaptive_avg_pool2d", "forward", y, ((*x.shape[:2], *output_size), x.dtype))


@flushed
def backward(grad_y: Array, input_size: Size) -> Array:
    """Return grad_x (N, C, H, W): the gradient of a window, divided equally among its values; input_size is (H, W).

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.kernels.adaptive_avg_pool2d.backward(np.ones((1, 1, 1, 2)), (2, 4))
    array([[[[0.25, 0.25, 0.25, 0.25],
             [0.25, 0.25, 0.25, 0.25]]]])
    """
    checks.floating(grad_y, "grad_y", 4)
    input_size = shapes.pair(input_size, "input_size")
    grad_x = form_of("adaptive_avg_pool2d", grad_y.dtype).backward(grad_y, input_size)
    return returned("adaptive_avg_pool2d", "backward", grad_x, ((*grad_y.shape[:2], *input_size), grad_y.dtype))
