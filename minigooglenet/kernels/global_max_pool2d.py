"""Global max pooling: the maximum of each channel. Of equal values the first is the maximum; a NaN is returned."""

import numpy as np

from minigooglenet import checks, shapes
from minigooglenet.kernels.forms import form_of
from minigooglenet.kernels.signatures import returned
from minigooglenet.parallel import flushed
from minigooglenet.typing import Array, Size

__all__ = ["backward", "forward"]


@flushed
def forward(x: Array) -> tuple[Array, Array]:
    """Return (y, argmax), both (N, C), for x (N, C, H, W), float32 or float64.

    `argmax` is the position of the maximum, h * W + w.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.kernels.global_max_pool2d.forward(np.array([[[[1.0, 5.0], [5.0, 2.0]]]]))
    (array([[5.]]), array([[1]]))
    """
    checks.floating(x, "x", 4, checks.FLOATS)
    results = form_of("global_max_pool2d", x.dtype).forward(x)
    y, argmax = returned("global_max_pool2d", "forward", results, (x.shape[:2], x.dtype), (x.shape[:2], None))
    return y, _positions(argmax, x.shape[2:])


@flushed
def backward(grad_y: Array, argmax: Array, input_size: Size) -> Array:
    """Return grad_x (N, C, H, W): the gradient of each channel at its argmax, zero elsewhere; input_size is (H, W).

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.kernels.global_max_pool2d.backward(np.array([[3.0]]), np.array([[1]]), (2, 2))
    array([[[[0., 3.],
             [0., 0.]]]])
    """
    checks.floating(grad_y, "grad_y", 2, checks.FLOATS)
    input_size = shapes.pair(input_size, "input_size")
    argmax = _positions(checks.has_shape(argmax, "argmax", grad_y.shape), input_size)
    grad_x = form_of("global_max_pool2d", grad_y.dtype).backward(grad_y, argmax, input_size)
    return returned("global_max_pool2d", "backward", grad_x, ((*grad_y.shape, *input_size), grad_y.dtype))


def _positions(argmax, size):
    """Return argmax as int64 after checking that its positions are inside the feature map."""
    if argmax.dtype.kind not in "iu":
        raise TypeError(f"argmax must be the integers that forward returned, got {argmax.dtype}")
    outside = int(((argmax < 0) | (argmax >= size[0] * size[1])).sum())
    if outside:
        raise ValueError(f"{outside} argmax values point outside the {size[0]} x {size[1]} feature map")
    return argmax.astype(np.int64, copy=False)
