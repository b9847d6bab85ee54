"""Softmax cross-entropy by definition: minus the log-probability of the correct class, averaged over the batch."""

import numpy as np

from minigooglenet.kernels.loops import log_softmax


def forward(logits, labels):
    """Return (loss, log_probabilities) for logits (N, K) and N integers."""
    log_probabilities = log_softmax.forward(logits)
    loss = logits.dtype.type(0)
    for n, label in enumerate(labels):
        loss -= log_probabilities[n, label] / len(labels)
    return loss, log_probabilities


def backward(log_probabilities, labels):
    """Return grad_logits (N, K): (probability - 1 for the correct class) / N."""
    grad = np.empty_like(log_probabilities)
    for n, k in np.ndindex(grad.shape):
        grad[n, k] = (np.exp(log_probabilities[n, k]) - (k == labels[n])) / len(labels)
    return grad
