"""Softmax and cross-entropy in one: minus the log-probability of the correct class, averaged over the batch."""

import numpy as np

from minigooglenet.kernels.numpy import log_softmax


def forward(logits, labels):
    """Return (loss, log_probabilities (N, K)) for logits (N, K) and labels (N,); the loss is in nats."""
    log_probabilities = log_softmax.forward(logits)
    return -log_probabilities[np.arange(len(labels)), labels].mean(), log_probabilities


def backward(log_probabilities, labels):
    """Return grad_logits (N, K): (probabilities - 1 for the correct class) / N."""
    grad = np.exp(log_probabilities)
    grad[np.arange(len(labels)), labels] -= 1
    grad /= grad.dtype.type(len(labels))
    return grad
