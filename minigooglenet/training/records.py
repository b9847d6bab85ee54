"""What a training reports of its steps and its epochs."""

import math
from typing import NamedTuple


class Step(NamedTuple):
    """What one training step saw: its number from 0 of `count`, the loss, and the accuracy on its own batch."""

    number: int
    count: int
    loss: float
    accuracy: float


class Epoch(NamedTuple):
    """What one epoch came to: means over its batches, and over the held-out pictures at its end."""

    epoch: int
    train_loss: float
    train_accuracy: float
    test_loss: float
    test_accuracy: float
    seconds: float


def best_epoch(epochs) -> Epoch | None:
    """Return the Epoch with the highest held-out accuracy; of equals, the one with the lowest loss, then the first.

    None if no held-out image could be used in any epoch.
    """
    best = None
    for epoch in epochs:
        if not math.isnan(epoch.test_accuracy) and (best is None or _score(epoch) > _score(best)):
            best = epoch
    return best


def _score(epoch):
    return epoch.test_accuracy, -math.inf if math.isnan(epoch.test_loss) else -epoch.test_loss
