"""Softmax and cross-entropy in one: the usual loss of a classifier."""

from minigooglenet import checks
from minigooglenet.kernels.forms import form_of
from minigooglenet.kernels.signatures import returned
from minigooglenet.parallel import flushed


@flushed
def forward(logits, labels):
    """Return (loss, log_probabilities) for logits (N, K) and N integer labels in 0 .. K - 1.

    The loss is the mean over the batch of minus the log-probability (N, K) of the right class, in nats.
    """
    checks.floating(logits, "logits", 2)
    labels = checks.labels(labels, *logits.shape)
    values = form_of("softmax_cross_entropy", logits.dtype).forward(logits, labels)
    scalar, like = ((), logits.dtype), (logits.shape, logits.dtype)
    return returned("softmax_cross_entropy", "forward", values, scalar, like)


@flushed
def backward(log_probabilities, labels):
    """Return grad_logits (N, K): the probabilities, minus one for the right class, over N."""
    labels = checks.labels(labels, *log_probabilities.shape)
    form = form_of("softmax_cross_entropy", log_probabilities.dtype)
    expected = log_probabilities.shape, log_probabilities.dtype
    return returned("softmax_cross_entropy", "backward", form.backward(log_probabilities, labels), expected)
