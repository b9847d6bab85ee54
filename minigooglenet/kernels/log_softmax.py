"""Log-softmax over axis 1, without ever forming a probability that could underflow to zero."""

import numpy as np

from minigooglenet import checks
from minigooglenet.kernels.softmax import shifted
from minigooglenet.kernels.spreading import flushed


@flushed
def forward(x):
    """Return y of the shape of x (N, C, ...): the logarithm of softmax along axis 1."""
    checks.with_classes(x)
    y = shifted(x)
    y -= np.log(np.exp(y).sum(axis=1, keepdims=True))
    return y


@flushed
def backward(grad_y, y):
    """Return grad_x from the output y: grad_y - softmax * (sum of grad_y along axis 1)."""
    grad_y = checks.gradient(grad_y, y.shape, y.dtype)
    return grad_y - np.exp(y) * grad_y.sum(axis=1, keepdims=True)
