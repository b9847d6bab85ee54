"""The parameter server: it owns the parameters, applies each gradient that is pushed, and averages the results."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from minigooglenet import optim
from minigooglenet.graph import Graph
from minigooglenet.training.averaging import average_step, averaged
from minigooglenet.typing import Array


class Pushed(NamedTuple):
    """A gradient that a worker pushes.

    Attributes
    ----------
    version : number of updates that the parameters had when the worker fetched them
    images : number of images in its batch
    loss : mean loss of the batch in nats
    params : {name: gradient}
    """

    version: int
    images: int
    loss: float
    params: dict[str, Array]


class ParameterServer:
    """Parameters of a graph, updated in place by SGD with momentum, and their Polyak average.

    Parameters
    ----------
    graph : Graph, whose parameters are the server's
    lr, momentum, weight_decay : as in `optim.sgd_step`
    average_from : number of updates before averaging starts

    Attributes
    ----------
    version : number of updates so far
    average : {name: array}, the mean of the parameters after each update since `average_from`
    """

    def __init__(self, graph: Graph, *, lr: float, momentum: float, weight_decay: float, average_from: int) -> None:
        self.graph, self.version = graph, 0
        self.settings = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        self.average_from = average_from
        self.velocity: dict[str, Array] = {}
        self.average: dict[str, Array] = {}

    def push(self, gradients: Sequence[Pushed]) -> None:
        """Update the parameters with the mean of some gradients, weighted by the images of their batches."""
        optim.sgd_step(self.graph.params, mean(gradients), self.velocity, **self.settings)
        if self.version >= self.average_from:
            arrays = {**self.graph.params, **self.graph.buffers}
            average_step(self.average, arrays, self.version - self.average_from)
        self.version += 1

    def averaged(self) -> Graph:
        """Return a copy of the graph with the averaged parameters; with the last ones before averaging starts."""
        return averaged(self.graph, self.average)


def mean(gradients: Sequence[Pushed]) -> Mapping[str, Array]:
    """Return {name: mean gradient of the joined batches}, always summed in the given order."""
    images = sum(gradient.images for gradient in gradients)
    return {
        name: sum(gradient.images / images * gradient.params[name] for gradient in gradients)
        for name in gradients[0].params
    }
