"""Label smoothing: the target of a loss is spread a little over all classes (Szegedy et al. 2016, section 7)."""

import math
from typing import Any

import numpy as np

from minigooglenet import checks
from minigooglenet.parallel import flushed
from minigooglenet.shapes import integer
from minigooglenet.typing import Array

__all__ = ["fraction", "smallest_loss", "smoothed"]


@flushed
def smoothed(loss: Any, grad: Array, log_probabilities: Array, labels: Array, smoothing: float) -> tuple[Any, Array]:
    """Return (loss, grad_logits) with label smoothing for the same without it; (N, K) log-probabilities, N labels.

    The target probability of class k is q[k] = (1 - smoothing) * [k == label] + smoothing / K, and the loss is
    -sum(q * log_probabilities), averaged over the batch. So it is (1 - smoothing) times the loss without smoothing,
    plus smoothing times the mean of -log_probabilities over all classes. The gradient is (probabilities - q) / N.
    """
    smoothing, (count, classes) = fraction(smoothing, "smoothing"), log_probabilities.shape
    kind = log_probabilities.dtype.type
    grad = grad - kind(smoothing / classes / count)
    grad[np.arange(count), labels] += kind(smoothing / count)
    return kind(1 - smoothing) * loss - kind(smoothing) * log_probabilities.mean(), grad


def smallest_loss(classes: int, smoothing: float = 0.1) -> float:
    """Return the smallest cross-entropy, in nats, that label smoothing allows: the entropy of its targets.

    A network reaches it when its probabilities equal the targets: 1 - smoothing + smoothing / K for the correct class
    and smoothing / K for every other of the K classes. Without smoothing, the smallest loss is 0, and only infinite
    logits reach it; with smoothing, the logits of the best network are finite.

    Parameters
    ----------
    classes : number of classes K
    smoothing : fraction of each target that is spread over all classes, 0.1 in the paper

    Examples
    --------
    >>> import minigooglenet as mg
    >>> round(mg.losses.smallest_loss(1000, 0.1), 4), round(mg.losses.smallest_loss(10, 0.1), 4)
    (1.0148, 0.5003)
    """
    classes, smoothing = integer(classes, "classes", 1), fraction(smoothing, "smoothing")
    other = smoothing / classes
    correct = 1 - smoothing + other
    return -correct * math.log(correct) - ((classes - 1) * other * math.log(other) if other else 0.0)


def fraction(value: Any, name: str) -> float:
    """Return a number in [0, 1), or raise an error with its name."""
    if not 0 <= (value := checks.number(value, name)) < 1:
        raise ValueError(
            f"{name} must be in [0, 1), got {value!r}: it is the fraction of each target that is spread over all "
            "classes. Try 0.1."
        )
    return float(value)
