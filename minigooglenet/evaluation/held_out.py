"""Evaluation of a network on held-out images during training: loss and accuracy, one crop per image."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from minigooglenet import checks, console, data, losses
from minigooglenet.graph import Graph
from minigooglenet.planning import plan
from minigooglenet.typing import ArrayLike, IntArray

BATCH = 64


class HeldOut(NamedTuple):
    """Labels and predictions (M,) of the usable images, and their mean loss in nats.

    Examples
    --------
    >>> import numpy as np
    >>> import minigooglenet as mg
    >>> mg.evaluation.HeldOut(np.array([0, 1, 2, 2]), np.array([0, 1, 2, 0]), loss=0.7).accuracy
    0.75
    """

    labels: IntArray
    predicted: IntArray
    loss: float

    def __repr__(self) -> str:
        return console.brief(self)

    @property
    def accuracy(self) -> float:
        """Return the fraction of correct predictions, NaN without images."""
        return float((self.labels == self.predicted).mean()) if len(self.labels) else float("nan")


def measure(graph: Graph, dataset: data.Dataset, stop: Sequence[object] = ()) -> HeldOut | None:
    """Evaluate the graph's main output on a data set; return None as soon as the list `stop` is not empty."""
    if not isinstance(dataset, data.Dataset):
        raise TypeError(f"dataset must be a data.Dataset, got {type(dataset).__name__}. Try data.Images(...).")
    expected = graph.inputs[only_input(graph)]
    if len(dataset) and tuple(dataset.shape) != expected:
        raise ValueError(f"the network expects images of {expected}, but the data set has {tuple(dataset.shape)}")
    if len(dataset):
        check_labels(graph, dataset.labels, len(dataset), (graph.main,))
    results = list(batch_results(graph, dataset, np.arange(len(dataset)), stop))
    if stop:
        return None
    nothing = np.empty(0, np.int64)
    labels, predicted = (
        np.concatenate([nothing, *(getattr(result, name) for result in results)]) for name in ("labels", "predicted")
    )
    return joined(labels, predicted, (result.loss for result in results))


class BatchResult(NamedTuple):
    """The result of one batch: its number, indices, labels and predictions (n,), and the sum of its losses in nats."""

    number: int
    indices: IntArray
    labels: IntArray
    predicted: IntArray
    loss: float


def batch_results(
    graph: Graph, dataset: data.Dataset, order: IntArray, stop: Sequence[object] = ()
) -> Iterator[BatchResult]:
    """Yield the BatchResult of each batch of the images `order`, until the list `stop` is not empty."""
    run = plan(graph)
    for batch in data.batches(dataset, order, BATCH):
        if stop:
            return
        logits = run(batch.x)
        loss = float(losses.softmax_cross_entropy(logits, batch.labels)[0]) * len(batch.labels)
        yield BatchResult(batch.number, batch.indices, batch.labels, logits.argmax(axis=1), loss)


def joined(labels: IntArray, predicted: IntArray, batch_losses: Iterable[float]) -> HeldOut:
    """Return the HeldOut of all batches; `batch_losses` are the sums of the losses of each, in nats."""
    total = float(sum(batch_losses))
    return HeldOut(labels, predicted, total / len(labels) if len(labels) else float("nan"))


def check_labels(g: Graph, labels: ArrayLike, count: int, wires: Sequence[str] | None = None) -> IntArray:
    """Return `count` labels as integers, after checking that they are classes of each of the `wires`.

    wires : the classifiers of graph g, by default all of its outputs
    """
    for wire in g.outputs if wires is None else wires:
        shape = g.shape(wire)
        if len(shape) != 1:
            raise ValueError(
                f"output {wire!r} must have shape (classes,) to train or evaluate with labels, got {shape}. "
                "Add a GlobalAvgPool2d or a Flatten and a Linear, or name other outputs."
            )
        labels = checks.labels(labels, count, *shape)
    return np.asarray(labels)


def only_input(g: Graph) -> str:
    """Return the name of the only input of a graph; raise a ValueError if it has several."""
    if len(g.inputs) != 1:
        raise ValueError(f"a graph must have one input to be trained or evaluated, this one has {list(g.inputs)}")
    return next(iter(g.inputs))
