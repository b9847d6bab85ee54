"""Inverted dropout: while training, drop each value with probability p and scale the others by 1 / (1 - p).

Scaling while training keeps the expected value, so inference needs no change (Caffe and PyTorch do the same).
"""

import numpy as np

from minigooglenet import checks
from minigooglenet.kernels.forms import form_of
from minigooglenet.kernels.signatures import returned
from minigooglenet.parallel import flushed


@flushed
def forward(x, p, rng):
    """Return (y, mask): y of x's shape, and a boolean array that is True where a value stayed.

    `rng`, a numpy.random.Generator or a seed, decides; float32 and float64 inputs get the same mask.
    """
    checks.floating(x, "x")
    mask = np.random.default_rng(rng).random(x.shape, dtype=np.float32) >= checks.probability(p)
    y = form_of("dropout", x.dtype).forward(x, mask, p)
    return returned("dropout", "forward", y, (x.shape, x.dtype)), mask


@flushed
def backward(grad_y, mask, p):
    """Return grad_x: what was dropped gets nothing, the rest is scaled as the forward was."""
    checks.has_shape(checks.floating(grad_y, "grad_y"), "grad_y", mask.shape)
    grad_x = form_of("dropout", grad_y.dtype).backward(grad_y, mask, p)
    return returned("dropout", "backward", grad_x, (grad_y.shape, grad_y.dtype))
