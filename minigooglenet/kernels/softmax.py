"""Softmax along axis 1: from logits to probabilities."""

from minigooglenet import checks
from minigooglenet.kernels.forms import form_of
from minigooglenet.kernels.signatures import returned
from minigooglenet.parallel import flushed
from minigooglenet.typing import Array

__all__ = ["backward", "forward"]


@flushed
def forward(x: Array) -> Array:
    """Return y of x's shape (N, C, ...): positive, with sum 1 along axis 1.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.kernels.softmax.forward(np.log([[1.0, 3.0]])).round(4)
    array([[0.25, 0.75]])
    """
    checks.with_classes(x)
    return returned("softmax", "forward", form_of("softmax", x.dtype).forward(x), (x.shape, x.dtype))


@flushed
def backward(grad_y: Array, y: Array) -> Array:
    """Return grad_x for the output y: y * (grad_y - sum of grad_y * y along axis 1).

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.kernels.softmax.backward(np.array([[1.0, 0.0]]), np.array([[0.25, 0.75]]))
    array([[ 0.1875, -0.1875]])
    """
    grad_y = checks.gradient(grad_y, y.shape, y.dtype)
    return returned("softmax", "backward", form_of("softmax", y.dtype).backward(grad_y, y), (y.shape, y.dtype))
