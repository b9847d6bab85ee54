"""Softmax and cross-entropy in one operation: the usual loss of a classifier."""

from typing import Any

from minigooglenet import checks
from minigooglenet.kernels.forms import form_of
from minigooglenet.kernels.signatures import returned
from minigooglenet.parallel import flushed
from minigooglenet.typing import Array

__all__ = ["backward", "forward"]


@flushed
def forward(logits: Array, labels: Array) -> tuple[Any, Array]:
    """Return (loss, log_probabilities (N, K)) for logits (N, K) and N integer labels in 0 .. K - 1.

    The loss is minus the log-probability of the correct class, averaged over the batch, in nats.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> loss, log_probabilities = mg.kernels.softmax_cross_entropy.forward(np.zeros((1, 4)), np.array([2]))
    >>> round(float(loss), 4), log_probabilities.shape
    (1.3863, (1, 4))
    """
    checks.floating(logits, "logits", 2)
    labels = checks.labels(labels, *logits.shape)
    values = form_of("softmax_cross_entropy", logits.dtype).forward(logits, labels)
    scalar, like = ((), logits.dtype), (logits.shape, logits.dtype)
    return returned("softmax_cross_entropy", "forward", values, scalar, like)


@flushed
def backward(log_probabilities: Array, labels: Array) -> Array:
    """Return grad_logits (N, K): (probabilities - 1 for the correct class) / N.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> mg.kernels.softmax_cross_entropy.backward(np.log([[0.25, 0.75]]), np.array([0])).round(4)
    array([[-0.75,  0.75]])
    """
    labels = checks.labels(labels, *log_probabilities.shape)
    form = form_of("softmax_cross_entropy", log_probabilities.dtype)
    expected = log_probabilities.shape, log_probabilities.dtype
    return returned("softmax_cross_entropy", "backward", form.backward(log_probabilities, labels), expected)
