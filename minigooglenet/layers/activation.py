"""The layers that work value by value, and softmax."""

import math

import numpy as np

from minigooglenet import checks
from minigooglenet.kernels import dropout, relu, softmax
from minigooglenet.layers.base import Layer
from minigooglenet.layers.operations import Taped, Term


class ReLU(Layer):
    """max(x, 0), for any shape."""

    def output_shape(self, x_shape):
        return tuple(x_shape)

    def forward(self, x, train=False):
        y = relu.forward(x)
        return y, y

    def backward(self, grad_output, cache):
        return (relu.backward(grad_output, cache),), {}

    def operations(self, x_shape):
        return [Term("compare", tuple(x_shape))]

    def taped(self, x_shape):
        return Taped(output=True)


class Dropout(Layer):
    """Inverted dropout, for any shape: active while training, the identity in inference.

    `p` is the share that is dropped. `rng` (Generator, int or None) draws what to drop, anew at every training forward.
    """

    def __init__(self, p=0.5, *, rng=None):
        super().__init__()
        self.p = checks.probability(p)
        self.rng = np.random.default_rng(rng)

    def output_shape(self, x_shape):
        return tuple(x_shape)

    def forward(self, x, train=False):
        if not train:
            return checks.floating(x, "x").copy(), (x.shape, None)
        y, kept = dropout.forward(x, self.p, self.rng)
        return y, (x.shape, kept)

    def backward(self, grad_output, cache):
        shape, kept = cache
        grad_output = checks.gradient(grad_output, shape)
        return (grad_output.copy() if kept is None else dropout.backward(grad_output, kept, self.p),), {}

    def operations(self, x_shape):
        return []  # inference does nothing

    def taped(self, x_shape):
        return Taped(bytes=math.prod(x_shape))

    def settings(self):
        return {"p": self.p}


class Softmax(Layer):
    """Scores to probabilities along the channels: axis 1 of (N, C, ...)."""

    def output_shape(self, x_shape):
        if not x_shape:
            raise ValueError("softmax needs classes: a shape (C, ...) behind the batch axis, got ()")
        return tuple(x_shape)

    def forward(self, x, train=False):
        y = softmax.forward(x)
        return y, y

    def backward(self, grad_output, cache):
        return (softmax.backward(grad_output, cache),), {}

    def operations(self, x_shape):
        classes, places = x_shape[0], math.prod(x_shape[1:])
        return [
            Term("compare", (classes - 1, places), "the largest"),
            Term("add", (2 * classes - 1, places), "less the largest, and the sum"),
            Term("power", (classes, places)),
            Term("divide", (classes, places)),
        ]

    def taped(self, x_shape):
        return Taped(output=True)
