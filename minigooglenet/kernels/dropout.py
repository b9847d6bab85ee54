"""Inverted dropout: in training, set each value to zero with probability p and scale the others by 1 / (1 - p).

The scaling preserves the expected value, so inference needs no change (Caffe and PyTorch do the same).
"""

import numpy as np

from minigooglenet import checks
from minigooglenet.kernels.forms import form_of
from minigooglenet.kernels.signatures import returned
from minigooglenet.parallel import flushed
from minigooglenet.typing import Array, Rng

__all__ = ["backward", "forward"]


@flushed
def forward(x: Array, p: float, rng: Rng) -> tuple[Array, Array]:
    """Return (y, mask), both of x's shape; the boolean `mask` is True where a value is kept.

    `rng` is a numpy.random.Generator or a seed. One seed gives the same mask for float32 and float64 inputs.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> y, mask = mg.kernels.dropout.forward(np.ones((1, 1000)), 0.5, rng=0)
    >>> np.unique(y), bool((mask == (y > 0)).all())
    (array([0., 2.]), True)
    """
    checks.floating(x, "x")
    mask = np.random.default_rng(rng).random(x.shape, dtype=np.float32) >= checks.probability(p)
    y = form_of("dropout", x.dtype).forward(x, mask, p)
    return returned("dropout", "forward", y, (x.shape, x.dtype)), mask


@flushed
def backward(grad_y: Array, mask: Array, p: float) -> Array:
    """Return grad_x: zero for dropped values, grad_y / (1 - p) for the others.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.kernels.dropout.backward(np.array([[1.0, 2.0]]), np.array([[True, False]]), 0.5)
    array([[2., 0.]])
    """
    checks.has_shape(checks.floating(grad_y, "grad_y"), "grad_y", mask.shape)
    grad_x = form_of("dropout", grad_y.dtype).backward(grad_y, mask, p)
    return returned("dropout", "backward", grad_x, (grad_y.shape, grad_y.dtype))
