"""Softmax and cross-entropy in one: the usual loss of a classifier."""

import numpy as np

from minigooglenet import checks
from minigooglenet.kernels import log_softmax
from minigooglenet.kernels.spreading import flushed


@flushed
def forward(logits, labels):
    """Return (loss, log_probabilities) for logits (N, K) and N integer labels in 0 .. K - 1.

    The loss is a scalar, the mean over the batch of minus the log-probability of the right class, in nats; the
    log-probabilities are (N, K).
    """
    checks.floating(logits, "logits", 2)
    labels = checks.labels(labels, *logits.shape)
    log_probabilities = log_softmax.forward(logits)
    return -log_probabilities[np.arange(len(labels)), labels].mean(), log_probabilities


@flushed
def backward(log_probabilities, labels):
    """Return grad_logits (N, K): the probabilities, less one for the right class, over N."""
    labels = checks.labels(labels, *log_probabilities.shape)
    grad = np.exp(log_probabilities)
    grad[np.arange(len(labels)), labels] -= 1
    grad /= grad.dtype.type(len(labels))
    return grad
