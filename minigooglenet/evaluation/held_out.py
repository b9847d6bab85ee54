"""What a network makes of pictures that it has not learned from."""

from typing import NamedTuple

import numpy as np

from minigooglenet import console, data, losses
from minigooglenet.planning import plan
from minigooglenet.training import fit
from minigooglenet.training.step import only_input

BATCH = 64


class Evaluation(NamedTuple):
    """Labels and predictions (M,) of the pictures that could be used, and their mean loss in nats."""

    labels: np.ndarray
    predicted: np.ndarray
    loss: float

    __repr__ = console.brief

    @property
    def accuracy(self) -> float:
        return float((self.labels == self.predicted).mean()) if len(self.labels) else float("nan")


def evaluate(graph, dataset, stop=()) -> Evaluation | None:
    """Return what the graph's main output makes of a data.Dataset; None as soon as `stop` holds something."""
    if not isinstance(dataset, data.Dataset):
        raise TypeError(f"evaluate takes a data.Dataset, got {type(dataset).__name__}. Try data.Pictures(...).")
    takes = graph.inputs[only_input(graph)]
    if len(dataset) and tuple(dataset.shape) != takes:
        raise ValueError(f"the network takes images of {takes}, the data have {tuple(dataset.shape)}")
    if len(dataset):
        fit.check_labels(graph, dataset.labels, len(dataset), (graph.main,))
    ready, labels, predicted, total = plan(graph), [], [], 0.0
    for batch in data.batches(dataset, np.arange(len(dataset)), BATCH):
        if stop:
            return None
        logits = ready(batch.x)
        total += float(losses.softmax_cross_entropy(logits, batch.labels)[0]) * len(batch.labels)
        labels.append(batch.labels)
        predicted.append(logits.argmax(axis=1))
    if not labels:
        return Evaluation(np.empty(0, np.int64), np.empty(0, np.int64), float("nan"))
    labels, predicted = np.concatenate(labels), np.concatenate(predicted)
    return Evaluation(labels, predicted, total / len(labels))
