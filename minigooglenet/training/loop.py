"""Training in a small loop, and what a trained network says of other images."""

import copy
from typing import NamedTuple

import numpy as np

from minigooglenet import checks, losses, optim
from minigooglenet.shapes import integer


class Step(NamedTuple):
    """What one training step saw: its number from 0 of `count`, the loss, and the accuracy on its own batch."""

    number: int
    count: int
    loss: float
    accuracy: float


def train(
    g, images, labels, *, epochs, batch_size=32, lr=0.05, momentum=0.9, weight_decay=2e-4, rng=None, on_step=None
) -> list[Step]:
    """Train a graph in place by SGD with momentum, its learning rate falling to zero by the square root.

    Every output of the graph is a classifier: the last counts whole, the others 0.3.

    Parameters
    ----------
    g : Graph with one input
    images : (M, C, H, W)
    labels : M integers
    epochs : how often every image is seen, each time in a new order; batches are full but for an epoch's last
    rng : Generator, int or None, for the order
    on_step : called with each `Step` when it is done

    Returns
    -------
    list of Step

    Raises
    ------
    FloatingPointError
        When the loss is no longer finite, with the name of the first wire that is not.
    """
    images, labels = np.asarray(images), np.asarray(labels)
    if len(images) != len(labels):
        raise ValueError(f"every image needs its label: {len(images)} images, {len(labels)} labels")
    batch_size, epochs = integer(batch_size, "batch_size", 1), integer(epochs, "epochs", 1)
    rng = np.random.default_rng(rng)
    name = _only_input(g)
    weights = losses.head_weights(g.outputs)
    count = epochs * -(-len(images) // batch_size)
    velocity, steps = {}, []
    for _ in range(epochs):
        order = rng.permutation(len(images))
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            x, y = images[batch], labels[batch]
            buffers = dict(g.buffers)
            with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is told below, with its place
                logits, tape = g.forward({name: x}, train=True)
                loss, _, grads = losses.weighted_sum(logits, y, weights)
            if not np.isfinite(loss):
                g.buffers.update(buffers)  # running statistics that a NaN has reached would never recover
                _stop(g, name, x, len(steps))
            _, grad_params = g.backward(grads, tape, inputs=False)
            rate = optim.polynomial(lr, len(steps), count)
            optim.sgd_step(g.params, grad_params, velocity, lr=rate, momentum=momentum, weight_decay=weight_decay)
            hits = logits[g.outputs[-1]].argmax(axis=1) == y
            steps.append(Step(len(steps), count, loss, float(hits.mean())))
            if on_step:
                on_step(steps[-1])
    return steps


def predict(g, images, batch_size=64) -> np.ndarray:
    """Return the most likely class of each image, M integers."""
    if len(images) == 0:
        raise ValueError("there are no images to predict: a batch of zero")
    batches = (images[start : start + batch_size] for start in range(0, len(images), batch_size))
    return np.concatenate([g(batch).argmax(axis=1) for batch in batches])


def confusion(labels, predicted, classes: int) -> np.ndarray:
    """Return (classes, classes) integers: how many images of each class (row) were taken for each class (column)."""
    labels, predicted = (checks.labels(values, len(labels), classes) for values in (labels, predicted))
    matrix = np.zeros((classes, classes), np.int64)
    np.add.at(matrix, (labels, predicted), 1)
    return matrix


def _only_input(g):
    if len(g.inputs) != 1:
        raise ValueError(f"training feeds one input, this graph has {list(g.inputs)}")
    return next(iter(g.inputs))


def _stop(g, name, x, step):
    try:
        copy.deepcopy(g).forward({name: x}, train=True, check_finite=True)
        where = "the forward of the same batch is finite now, so dropout decided it"
    except ValueError as error:
        where = str(error)
    advice = "look at the images" if f"wire {name!r}" in where else "perhaps a smaller learning rate?"
    raise FloatingPointError(f"the loss of step {step} is not finite: {where}; {advice}")
