"""From logits and labels to a number to make small, and its gradient.

A loss is not a node: it returns its gradient at once, and that gradient starts the graph's backward. Several losses are
several starting gradients, each times its weight.
"""

from minigooglenet.graph.heads import trained_outputs
from minigooglenet.kernels import softmax_cross_entropy as kernel
from minigooglenet.parallel import flushed


def softmax_cross_entropy(logits, labels):
    """Return (mean loss, grad_logits) for logits (N, K) and N integer labels in 0 .. K - 1.

    The loss is in nats: log(K) when all classes look alike.
    """
    loss, log_probabilities = kernel.forward(logits, labels)
    return loss, kernel.backward(log_probabilities, labels)


def head_weights(outputs, auxiliary=0.3):
    """Return {wire: weight} for a network's classifiers: 1 for the main one, and `auxiliary` for the others.

    Parameters
    ----------
    outputs : a Graph, or the wires of its classifiers with the main one last
    auxiliary : weight of the auxiliary heads; 0.3 is the paper's discount weight (section 5)
    """
    if hasattr(outputs, "main"):
        outputs = trained_outputs(outputs)
    *heads, main = outputs
    return {**dict.fromkeys(heads, auxiliary), main: 1.0}


@flushed
def weighted_sum(logits, labels, weights):
    """Return (total loss, {wire: its loss}, {wire: gradient of the total}) for {wire: logits} and {wire: weight}."""
    losses, grads = {}, {}
    for wire, weight in weights.items():
        losses[wire], grad = softmax_cross_entropy(logits[wire], labels)
        grads[wire] = grad * grad.dtype.type(weight)
    return sum(weights[wire] * float(loss.real) for wire, loss in losses.items()), losses, grads
