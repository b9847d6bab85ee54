"""Global average pooling: the mean of each channel."""

from minigooglenet import checks, shapes
from minigooglenet.kernels.forms import form_of
from minigooglenet.kernels.signatures import returned
from minigooglenet.parallel import flushed
from minigooglenet.typing import Array, Size

__all__ = ["backward", "forward"]


@flushed
def forward(x: Array) -> Array:
    """Return y (N, C) for x (N, C, H, W), float32, float64 or complex128.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.kernels.global_avg_pool2d.forward(np.arange(8.0).reshape(1, 2, 2, 2))
    array([[1.5, 5.5]])
    """
    checks.floating(x, "x", 4)
    y = form_of("global_avg_pool2d", x.dtype).forward(x)
    return returned("global_avg_pool2d", "forward", y, (x.shape[:2], x.dtype))


@flushed
def backward(grad_y: Array, input_size: Size) -> Array:
    """Return grad_x (N, C, H, W): every position of a channel gets grad_y / (H * W); input_size is (H, W).

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.kernels.global_avg_pool2d.backward(np.array([[4.0]]), (2, 2))
    array([[[[1., 1.],
             [1., 1.]]]])
    """
    checks.floating(grad_y, "grad_y", 2)
    input_size = shapes.pair(input_size, "input_size")
    grad_x = form_of("global_avg_pool2d", grad_y.dtype).backward(grad_y, input_size)
    return returned("global_avg_pool2d", "backward", grad_x, ((*grad_y.shape, *input_size), grad_y.dtype))
