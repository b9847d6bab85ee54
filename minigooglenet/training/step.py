"""One training step: the losses of all classifiers and their gradients, with an error if a loss is not finite."""

import copy
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

import numpy as np

from minigooglenet import console, losses
from minigooglenet.evaluation.held_out import only_input
from minigooglenet.graph import Graph
from minigooglenet.graph.restoring import restored_on_error
from minigooglenet.typing import Array, IntArray


class Step(NamedTuple):
    """The result of one training step: its number from 0, of `count`, and the loss and the accuracy of its batch.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> mg.training.Step(number=0, count=90, loss=2.31, accuracy=0.125)
    Step(number=0, count=90, loss=2.31, accuracy=0.125)
    """

    number: int
    count: int  # type: ignore[assignment]
    loss: float
    accuracy: float


class Gradients(NamedTuple):
    """The result of one forward and one backward pass for a batch.

    loss : the weighted sum of the losses of all classifiers, in nats
    heads : {wire: loss of this classifier}
    accuracy : accuracy of the main classifier on the batch
    params : {name: gradient}
    images : number of images in the batch
    """

    loss: float
    heads: dict[str, float]
    accuracy: float
    params: dict[str, Array]
    images: int

    def __repr__(self) -> str:
        return console.brief(self)


def gradients(
    g: Graph,
    x: Array,
    labels: IntArray,
    weights: Mapping[str, float],
    *,
    number: int = 0,
    frozen: Collection[str] = (),
    smoothing: float = 0.0,
    update: Callable[[dict[str, Array]], object] | None = None,
) -> Gradients:
    """Return the Gradients of a batch.

    Parameters
    ----------
    g : Graph with one input
    x : (N, C, H, W)
    labels : N integers
    weights : {wire: loss weight}, the main classifier last
    number : number of this step for the error message
    frozen : nodes that are not trained
    smoothing : label smoothing of all losses
    update : takes the {name: gradient} of each node in the backward pass; then `Gradients.params` is empty

    Raises
    ------
    FloatingPointError
        If the loss is not finite, with the name of the first wire that is not. As after any error, the running
        statistics are restored.
    """
    name = only_input(g)
    # Restored, because a NaN in the running statistics would stay there forever.
    with restored_on_error(g.nodes), np.errstate(over="ignore", invalid="ignore"):
        logits, tape = g.forward({name: x}, outputs=tuple(weights), train=True, frozen=frozen)
        loss, heads, grads = losses.weighted_sum(logits, labels, weights, smoothing)
        if not np.isfinite(loss):
            _stop(g, name, x, number)
        _, grad_params = g.backward(
            grads, tape, inputs=False, on_gradients=update
        )  # the next loss reports a gradient that is not finite
    main = logits[list(weights)[-1]]
    hits = float((main.argmax(axis=1) == labels).mean())
    return Gradients(loss, {wire: float(value) for wire, value in heads.items()}, hits, grad_params, len(labels))


def _stop(g, name, x, number):
    try:
        copy.deepcopy(g).forward({name: x}, train=True, check_finite=True)
        where = "another forward pass of the same batch is finite, so it depends on dropout"
    except ValueError as error:
        where = str(error).rstrip(".")
    advice = "Check the images." if f"wire {name!r}" in where else "Try a smaller learning rate."
    raise FloatingPointError(f"the loss of step {number} is not finite: {where}. {advice}")
