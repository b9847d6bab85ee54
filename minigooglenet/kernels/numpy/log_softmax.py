"""Log-softmax along axis 1, computed without probabilities, which could underflow to zero."""

import numpy as np

from minigooglenet.kernels.numpy.softmax import shifted


def forward(x):
    """Return y (N, C, ...): the logarithm of softmax."""
    y = shifted(x)
    y -= np.log(np.exp(y).sum(axis=1, keepdims=True))
    return y


def backward(grad_y, y):
    """Return grad_x for the output y: grad_y - softmax * (sum of grad_y along axis 1)."""
    return grad_y - np.exp(y) * grad_y.sum(axis=1, keepdims=True)
