"""Inverted dropout: while training, drop each value with probability p and scale the others by 1 / (1 - p).

Scaling while training keeps the expected value, so inference needs no change (Caffe and PyTorch do the same).
"""

import numpy as np

from minigooglenet import checks
from minigooglenet.kernels.spreading import flushed


@flushed
def forward(x, p, rng):
    """Return (y, kept): y of the shape of x, and a boolean array that says which values stayed.

    `rng`, a numpy.random.Generator or a seed, decides; float32 and float64 inputs meet the same decisions.
    """
    checks.floating(x, "x")
    rng = np.random.default_rng(rng)
    kept = rng.random(x.shape, dtype=np.float32) >= checks.probability(p)
    return _apply(x, kept, p), kept


@flushed
def backward(grad_y, kept, p):
    """Return grad_x: what was dropped gets nothing, the rest is scaled as the forward was."""
    return _apply(checks.has_shape(checks.floating(grad_y, "grad_y"), "grad_y", kept.shape), kept, p)


def _apply(x, kept, p):
    # A product rather than a choice: a NaN stays visible even where it is dropped.
    return x * (kept / x.real.dtype.type(1 - p))
