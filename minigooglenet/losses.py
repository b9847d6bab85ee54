"""Losses: from logits and labels to a scalar and its gradient.

A loss is not a node of the graph. It returns its gradient together with its value, and `g.backward` starts from that
gradient. Several losses give several gradients to start from, each multiplied by its loss weight.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from minigooglenet.graph import Graph
from minigooglenet.graph.heads import trained_outputs
from minigooglenet.kernels import softmax_cross_entropy as kernel
from minigooglenet.label_smoothing import smallest_loss, smoothed
from minigooglenet.parallel import flushed
from minigooglenet.typing import Array

__all__ = ["head_weights", "smallest_loss", "softmax_cross_entropy", "weighted_sum"]


def softmax_cross_entropy(logits: Array, labels: Array, smoothing: float = 0.0) -> tuple[Any, Array]:
    """Return (mean loss, grad_logits) for logits (N, K) and N integer labels in 0 .. K - 1.

    The loss is in nats: log(K) if all classes have the same probability. `smoothing` is the fraction of each target
    that label smoothing spreads over all classes; the loss is then at least `smallest_loss(K, smoothing)`.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> loss, grad = mg.losses.softmax_cross_entropy(np.zeros((1, 4)), np.array([2]))
    >>> round(float(loss), 4), grad
    (1.3863, array([[ 0.25,  0.25, -0.75,  0.25]]))
    """
    loss, log_probabilities = kernel.forward(logits, labels)
    grad = kernel.backward(log_probabilities, labels)
    return smoothed(loss, grad, log_probabilities, labels, smoothing) if smoothing else (loss, grad)


def head_weights(outputs: Graph | Sequence[str], auxiliary: float = 0.3) -> dict[str, float]:
    """Return {wire: loss weight} of a network's classifiers: 1 for the main one, `auxiliary` for the auxiliary heads.

    Parameters
    ----------
    outputs : a Graph, or the wires of its classifiers with the main one last
    auxiliary : loss weight of the auxiliary heads; the paper uses 0.3 (section 5)

    Examples
    --------
    >>> import minigooglenet as mg
    >>> mg.losses.head_weights(["loss1/classifier", "loss2/classifier", "loss3/classifier"])
    {'loss1/classifier': 0.3, 'loss2/classifier': 0.3, 'loss3/classifier': 1.0}
    """
    *heads, main = trained_outputs(outputs) if isinstance(outputs, Graph) else outputs
    return {**dict.fromkeys(heads, auxiliary), main: 1.0}


@flushed
def weighted_sum(
    logits: Mapping[str, Array], labels: Array, weights: Mapping[str, float], smoothing: float = 0.0
) -> tuple[float, dict[str, Any], dict[str, Array]]:
    """Return (total loss, {wire: its loss}, {wire: gradient of the total}) for {wire: logits} and {wire: weight}.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> logits = {"aux": np.zeros((1, 4)), "main": np.zeros((1, 4))}
    >>> total, losses, grads = mg.losses.weighted_sum(logits, np.array([2]), {"aux": 0.3, "main": 1.0})
    >>> round(total, 4), grads["main"]
    (1.8022, array([[ 0.25,  0.25, -0.75,  0.25]]))
    """
    losses, grads = {}, {}
    for wire, weight in weights.items():
        losses[wire], grad = softmax_cross_entropy(logits[wire], labels, smoothing)
        grads[wire] = grad * grad.dtype.type(weight)
    return sum(weights[wire] * float(loss.real) for wire, loss in losses.items()), losses, grads
