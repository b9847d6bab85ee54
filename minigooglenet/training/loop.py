"""The training loop, in plain view: batches in, one step of SGD after the other."""

import numpy as np

from minigooglenet import losses, optim, schedules
from minigooglenet.shapes import integer
from minigooglenet.training.feeding import check_batches, feeding
from minigooglenet.training.settings import number as checked
from minigooglenet.training.step import Step, gradients


def train(
    g,
    images,
    labels=None,
    *,
    epochs,
    batch_size=32,
    lr=0.05,
    momentum=0.9,
    weight_decay=2e-4,
    rng=None,
    on_step=None,
    pixels=None,
) -> list[Step]:
    """Train a graph in place by SGD with momentum, its learning rate falling to zero by the square root.

    Every output of the graph is a classifier: the last counts whole, the others 0.3.

    Parameters
    ----------
    g : Graph with one input
    images : (M, C, H, W). float32 and float64 are inputs of the network and are used as they are. uint8 are pixels of
        0 .. 255, which become inputs by `pixels`. Or a data.Dataset, which has its own labels and pixels, and is
        augmented if it says so.
    labels : M integers; None for a data set
    epochs : how often every image is seen, each time in a new order; batches are full but for an epoch's last
    rng : Generator, int or None, for the order
    on_step : called with each `Step` when it is done
    pixels : Pixels by which uint8 images become inputs, by default -1 .. 1; floats must be in its range

    Returns
    -------
    list of Step

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit the graph. Nothing is changed then.
    FloatingPointError
        When the loss is no longer finite, with the name of the first wire that is not.
    """
    batch_size, epochs = integer(batch_size, "batch_size", 1), integer(epochs, "epochs", 1)
    lr, momentum, weight_decay = (
        checked(value, name) for value, name in ((lr, "lr"), (momentum, "momentum"), (weight_decay, "weight_decay"))
    )
    if on_step is not None and not callable(on_step):
        raise TypeError(f"on_step must be a function that takes a Step, got {on_step!r}")
    rng = np.random.default_rng(rng)
    size, take = feeding(g, images, labels, pixels, rng)
    check_batches(g, size, batch_size)
    weights = losses.head_weights(g)
    count = epochs * -(-size // batch_size)
    velocity, steps = {}, []
    for epoch in range(epochs):
        order = rng.permutation(size)
        for start in range(0, len(order), batch_size):
            (x, targets), number = take(order[start : start + batch_size], epoch), len(steps)
            if not len(targets):
                continue
            found = gradients(g, x, targets, weights, number=number)
            rate = schedules.polynomial(lr, number, count)
            optim.sgd_step(g.params, found.params, velocity, lr=rate, momentum=momentum, weight_decay=weight_decay)
            steps.append(Step(number, count, found.loss, found.accuracy))
            if on_step:
                on_step(steps[-1])
    return steps
