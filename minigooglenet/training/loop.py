"""A short training loop, readable from top to bottom: one SGD step per batch."""

from collections.abc import Callable
from functools import partial

import numpy as np

from minigooglenet import losses, optim, schedules
from minigooglenet.checks import number as checked
from minigooglenet.data import Dataset, Pixels
from minigooglenet.graph import Graph
from minigooglenet.shapes import integer
from minigooglenet.training.feeding import check_batches, feeding
from minigooglenet.training.step import Step, gradients
from minigooglenet.training.tied import ties
from minigooglenet.typing import Array, ArrayLike, Rng


def train(
    g: Graph,
    images: Array | Dataset,
    labels: ArrayLike | None = None,
    *,
    epochs: int,
    batch_size: int = 32,
    lr: float = 0.05,
    momentum: float = 0.9,
    weight_decay: float = 2e-4,
    rng: Rng = None,
    on_step: Callable[[Step], object] | None = None,
    pixels: Pixels | None = None,
) -> list[Step]:
    """Train a graph in place by SGD with momentum; the learning rate decays to zero with the square root of the rest.

    Every output of the graph is a classifier. The loss weight of the last one is 1, of the others 0.3.

    Parameters
    ----------
    g : Graph with one input
    images : (M, C, H, W). float32 and float64 are network inputs and are used unchanged. uint8 are pixels in 0 .. 255,
        which `pixels` converts to inputs. Or a data.Dataset, which has its own labels and pixels, and is augmented if
        it has an `augment` function.
    labels : M integers; None for a data set
    epochs : number of passes over the images, each in a new order; only the last batch of an epoch may be smaller
    batch_size : images per step
    lr, momentum, weight_decay : hyperparameters of `optim.sgd_step`
    rng : Generator, int or None for the order
    on_step : called with each `Step` when it is done
    pixels : Pixels that convert uint8 images to inputs, by default to -1 .. 1; floats must be in the range of `pixels`

    Returns
    -------
    list of Step

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit the graph. Nothing is changed then.
    FloatingPointError
        If the loss is not finite, with the name of the first wire that is not.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> images, labels, *_ = mg.data.digits(8)
    >>> g = mg.Graph(image=(1, 8, 8))
    >>> wire = g.add("fc", mg.layers.Linear(64, 10, rng=0), g.add("flat", mg.layers.Flatten(), "image"))
    >>> steps = mg.training.train(g, images, labels, epochs=2, rng=0)
    >>> len(steps), steps[-1].loss < steps[0].loss
    (90, True)
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
    velocity, steps, tied = dict[str, Array](), list[Step](), ties(g)
    sgd_step: Callable[..., None] = optim.sgd_step
    for epoch in range(epochs):
        order = rng.permutation(size)
        for start in range(0, len(order), batch_size):
            (x, targets), number = take(order[start : start + batch_size], epoch), len(steps)
            if not len(targets):
                continue
            rates = {"lr": schedules.polynomial(lr, number, count), "momentum": momentum, "weight_decay": weight_decay}
            update = partial(sgd_step, g.params, velocity=velocity, **rates)
            result = gradients(g, x, targets, weights, number=number, update=None if tied else update)
            update(result.params)  # those that are left
            steps.append(Step(number, count, result.loss, result.accuracy))
            if on_step:
                on_step(steps[-1])
    return steps
