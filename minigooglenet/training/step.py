"""One training step: the losses of all heads, their gradients, and a clear word when a loss is not finite."""

import copy
from typing import NamedTuple

import numpy as np

from minigooglenet import console, losses
from minigooglenet.evaluation.held_out import only_input
from minigooglenet.graph.restoring import restored_on_error


class Step(NamedTuple):
    """What one training step saw: its number from 0 of `count`, the loss, and the accuracy on its own batch."""

    number: int
    count: int
    loss: float
    accuracy: float


class Gradients(NamedTuple):
    """What a forward and a backward of one batch give.

    loss : the weighted sum of the heads' losses, in nats;  heads : {wire: its own loss}
    accuracy : share of the batch that the main head gets right;  params : {name: gradient}
    """

    loss: float
    heads: dict[str, float]
    accuracy: float
    params: dict[str, np.ndarray]

    def __repr__(self) -> str:
        return console.brief(self)


def gradients(g, x, labels, weights, *, number=0, frozen=()) -> Gradients:
    """Return the Gradients of a batch.

    Parameters
    ----------
    g : Graph with one input
    x : (N, C, H, W);  labels : N integers
    weights : {wire: factor on its loss}, the main head last
    number : of this step, for the error's words
    frozen : nodes that stay as they are

    Raises
    ------
    FloatingPointError
        When the loss is not finite, with the name of the first wire that is not; running statistics are as before,
        as after any error.
    """
    name = only_input(g)
    # A NaN in the running statistics would stay there for ever.
    with restored_on_error(g.nodes), np.errstate(over="ignore", invalid="ignore"):
        logits, tape = g.forward({name: x}, outputs=tuple(weights), train=True, frozen=frozen)
        loss, heads, grads = losses.weighted_sum(logits, labels, weights)
        if not np.isfinite(loss):
            _stop(g, name, x, number)
        _, grad_params = g.backward(grads, tape, inputs=False)  # the next loss reports what is not finite here
    main = logits[list(weights)[-1]]
    hits = float((main.argmax(axis=1) == labels).mean())
    return Gradients(loss, {wire: float(value) for wire, value in heads.items()}, hits, grad_params)


def _stop(g, name, x, number):
    try:
        copy.deepcopy(g).forward({name: x}, train=True, check_finite=True)
        where = "the forward of the same batch is finite now, so dropout decided it"
    except ValueError as error:
        where = str(error)
    advice = "look at the images" if f"wire {name!r}" in where else "perhaps a smaller learning rate?"
    raise FloatingPointError(f"the loss of step {number} is not finite: {where}; {advice}")
