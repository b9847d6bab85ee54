"""What a network makes of images that it has not learned from."""

from typing import NamedTuple

import numpy as np

from minigooglenet import checks, console, data, losses
from minigooglenet.planning import plan

BATCH = 64


class HeldOut(NamedTuple):
    """Labels and predictions (M,) of the images that could be used, and their mean loss in nats."""

    labels: np.ndarray
    predicted: np.ndarray
    loss: float

    def __repr__(self) -> str:
        return console.brief(self)

    @property
    def accuracy(self) -> float:
        return float((self.labels == self.predicted).mean()) if len(self.labels) else float("nan")


def measure(graph, dataset, stop=()) -> HeldOut | None:
    """Return what the graph's main output makes of a data.Dataset; None as soon as `stop` holds something."""
    if not isinstance(dataset, data.Dataset):
        raise TypeError(f"measure takes a data.Dataset, got {type(dataset).__name__}. Try data.Images(...).")
    takes = graph.inputs[only_input(graph)]
    if len(dataset) and tuple(dataset.shape) != takes:
        raise ValueError(f"the network takes images of {takes}, the data have {tuple(dataset.shape)}")
    if len(dataset):
        check_labels(graph, dataset.labels, len(dataset), (graph.main,))
    ready, labels, predicted, total = plan(graph), [], [], 0.0
    for batch in data.batches(dataset, np.arange(len(dataset)), BATCH):
        if stop:
            return None
        logits = ready(batch.x)
        total += float(losses.softmax_cross_entropy(logits, batch.labels)[0]) * len(batch.labels)
        labels.append(batch.labels)
        predicted.append(logits.argmax(axis=1))
    if not labels:
        return HeldOut(np.empty(0, np.int64), np.empty(0, np.int64), float("nan"))
    labels, predicted = np.concatenate(labels), np.concatenate(predicted)
    return HeldOut(labels, predicted, total / len(labels))


def check_labels(g, labels, count, wires=None):
    """Return `count` labels as integers, once they are known to be classes of every one of `wires`.

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
    return labels


def only_input(g) -> str:
    """Return the name of a graph's one input, or say that there are several."""
    if len(g.inputs) != 1:
        raise ValueError(f"training feeds one input, this graph has {list(g.inputs)}")
    return next(iter(g.inputs))
