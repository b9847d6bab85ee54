"""An exhibit of the museum: a wrong function, the right functions next to it, and how people come to write it.

A room is one operation with fixed hyperparameters. Its broken functions follow it in the code, each written as a
student would write it. Each differs from the right function by the mistake in its name. The docstring is the story.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from minigooglenet import shapes

KEYS = (
    "wrong by a constant factor",
    "1/N missing",
    "axes swapped",
    "kernel not flipped",
    "stride ignored",
    "padding ignored",
    "dilation ignored",
    "only one image counts",
    "= where += belongs",
    "not summed over",
    "mask from the wrong array",
    "divided by the wrong count",
    "dropout not rescaled",
    "cross-channel term missing",
    "batch norm terms missing",
    "softmax Jacobian treated as diagonal",
    "label's one not subtracted",
    "upstream gradient ignored",
    "gradient missing",
    "wrong at the border only",
    "norm terms missing",
    "biased and unbiased variance mixed",
    "window of the wrong size",
    "exponent beta instead of beta + 1",
    "attention's softmax Jacobian wrong",
    "wrong derivative formula",
    "ignored labels counted",
    "label smoothing left out",
    "loss not clipped",
)


@dataclass(frozen=True)
class Exhibit:
    """A pair of functions, one of which is wrong.

    Attributes
    ----------
    name : operation and mistake, "conv2d/stride_ignored"
    story : one sentence about how people come to write it
    suspect : the first words of the checker's first suspect, one of `KEYS`; empty for faults of the contract
    forward : forward(*inputs) -> y
    backward : backward(grad_y, *inputs) -> one gradient per float input, in order
    inputs : inputs(rng) -> float64 arrays (labels are integers), small and chosen to reveal the mistake
    correct : the right version of the broken function
    broken : "backward" or "forward"
    """

    name: str
    story: str
    suspect: str
    forward: Callable
    backward: Callable
    inputs: Callable
    correct: Callable
    broken: str = "backward"


class Room:
    """One operation with fixed hyperparameters: the right functions, their inputs, and the exhibits so far."""

    def __init__(self, operation, forward, correct, inputs):
        self.operation, self.forward, self.correct, self.inputs = operation, forward, correct, inputs
        self.exhibits = []

    def backward(self, suspect):
        """Return a decorator that adds a broken backward."""

        def add(function):
            self._add(function, suspect, self.forward, function, self.correct, "backward")
            return function

        return add

    def broken_forward(self, suspect):
        """Return a decorator that adds a broken `forward`; the `backward` belongs to the right one."""

        def add(function):
            self._add(function, suspect, function, self.correct, self.forward, "forward")
            return function

        return add

    def _add(self, function, suspect, forward, backward, correct, broken):
        name = f"{self.operation}/{function.__name__}"
        story = " ".join(function.__doc__.split())
        self.exhibits.append(Exhibit(name, story, suspect, forward, backward, self.inputs, correct, broken))


def windows(x, kernel_size, stride, padding, fill=0.0, dilation=(1, 1)):
    """Return (N, C, P, Q, R, S): the window of x (N, C, H, W) that each output reads, with `fill` around the image.

    Kernel, stride and dilation are (h, w), padding is ((top, bottom), (left, right)).
    """
    padded = np.pad(x, ((0, 0), (0, 0), *padding), constant_values=fill)
    every = np.lib.stride_tricks.sliding_window_view(padded, shapes.dilated(kernel_size, dilation), axis=(2, 3))
    return every[:, :, :: stride[0], :: stride[1], :: dilation[0], :: dilation[1]]
