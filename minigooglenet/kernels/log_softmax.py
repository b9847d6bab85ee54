"""Log-softmax along axis 1, computed without probabilities, which could underflow to zero."""

from minigooglenet import checks
from minigooglenet.kernels.forms import form_of
from minigooglenet.kernels.signatures import returned
from minigooglenet.parallel import flushed
from minigooglenet.typing import Array

__all__ = ["backward", "forward"]


@flushed
def forward(x: Array) -> Array:
    """Return y (N, C, ...), the logarithm of softmax along axis 1, for x of the same shape.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.kernels.log_softmax.forward(np.array([[0.0, 0.0]])).round(4)
    array([[-0.6931, -0.6931]])
    """
    checks.with_classes(x)
    return returned("log_softmax", "forward", form_of("log_softmax", x.dtype).forward(x), (x.shape, x.dtype))


@flushed
def backward(grad_y: Array, y: Array) -> Array:
    """Return grad_x for the output y: grad_y - softmax * (sum of grad_y along axis 1).

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.kernels.log_softmax.backward(np.array([[1.0, 0.0]]), np.log([[0.25, 0.75]])).round(4)
    array([[ 0.75, -0.75]])
    """
    grad_y = checks.gradient(grad_y, y.shape, y.dtype)
    grad_x = form_of("log_softmax", y.dtype).backward(grad_y, y)
    return returned("log_softmax", "backward", grad_x, (y.shape, y.dtype))
