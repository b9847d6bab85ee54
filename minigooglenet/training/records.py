"""What a training reports of its steps and its epochs."""

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
