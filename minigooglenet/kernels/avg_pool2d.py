"""Average pooling: the mean of each window.

The divisor counts the padding too (`count_include_pad`) or only real values. It never counts the out-of-bounds part of
a ceil-mode window.
"""

from minigooglenet import checks, shapes
from minigooglenet.kernels.forms import form_of
from minigooglenet.kernels.signatures import returned
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
    count_include_pad: bool = True,
) -> Array:
    """Return y (N, C, P, Q) for x (N, C, H, W), float32, float64 or complex128.

    The hyperparameters are those of max pooling; with `count_include_pad` the divisor counts padding.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.kernels.avg_pool2d.forward(np.arange(16.0).reshape(1, 1, 4, 4), 2)
    array([[[[ 2.5,  4.5],
             [10.5, 12.5]]]])
    """
    checks.floating(x, "x", 4)
    kernel_size, stride, padding = shapes.pool_settings(kernel_size, stride, padding)
    size = shapes.output_size(x.shape[2:], kernel_size, stride, padding, ceil_mode=ceil_mode)
    y = form_of("avg_pool2d", x.dtype).forward(x, kernel_size, stride, padding, ceil_mode, count_include_pad)
    return returned("avg_pool2d", "forward", y, ((*x.shape[:2], *size), x.dtype))


@flushed
def backward(
    grad_y: Array,
    input_size: Size,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Padding = 0,
    count_include_pad: bool = True,
) -> Array:
    """Return grad_x (N, C, H, W): each value of a window gets the window's gradient over the divisor.

    input_size : (H, W)

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.kernels.avg_pool2d.backward(np.array([[[[4.0, 8.0]]]]), (2, 4), 2)
    array([[[[1., 1., 2., 2.],
             [1., 1., 2., 2.]]]])
    """
    input_size = shapes.pair(input_size, "input_size")
    checks.floating(grad_y, "grad_y", 4)
    kernel_size, stride, padding = shapes.pool_settings(kernel_size, stride, padding)
    shapes.check_pool_windows("grad_y", grad_y.shape[2:], input_size, kernel_size, stride, padding)
    arguments = grad_y, input_size, kernel_size, stride, padding, count_include_pad
    grad_x = form_of("avg_pool2d", grad_y.dtype).backward(*arguments)
    return returned("avg_pool2d", "backward", grad_x, ((*grad_y.shape[:2], *input_size), grad_y.dtype))
